"""Every setting of the product, in one table.

The table is the dataclass below: a field's type, default, environment name,
bounds and help stand together, ``docs/settings.md`` is rendered from it, and a
name that is not in it stops the start. A value comes from the environment
(``NAME``, or the file named by ``NAME_FILE`` for secrets) before the ini file,
before the default.
"""

import re
import secrets
import ssl
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from enum import StrEnum
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from releaseapp.errors import SettingsError

_MINIMAL_SECRET_BYTES = 32
_SECRETS = (
    "jwt_secret",
    "jwt_secret_previous",
    "credentials_secret",
    "credentials_secret_previous",
    "snapshot_secret",
    "snapshot_secret_previous",
    "release_hook_secret",
)
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")
_FOREIGN_PREFIXES = ("pyramid.", "jinja2.")


class Mode(StrEnum):
    """How the server is run; production is the strict one."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


@dataclass(frozen=True, slots=True)
class Spec:
    """What the table says of one setting."""

    convert: Callable[[str], object]
    help: str
    secret: bool = False

    def describe_type(self) -> str:
        """The kind of value, in words for the documentation."""
        return getattr(self.convert, "words", "text")


def _named(words: str) -> Callable[[Callable[[str], object]], Callable[[str], object]]:
    def name(convert: Callable[[str], object]) -> Callable[[str], object]:
        convert.words = words  # type: ignore[attr-defined]
        return convert

    return name


@_named("text")
def _text(value: str) -> str:
    return value.strip()


@_named("`development` or `production`")
def _mode(value: str) -> Mode:
    try:
        return Mode(value.strip())
    except ValueError:
        raise ValueError("must be development or production") from None


@_named("true or false")
def _boolean(value: str) -> bool:
    match value.strip().lower():
        case "true" | "yes" | "on" | "1":
            return True
        case "false" | "no" | "off" | "0":
            return False
    raise ValueError("must be true or false")


@_named("an address such as `https://work.example.com`")
def _origin(value: str) -> str:
    value = value.strip().rstrip("/")
    if not value:
        return ""
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.netloc or parts.path or parts.query:
        raise ValueError("must be a scheme and a host, such as https://work.example.com, without a path")
    return value


@_named("an address such as `s3://bucket/folder`")
def _bucket(value: str) -> str:
    value = value.strip().rstrip("/")
    parts = urlsplit(value)
    if value and (parts.scheme != "s3" or not parts.netloc or parts.query):
        raise ValueError("must be s3:// with the name of a bucket, and a folder in it if you like")
    return value


@_named("`full`, `normal`, or empty for full in production and normal in development")
def _synchronous(value: str) -> str:
    value = value.strip().lower()
    if value not in {"", "full", "normal"}:
        raise ValueError("must be full or normal")
    return value


@_named("networks such as `10.0.0.0/8` and names of hosts, with commas")
def _networks(value: str) -> str:
    for part in filter(None, (one.strip() for one in value.split(","))):
        try:
            ip_network(part, strict=False)
        except ValueError:
            if not _HOST.fullmatch(part):
                sentence = f"must list networks such as 10.0.0.0/8 and names of hosts, and {part!r} is neither"
                raise ValueError(sentence) from None
    return value.strip()


@_named("the path of a file in PEM")
def _authorities(value: str) -> str:
    path = value.strip()
    if path:
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
        except OSError as error:
            sentence = f"must name a readable file of certificates in PEM, and {path} is none ({error.strerror})"
            raise ValueError(sentence) from None
    return path


def _whole(low: int, high: int) -> Callable[[str], object]:
    @_named(f"a whole number from {low} to {high}")
    def convert(value: str) -> int:
        try:
            number = int(value.strip())
        except ValueError:
            raise ValueError(f"must be a whole number from {low} to {high}") from None
        if not low <= number <= high:
            raise ValueError(f"must be a whole number from {low} to {high}, not {number}")
        return number

    return convert


def _setting(default: object, convert: Callable[[str], object], help_text: str, *, secret: bool = False) -> Any:
    return field(default=default, metadata={"spec": Spec(convert, help_text, secret)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of one server. Fields are the table; see the module's first lines."""

    mode: Mode = _setting(
        Mode.PRODUCTION, _mode, "Production refuses weak secrets, sends Secure cookies and never seeds demo accounts."
    )
    agent_db_path: str = _setting(
        "var/agents.db",
        _text,
        "The database: a path for SQLite, or a postgresql:// address. Everything but workflows is in it.",
    )
    workflow_store_path: str = _setting(
        "var/workflows.json", _text, "The JSON file that holds workflows. Keep it on the same volume as the database."
    )
    task_queue_path: str = _setting(
        "", _text, "The queue of wake-up calls for workers, a SQLite file. Empty: queue.db beside the database."
    )
    jwt_secret: str = _setting(
        "", _text, "Signs sign-in tokens; at least 32 bytes. Development makes one when it is empty.", secret=True
    )
    jwt_secret_previous: str = _setting(
        "", _text, "The secret used before, still accepted while it is being replaced.", secret=True
    )
    credentials_secret: str = _setting(
        "",
        _text,
        "Encrypts credentials; at least 32 bytes. Keep it apart from the database. Development makes one when it is"
        " empty; production then takes no credentials.",
        secret=True,
    )
    credentials_secret_previous: str = _setting(
        "", _text, "The secret used before: still opens credentials until they are rotated.", secret=True
    )
    sqlite_folder: str = _setting(
        "",
        _text,
        "The only folder in which credentials may name SQLite databases. Empty: databases, beside the database.",
    )
    public_url: str = _setting(
        "", _origin, "Where people reach the server. Empty: whatever host a request names. Checked against Origin."
    )
    seed_demo: bool = _setting(
        default=False,
        convert=_boolean,
        help_text="Makes the demo workspaces and accounts in an empty database. Refused in production.",
    )
    session_minutes: int = _setting(240, _whole(5, 1440), "How long a sign-in lasts.")
    bcrypt_cost: int = _setting(10, _whole(10, 16), "The cost of password hashes: each step doubles the time.")
    password_max_days: int = _setting(
        365, _whole(0, 3650), "The age from which a password is called old, to its person and to operators; 0: never."
    )
    sign_in_attempts_per_account: int = _setting(
        10, _whole(3, 1000), "Failed sign-ins to one account within 15 minutes before it must wait."
    )
    sign_in_attempts_per_address: int = _setting(
        100, _whole(3, 100_000), "Failed sign-ins from one address within 15 minutes before it must wait."
    )
    max_body_bytes: int = _setting(1_048_576, _whole(1024, 1_073_741_824), "The largest request body accepted.")
    database_synchronous: str = _setting(
        "", _synchronous, "How SQLite syncs: full survives a power cut without losing a commit, normal is quicker."
    )
    busy_timeout_seconds: int = _setting(5, _whole(1, 120), "How long a write waits for its turn.")
    worker_threads: int = _setting(
        2, _whole(0, 64), "Threads that do agents' tasks in the all-in-one server; 0 leaves them to other workers."
    )
    task_lease_seconds: int = _setting(
        15, _whole(2, 3600), "How long a task of a worker that died waits until another takes it up."
    )
    task_max_attempts: int = _setting(
        3, _whole(1, 100), "How often a task is taken up after its worker died before it fails."
    )
    run_threads: int = _setting(
        4, _whole(0, 64), "Runs that the all-in-one server drives at once; 0 leaves them to other workers."
    )
    run_steps_at_once: int = _setting(16, _whole(1, 256), "Steps of one run that may work over the network at once.")
    run_lease_seconds: int = _setting(
        15, _whole(2, 3600), "How long a run of a worker that died waits until another takes it over."
    )
    run_max_days: int = _setting(30, _whole(1, 366), "How long a run may take that says nothing of it itself.")
    runs_at_once_per_workspace: int = _setting(
        50, _whole(0, 10_000), "Runs of one workspace that may be at work at once, unless it says otherwise; 0: any."
    )
    runs_at_once_per_workflow: int = _setting(
        0, _whole(0, 10_000), "Runs of one workflow that may be at work at once, unless it says otherwise; 0: any."
    )
    run_keep_days: int = _setting(
        30, _whole(0, 3650), "How long runs are kept after their end, unless their workspace says otherwise; 0: always."
    )
    run_keep_count: int = _setting(
        10_000,
        _whole(0, 1_000_000_000),
        "How many runs a workspace keeps, the newest, unless it says otherwise; 0: any.",
    )
    run_keep_megabytes: int = _setting(
        1000,
        _whole(0, 1_000_000_000),
        "How much the runs of a workspace may hold together, unless it says otherwise; the oldest go first; 0: any.",
    )
    outbound_allowed_networks: str = _setting(
        "", _networks, "Networks and hosts that steps and agents may reach though they are not public, with commas."
    )
    outbound_ca_file: str = _setting(
        "", _authorities, "A file of certificates of authorities that are trusted besides the usual ones."
    )
    event_keep_days: int = _setting(30, _whole(1, 3650), "How long events are kept for catching up and for activity.")
    live_ping_seconds: int = _setting(20, _whole(1, 600), "How often an idle live connection is asked if it is there.")
    live_buffer_frames: int = _setting(
        1000, _whole(10, 100_000), "How many frames may wait for a slow reader before its connection is dropped."
    )
    live_max_connections: int = _setting(10_000, _whole(1, 1_000_000), "How many live connections one server takes.")

    snapshot_folder: str = _setting("", _text, "Where snapshots are kept. Empty: snapshots, beside the database.")
    snapshot_every_hours: int = _setting(
        24, _whole(0, 8760), "How often a snapshot is made by itself; 0: only before migrations and when asked."
    )
    snapshot_keep_count: int = _setting(14, _whole(1, 100_000), "The newest snapshots that are always kept.")
    snapshot_keep_days: int = _setting(30, _whole(0, 3650), "Snapshots younger than this are kept besides those.")
    snapshot_secret: str = _setting(
        "", _text, "Encrypts snapshots; at least 32 bytes. Empty: they are not encrypted.", secret=True
    )
    snapshot_secret_previous: str = _setting(
        "", _text, "The secret used before: still opens snapshots made with it.", secret=True
    )
    snapshot_s3_url: str = _setting(
        "", _bucket, "The bucket of an S3-compatible store that gets a copy of each snapshot. Empty: none."
    )
    snapshot_s3_endpoint: str = _setting("", _origin, "Where that store is, if it is not Amazon's.")
    snapshot_s3_region: str = _setting("", _text, "The region of the bucket. Empty: us-east-1.")
    snapshot_s3_key_id: str = _setting("", _text, "Who asks the store. Empty: as AWS's own tools find it.")
    snapshot_s3_key: str = _setting("", _text, "The secret key that belongs to it.", secret=True)
    snapshot_before_migrations: bool = _setting(
        default=True,
        convert=_boolean,
        help_text="Whether a snapshot is made before a newer version changes the schema, and must be, for it to start.",
    )
    drill_every_hours: int = _setting(
        24, _whole(0, 8760), "How often the newest snapshot is put back aside, to see that it can be; 0: never."
    )
    postgres_tools: str = _setting(
        "", _text, "The folder of pg_dump and pg_restore, for snapshots of PostgreSQL. Empty: wherever PATH finds them."
    )
    release_hook_url: str = _setting(
        "", _text, "An address that is called, signed, when a release is finished: to clear a CDN's cache, say."
    )
    release_hook_secret: str = _setting("", _text, "Signs those calls; at least 32 bytes.", secret=True)

    @property
    def development(self) -> bool:
        """Whether the server runs in development."""
        return self.mode is Mode.DEVELOPMENT

    @property
    def synchronous(self) -> str:
        """``FULL`` or ``NORMAL``, with the mode's default applied."""
        return (self.database_synchronous or ("normal" if self.development else "full")).upper()

    @property
    def on_postgres(self) -> bool:
        """Whether the database is PostgreSQL."""
        return self.agent_db_path.startswith(("postgresql://", "postgres://"))

    @property
    def queue_path(self) -> Path:
        """Where the queue's file is, when the database is SQLite."""
        return Path(self.task_queue_path) if self.task_queue_path else self.data_folder / "queue.db"

    @property
    def sqlite_databases(self) -> Path:
        """The folder in which credentials may name SQLite databases."""
        return Path(self.sqlite_folder) if self.sqlite_folder else self.data_folder / "databases"

    @property
    def snapshots(self) -> Path:
        """The folder of snapshots."""
        return Path(self.snapshot_folder) if self.snapshot_folder else self.data_folder / "snapshots"

    @property
    def data_folder(self) -> Path:
        """The folder that holds the data files."""
        return Path(self.workflow_store_path if self.on_postgres else self.agent_db_path).absolute().parent


