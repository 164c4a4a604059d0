"""The lines of a ``[server:…]`` section."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from releaseapp.errors import SettingsError


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a ``[server:…]`` section may say.

    ``threads`` run the application; ``reuse_port`` lets several processes listen on one port;
    ``hand_over`` lets a new process take the place of this one without a pause;
    ``trusted_proxy`` is the address of a proxy whose X-Forwarded-For and -Proto are believed;
    ``grace_seconds`` is how long requests and tasks may go on when the server stops.
    """

    host: str = "127.0.0.1"
    port: int = 6543
    threads: int = 4
    reuse_port: bool = False
    hand_over: bool = False
    trusted_proxy: str = ""
    grace_seconds: int = 10


_BOUNDS = {"threads": range(1, 1_025), "port": range(65_536), "grace_seconds": range(86_401)}


def read_options(lines: Mapping[str, str]) -> Options:
    """Options from an ini section; raises SettingsError with a sentence for each that is unknown or wrong."""
    kinds: dict[str, Any] = {item.name: item.type for item in fields(Options)}
    faults: list[str] = []
    values: dict[str, Any] = {}
    for name, text in lines.items():
        try:
            values[name] = _convert(kinds[name], text.strip())
            if name in _BOUNDS and values[name] not in _BOUNDS[name]:
                raise ValueError(name)  # noqa: TRY301 - the same sentence for every wrong value
        except KeyError:
            faults.append(f"[server]: there is no option {name}; there are {', '.join(kinds)}.")
        except ValueError:
            faults.append(f"[server]: {name} cannot be {text!r}.")
    if values.get("hand_over") and values.get("reuse_port"):
        faults.append("[server]: hand_over and reuse_port exclude each other: with reuse_port, several processes stay.")
    if faults:
        raise SettingsError("\n".join(faults))
    return Options(**values)


def _convert(kind: Any, text: str) -> str | int | bool:
    if kind is bool:
        if text.lower() not in {"true", "false"}:
            raise ValueError(text)
        return text.lower() == "true"
    if kind is int:
        return int(text)
    return text
