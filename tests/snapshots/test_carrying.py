"""A snapshot in one file: given away, taken in elsewhere, and what strangers may send instead."""

import hashlib
import io
import json
import sqlite3
import tarfile
from contextlib import closing

import msgspec
import pytest
from click.testing import CliRunner
from conftest import settings_for, write_ini
from databases import postgres, target  # noqa: F401 - fixtures
from pasts import tools

from releaseapp.cli import main
from releaseapp.credentials.vault import open_vault
from releaseapp.errors import Conflict
from releaseapp.operations import service as operations
from releaseapp.operations.models import Kind
from releaseapp.seeds import seed
from releaseapp.snapshots import archive, service
from releaseapp.snapshots.importing import carried
from releaseapp.snapshots.models import Damaged, NotWhole, Reason
from releaseapp.snapshots.service import Snapshots
from releaseapp.snapshots.work import importing
from releaseapp.storage import open_database, open_workflows

SECRET = "a secret for snapshots alone, long and varied: 24680"


def take_in(s, file):
    return operations.perform(s.db, Kind.IMPORT, None, lambda report: importing(s, report, file))


def export(s, folder):
    """A snapshot of now in one file, and not on the shelf any more."""
    name = service.make_snapshot(s, Reason.ASKED, None, note="for elsewhere").manifest.name
    file = folder / f"{name}.tar"
    with closing(carried(s, name)) as parcel:
        file.write_bytes(b"".join(parcel))
    assert file.stat().st_size == parcel.length
    service.delete_snapshot(s, name, None)
    return name, file


def rest_of(s):
    return sorted(path.name for path in s.settings.snapshots.iterdir())


@pytest.mark.parametrize("secret", ["", SECRET])
def test_what_was_given_away_is_taken_in_whole(target, tmp_path, secret):  # noqa: F811 - the fixture
    on_postgres = target.startswith("postgresql")
    more = {"postgres_tools": tools(target)} if on_postgres else {}
    settings = settings_for(tmp_path, agent_db_path=target, snapshot_secret=secret, **more)
    db = open_database(settings)
    seed(db, settings)
    s = Snapshots(db, open_workflows(settings), settings, open_vault(settings))
    name, file = export(s, tmp_path)
    assert name in take_in(s, file).sentence
    (kept,) = service.list_snapshots(s)
    assert (kept.manifest.name, kept.manifest.note, bool(kept.verified_at)) == (name, "for elsewhere", True)
    assert service.verify_snapshot(s, name) == []
    assert db.first("SELECT subject FROM events WHERE type = 'snapshot.imported'")["subject"] == name
    with pytest.raises(Conflict, match="is here already"):
        take_in(s, file)
    db.close()


def test_a_plain_tar_reads_it_and_a_plain_tar_of_the_folder_is_taken_in(here, tmp_path):
    name, file = export(here, tmp_path)
    with tarfile.open(file) as tar:
        assert tar.getnames() == [f"{name}.json", f"{name}.snapshot"]
        tar.extractall(tmp_path / "by-hand", filter="data")
    again = tmp_path / "again.tar"
    with tarfile.open(again, "w") as tar:
        for path in sorted((tmp_path / "by-hand").iterdir()):
            tar.add(path, arcname=path.name)
    take_in(here, again)
    assert service.verify_snapshot(here, name) == []


def test_whatever_note_a_snapshot_was_made_with_it_is_taken_in_elsewhere_and_shown(here, tmp_path):
    note = "one\ttwo\x1b[2Jthree\n" + "x" * 5000
    name = service.make_snapshot(here, Reason.ASKED, None, note=note).manifest.name
    file = tmp_path / "carried.tar"
    with closing(carried(here, name)) as parcel:
        file.write_bytes(b"".join(parcel))
    service.delete_snapshot(here, name, None)
    take_in(here, file)
    assert service.find_snapshot(here, name).manifest.note.startswith("one two [2Jthree\nxxx")


def made(file, change):
    """The file, its two members given to ``change`` as bytes by their names, and written anew."""
    with tarfile.open(file) as tar:
        members = {one.name: tar.extractfile(one).read() for one in tar}
    with tarfile.open(file, "w") as tar:
        for name, content in change(members).items():
            member = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))


def said_in_manifest(**values):
    def change(members):
        (name,) = (one for one in members if one.endswith(".json"))
        return members | {name: json.dumps(json.loads(members[name]) | values).encode()}

    return change


def link(members):
    member = tarfile.TarInfo(next(iter(members)))
    member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
    return {member: b""} | dict(list(members.items())[1:])


def inner_link(members):
    name = next(one for one in members if one.endswith(".snapshot"))
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for inner in ("agents.db", "workflows.json"):
            member = tarfile.TarInfo(inner)
            member.type, member.linkname = tarfile.LNKTYPE, "../../agents.db"
            tar.addfile(member)
    return members | {name: buffer.getvalue()}