def environment_name(name: str) -> str:
    """The environment variable of a setting."""
    return name.upper()


def table() -> dict[str, tuple[Spec, object]]:
    """Every setting: name to what is said of it and its default."""
    return {item.name: (item.metadata["spec"], item.default) for item in fields(Settings)}


def load(
    ini: Mapping[str, str], environ: Mapping[str, str], *, ini_path: str | None = None, testing: bool = False
) -> Settings:
    """Settings from an ini section and the environment.

    ``ini_path`` names the file, so that an error can name the line. Raises
    SettingsError with one sentence a fault, all faults at once.
    """
    lines = _IniLines(ini_path)
    faults = [_unknown(name, lines) for name in ini if name not in table() and not name.startswith(_FOREIGN_PREFIXES)]
    values: dict[str, object] = {}
    for name, (spec, _) in table().items():
        try:
            found = _find(name, spec, ini, environ, lines)
        except SettingsError as error:
            faults.append(str(error))
            continue
        if found is None:
            continue
        raw, place = found
        try:
            values[name] = spec.convert(raw)
        except ValueError as error:
            faults.append(f"{place}: {name} {error}.")
    if faults:
        raise SettingsError("\n".join(faults))
    settings = Settings(**values)  # type: ignore[arg-type]
    return _complete(settings, values, lines, keep_secret=not testing)


