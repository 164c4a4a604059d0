"""Releases: begun, promoted, watched, finished or rolled back, with a log that writes itself."""

from typing import Any


def includeme(config: Any) -> None:
    """Puts ``release_ground`` on the registry, where views and commands find it."""
    from releaseapp.releases.opening import open_ground  # noqa: PLC0415 - rooms below may be used without a server

    config.registry.release_ground = open_ground(config.registry)