def with_database(content):
    """A database of the sender's own making, for which the manifest vouches."""

    def change(members):
        manifest, archive_name = sorted(members)
        with tarfile.open(fileobj=io.BytesIO(members[archive_name])) as tar:
            workflows = tar.extractfile("workflows.json").read()
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            for name, inner in (("agents.db", content), ("workflows.json", workflows)):
                member = tarfile.TarInfo(name)
                member.size = len(inner)
                tar.addfile(member, io.BytesIO(inner))
        told = json.loads(members[manifest])
        told["files"]["agents.db"] = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        return {manifest: json.dumps(told).encode(), archive_name: buffer.getvalue()}

    return change


def sqlite_with(*statements):
    with closing(sqlite3.connect(":memory:")) as db:
        for statement in statements:
            db.execute(statement)
        db.commit()
        return db.serialize()


HOSTILE = {
    "a letter as its database": with_database(b"Dear all, " * 1000),
    "half a database": with_database(sqlite_with("CREATE TABLE agents (id TEXT)")[:600]),
    "an empty database": with_database(sqlite_with("CREATE TABLE agents (id TEXT)")),
    "a ledger that is none": with_database(sqlite_with("CREATE TABLE _sqlite_migrations (what TEXT)")),
    "a view in place of a table": with_database(sqlite_with("CREATE VIEW credentials AS SELECT 1 AS one")),
    "names that lead out": lambda members: {f"../{name}": content for name, content in members.items()},
    "one more": lambda members: members | {"more": b""},
    "one less": lambda members: dict(list(members.items())[:1]),
    "a link": link,
    "a link in the archive": inner_link,
    "a manifest that is none": lambda members: {
        name: b"[]" if name.endswith(".json") else content for name, content in members.items()
    },
    "a deep manifest": lambda members: {
        name: b'{"x":' + b"[" * 500_000 if name.endswith(".json") else content for name, content in members.items()
    },
    "a manifest that is no text": lambda members: {
        name: b'{"note":"\xff"}' if name.endswith(".json") else content for name, content in members.items()
    },
    "a manifest of another": said_in_manifest(name="20261124T012000Z-3f9a2c41"),
    "a name that leads out": said_in_manifest(name="../../20261124T012000Z-3f9a2c41"),
    "a newer form": said_in_manifest(format=99),
    "a colourful note": said_in_manifest(note="\x1b[2J all is well"),
    "a colourful table": said_in_manifest(counts={"\x1b[2Jagents": 1}),
    "a note without end": said_in_manifest(note="x" * 100_000),
    "a time that is none": said_in_manifest(made_at="tomorrow"),
    "a time that sorts last": said_in_manifest(made_at="9999"),
    "other files": said_in_manifest(files={"agents.db": {"bytes": 1, "sha256": "0"}}),
    "another engine": said_in_manifest(files={
        "agents.dump": {"bytes": 1, "sha256": "0"}, "workflows.json": {"bytes": 1, "sha256": "0"}
    }),
    "another byte": lambda members: {
        name: content if name.endswith(".json") else content[:90_000] + b"!" + content[90_001:]
        for name, content in members.items()
    },
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_and_nothing_is_left(here, tmp_path, name):
    _, file = export(here, tmp_path)
    made(file, HOSTILE[name])
    with pytest.raises(Damaged) as refused:
        take_in(here, file)
    assert "\x1b" not in str(refused.value)
    assert rest_of(here) == []


@pytest.mark.parametrize("content", [b"", b"x", b"\0" * 10_240, b"PK\x03\x04" + b"x" * 5000, b"\x1f\x8b" + b"x" * 5000])
def test_what_is_no_tar_is_refused(here, tmp_path, content):
    file = tmp_path / "some.tar"
    file.write_bytes(content)
    with pytest.raises(Damaged, match="no snapshot that was downloaded or exported"):
        take_in(here, file)


def test_a_file_that_was_cut_off_is_refused(here, tmp_path):
    _, file = export(here, tmp_path)
    whole = file.read_bytes()
    for length in (600, len(whole) // 2, len(whole) - 20_000):
        file.write_bytes(whole[:length])
        with pytest.raises(Damaged):
            take_in(here, file)
    assert rest_of(here) == []


def test_a_head_that_claims_gigabytes_takes_no_memory(here, tmp_path):
    file = tmp_path / "some.tar"
    head = tarfile.TarInfo("././@LongLink")
    head.type, head.size = tarfile.GNUTYPE_LONGNAME, 3_000_000_000
    with file.open("wb") as target_file:
        target_file.write(head.tobuf(tarfile.GNU_FORMAT))
        target_file.truncate(3_000_001_024)
    with pytest.raises(Damaged):
        take_in(here, file)


def test_heads_of_heads_without_end_are_refused(here, tmp_path):
    file = tmp_path / "some.tar"
    head = tarfile.TarInfo("././@LongLink")
    head.type, head.size = tarfile.GNUTYPE_LONGNAME, 2
    file.write_bytes((head.tobuf(tarfile.GNU_FORMAT) + b"a\0" + bytes(510)) * 3000 + bytes(1024))
    with pytest.raises(Damaged, match="no snapshot that was downloaded"):
        take_in(here, file)


def test_a_hole_of_terabytes_is_not_unpacked(here, tmp_path):
    name, file = export(here, tmp_path)
    with tarfile.open(file) as tar:
        manifest = tar.extractfile(f"{name}.json").read()
    head = bytearray(tarfile.TarInfo(f"{name}.snapshot").tobuf(tarfile.GNU_FORMAT))
    head[156:157] = tarfile.GNUTYPE_SPARSE
    head[386:410] = b"00000000000\0" + b"00000000000\0"
    head[483:495] = tarfile.itn(2**42, 12, tarfile.GNU_FORMAT)
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\0 " % sum(head)
    member = tarfile.TarInfo(f"{name}.json")
    member.size = len(manifest)
    file.write_bytes(
        member.tobuf(tarfile.GNU_FORMAT) + manifest + bytes(-len(manifest) % 512) + bytes(head) + bytes(1024)
    )
    with tarfile.open(file) as tar:
        assert tar.getmember(f"{name}.snapshot").size == 2**42
    with pytest.raises(Damaged, match="no snapshot that was downloaded"):
        take_in(here, file)


def test_what_opens_with_other_secrets_alone_is_told_and_taken_in_once_they_are_given(here, changed, tmp_path):
    sealed = changed(snapshot_secret=SECRET)
    name, file = export(sealed, tmp_path)
    with pytest.raises(Damaged, match="SNAPSHOT_SECRET"):
        take_in(here, file)
    take_in(changed(snapshot_secret_previous=SECRET), file)
    assert [one.manifest.name for one in service.list_snapshots(here)] == [name]


def test_a_snapshot_whose_rows_are_not_those_of_its_manifest_is_not_taken_in(here, tmp_path):
    _, file = export(here, tmp_path)

    def change(members):
        (name,) = (one for one in members if one.endswith(".json"))
        told = json.loads(members[name])
        told["counts"]["agents"] += 1
        return members | {name: json.dumps(told).encode()}

    made(file, change)
    with pytest.raises(NotWhole, match="agents has 6 rows where its manifest says 7"):
        take_in(here, file)
    assert rest_of(here) == []


def run(*words):
    return CliRunner().invoke(main, ["snapshot", *map(str, words)])


def test_the_commands_export_and_import(here, tmp_path):
    ini, file = write_ini(tmp_path), tmp_path / "carried.tar"
    name = service.make_snapshot(here, Reason.ASKED, None).manifest.name
    said = run("export", ini, name, "--to", file)
    assert (said.exit_code, str(file) in said.stderr) == (0, True)
    assert file.stat().st_mode & 0o777 == 0o600
    again = run("export", ini, name, "--to", file)
    assert (again.exit_code, "is there already" in again.stderr) == (2, True)
    assert run("export", ini, name, "--to", "-").stdout_bytes == file.read_bytes()
    assert "could not be written" in run("export", ini, name, "--to", tmp_path / "not" / "there").stderr
    assert run("export", ini, "20261124T012000Z-3f9a2c41").exit_code == 2

    service.delete_snapshot(here, name, None)
    taken = run("import", ini, file, "--json")
    assert (taken.exit_code, json.loads(taken.stdout)["name"]) == (0, name)
    assert "is opened aside" in taken.stderr
    assert run("import", ini, file).exit_code == 2
    file.write_bytes(b"other")
    refused = run("import", ini, file)
    assert (refused.exit_code, "no snapshot" in refused.stderr) == (2, True)
    assert [one.manifest.name for one in service.list_snapshots(here)] == [name]


def test_the_commands_tell_how_far_they_are(here, tmp_path):
    ini = write_ini(tmp_path)
    said = run("create", ini)
    assert "is packed" in said.stderr
    assert "is packed" not in said.stdout
    assert "100%" not in said.stdout
    assert "is looked through" in run("verify", ini).stderr
    assert msgspec.json.decode(run("create", ini, "--json").stdout)["name"]


def test_the_archive_goes_on_being_read_when_the_snapshot_is_deleted_meanwhile(here):
    name = service.make_snapshot(here, Reason.ASKED, None).manifest.name
    content = archive.archive_path(here.settings, name).read_bytes()
    with closing(carried(here, name)) as parcel:
        service.delete_snapshot(here, name, None)
        assert content in b"".join(parcel)