def _unknown(name: str, lines: "_IniLines") -> str:
    near = [known for known in table() if known.replace("_", "") == re.sub(r"[^a-z0-9]", "", name.lower())]
    cure = f" Did you mean {near[0]}?" if near else " docs/settings.md lists every setting."
    return f"{lines.place(name)}: there is no setting {name}.{cure}"


def _find(
    name: str, spec: Spec, ini: Mapping[str, str], environ: Mapping[str, str], lines: "_IniLines"
) -> tuple[str, str] | None:
    variable = environment_name(name)
    file_variable = f"{variable}_FILE"
    if spec.secret and file_variable in environ:
        if variable in environ:
            raise SettingsError(f"environment: {variable} and {file_variable} are both set; keep one of them.")
        try:
            return Path(environ[file_variable]).read_text(encoding="utf-8"), f"environment {file_variable}"
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(
                f"environment {file_variable}: {environ[file_variable]} cannot be read ({error}); "
                "name a readable text file."
            ) from error
    if variable in environ:
        return environ[variable], f"environment {variable}"
    if name in ini:
        return ini[name], lines.place(name)
    return None


def _complete(settings: Settings, given: Mapping[str, object], lines: "_IniLines", *, keep_secret: bool) -> Settings:
    faults = list(_contradictions(settings, lines))
    if faults:
        raise SettingsError("\n".join(faults))
    lacking = [name for name in ("jwt_secret", "credentials_secret") if not getattr(settings, name)]
    if not lacking or not settings.development:
        return settings
    folder = settings.data_folder
    made = {name: _development_secret(folder, name) if keep_secret else secrets.token_urlsafe(48) for name in lacking}
    return Settings(**{**given, **made})  # type: ignore[arg-type]


