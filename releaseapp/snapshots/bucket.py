"""Copies of snapshots in a bucket of an S3-compatible store: archive and manifest, as they lie in the folder."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from releaseapp.errors import AppError
from releaseapp.settings import Settings
from releaseapp.snapshots.models import NAME, Manifest, manifest_of

if TYPE_CHECKING:
    from obstore.store import S3Config, S3Store

_PART_BYTES = 8_388_608
_CONNECT = timedelta(seconds=5)
_REQUEST = timedelta(seconds=60)
_PATIENCE = timedelta(seconds=15)
"""How long one request, with its repetitions, is tried."""
_SOON = timedelta(seconds=3)
_RETRIES = 3


class Unreachable(AppError):
    """The bucket did not take, or give, what it was asked; the sentence says why, and tells no secret."""


class Bucket:
    """Snapshots in one bucket, below one prefix. Every method raises Unreachable."""

    def __init__(self, store: "S3Store", address: str) -> None:
        """``address`` is how people know it: ``s3://bucket/prefix``."""
        self._store = store
        self._address = address

    def names(self) -> list[str]:
        """Every snapshot that is there with its manifest."""
        with self._asked():
            found = [str(meta["path"]) for page in self._store.list() for meta in page]
        # Nothing in folders below counts: the names are ours.
        return [path[:-5] for path in found if path.endswith(".json") and NAME.fullmatch(path[:-5])]

    def find(self, name: str) -> tuple[Manifest, int] | None:
        """The manifest of a snapshot and the size of its archive; None when either is not there, or is no such."""
        with self._asked():
            try:
                content = bytes(self._store.get(f"{name}.json").bytes())
                size = int(self._store.head(f"{name}.snapshot")["size"])
            except FileNotFoundError:
                return None
        try:
            manifest = manifest_of(content)
        except ValueError:
            return None
        return (manifest, size) if manifest.name == name else None

    def send(self, name: str, archive: Path, manifest: Path) -> None:
        """Copies a snapshot there, the manifest last: what has one is whole."""
        with self._asked():
            self._store.put(f"{name}.snapshot", archive)
            self._store.put(f"{name}.json", manifest)

    def parts_of(self, name: str) -> Generator[bytes]:
        """The archive of a snapshot, part by part."""
        with self._asked():
            size = int(self._store.head(f"{name}.snapshot")["size"])
        for start in range(0, size, _PART_BYTES):
            with self._asked():
                end = min(start + _PART_BYTES, size)
                part = bytes(self._store.get_range(f"{name}.snapshot", start=start, end=end))
            yield part

    def delete(self, name: str) -> None:
        """Deletes a snapshot, the manifest first; what is not there is no error."""
        with self._asked():
            self._store.delete(f"{name}.json")
            self._store.delete(f"{name}.snapshot")

    @contextmanager
    def _asked(self) -> Iterator[None]:
        from obstore.exceptions import BaseError  # noqa: PLC0415 - an extra, not everybody has it

        try:
            yield
        except FileNotFoundError as error:
            raise Unreachable(f"{self._address} has no such snapshot, or there is no such bucket.") from error
        except BaseError as error:
            # What the library says holds the request, and the library's own debugging; its first line is for people.
            said = str(error).strip().partition("\n")[0][:200]
            raise Unreachable(f"{self._address} did not answer as it should: {said}") from error


def bucket_of(settings: Settings, *, soon: bool = False) -> Bucket | None:
    """The bucket of the settings; None when they name none. Raises Unreachable when the library for it is not there.

    ``soon``: somebody waits for a page, and would rather hear that it does not answer.
    """
    address = settings.snapshot_s3_url
    if not address:
        return None
    try:
        from obstore.store import S3Store  # noqa: PLC0415 - an extra, not everybody has it
    except ImportError as error:
        raise Unreachable(f"{address} needs a library that is not installed: pip install 'releaseapp[s3]'.") from error
    endpoint = settings.snapshot_s3_endpoint
    store = S3Store(
        urlsplit(address).netloc,
        prefix=urlsplit(address).path.strip("/") or None,
        config=_given(settings),
        client_options={
            "allow_http": endpoint.startswith("http://"),
            "connect_timeout": _SOON if soon else _CONNECT,
            "timeout": _SOON if soon else _REQUEST,
        },
        retry_config={"max_retries": _RETRIES, "retry_timeout": _SOON if soon else _PATIENCE},
    )
    return Bucket(store, address)


def _given(settings: Settings) -> "S3Config":
    given: S3Config = {"region": settings.snapshot_s3_region or "us-east-1"}
    if settings.snapshot_s3_endpoint:
        given["endpoint"] = settings.snapshot_s3_endpoint
    # Without them it is found out as AWS's own tools do: by the environment, or the role of the machine.
    if settings.snapshot_s3_key_id:
        given["access_key_id"] = settings.snapshot_s3_key_id
        given["secret_access_key"] = settings.snapshot_s3_key
    return given