def _contradictions(settings: Settings, lines: "_IniLines") -> list[str]:
    faults = []
    if not settings.agent_db_path:
        faults.append(
            f"{lines.place('agent_db_path')}: agent_db_path is empty; give a path or a postgresql:// address."
        )
    if not settings.development and not settings.jwt_secret:
        faults.append(
            f"{lines.place('jwt_secret')}: production needs a jwt_secret; set JWT_SECRET to the output of "
            "'openssl rand -base64 48'."
        )
    for name in _SECRETS:
        value = getattr(settings, name)
        if value and _weak(value):
            faults.append(
                f"{lines.place(name)}: {name} is weak: it needs at least {_MINIMAL_SECRET_BYTES} bytes that are not a "
                "pattern; take the output of 'openssl rand -base64 48'."
            )
    faults += _faults_of_pairs(settings, lines)
    if settings.seed_demo and not settings.development:
        faults.append(
            f"{lines.place('seed_demo')}: seed_demo is for development only; "
            "in production run 'releaseapp seed' if you truly want demo accounts."
        )
    if Path(settings.agent_db_path) == Path(settings.workflow_store_path):
        faults.append(
            f"{lines.place('workflow_store_path')}: workflow_store_path and agent_db_path name the same file."
        )
    return faults


def _faults_of_pairs(settings: Settings, lines: "_IniLines") -> list[str]:
    """Secrets that are given twice, or a previous one without one that took its place."""
    faults = [
        f"{lines.place(f'{name}_previous')}: {name}_previous is the same as {name}; remove it."
        for name in ("jwt_secret", "credentials_secret")
        if getattr(settings, name) and getattr(settings, name) == getattr(settings, f"{name}_previous")
    ]
    if settings.credentials_secret and settings.credentials_secret == settings.jwt_secret:
        faults.append(
            f"{lines.place('credentials_secret')}: credentials_secret is the same as jwt_secret; take another, so that"
            " one can be replaced without the other."
        )
    if settings.credentials_secret_previous and not settings.credentials_secret and not settings.development:
        faults.append(
            f"{lines.place('credentials_secret_previous')}: credentials_secret_previous is given without"
            " credentials_secret; name the secret that is in use as credentials_secret."
        )
    return faults


def _weak(secret: str) -> bool:
    distinct = 8
    return len(secret.encode()) < _MINIMAL_SECRET_BYTES or len(set(secret)) < distinct


def _development_secret(folder: Path, name: str) -> str:
    path = folder / name
    folder.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        # Linking a finished file into place: of several processes that start at once, one wins, and
        # none reads a file that is half written.
        draft = folder / f"{name}.{secrets.token_hex(8)}"
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(48), encoding="utf-8")
        with suppress(FileExistsError):
            path.hardlink_to(draft)
        draft.unlink()
    secret = path.read_text(encoding="utf-8").strip()
    if _weak(secret):
        raise SettingsError(f"{path}: the development secret kept here is damaged; delete the file to get a new one.")
    return secret


class _IniLines:
    """Finds the line of a setting in an ini file, for error messages."""

    def __init__(self, path: str | None) -> None:
        self._path = path
        self._lines: dict[str, int] = {}
        if path is not None and Path(path).is_file():
            text = Path(path).read_text(encoding="utf-8")
            for number, line in enumerate(text.splitlines(), start=1):
                match = re.match(r"([A-Za-z0-9_.]+)\s*[=:]", line)
                if match:
                    self._lines.setdefault(match[1], number)

    def place(self, name: str) -> str:
        """Where the setting is written, or would be."""
        file = Path(self._path).name if self._path else "settings"
        return f"{file} line {self._lines[name]}" if name in self._lines else file


def as_markdown() -> str:
    """The table of settings as a page of the documentation."""
    lines = [
        "# Settings",
        "",
        "Each setting stands in the `[app:main]` section of the ini file, or in the environment under its name in",
        "capitals; the environment wins. Secrets may also come from a file: `JWT_SECRET_FILE=/run/secrets/jwt`.",
        "Unknown names, values that contradict each other and weak secrets stop the start with a sentence that names",
        "the line and the cure. This page is printed by `releaseapp settings`.",
        "",
        "| setting | environment | value | default | what it does |",
        "|---|---|---|---|---|",
    ]
    for name, (spec, default) in table().items():
        variable = f"`{environment_name(name)}`" + (f" `{environment_name(name)}_FILE`" if spec.secret else "")
        shown = str(default).lower() if isinstance(default, bool) else str(default)
        lines.append(
            f"| `{name}` | {variable} | {spec.describe_type()} | {f'`{shown}`' if shown else 'empty'} | {spec.help} |"
        )
    return "\n".join(lines) + "\n"
