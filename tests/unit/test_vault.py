"""Sealing and opening, hosts, and the addresses of databases, by themselves."""

import re
from pathlib import Path

import msgspec
import pytest
from databases import postgres, target  # noqa: F401 - fixtures

from releaseapp import clock
from releaseapp.credentials import addresses, contents, hosts, queries, service
from releaseapp.credentials.models import CredentialType, User, UserKind, VaultLocked
from releaseapp.credentials.schemas import CredentialChange, CredentialCreate
from releaseapp.credentials.types import KINDS
from releaseapp.credentials.uses import find_uses
from releaseapp.credentials.vault import Vault
from releaseapp.db import connect
from releaseapp.db.migrate import migrate

ONE, TWO, THREE = (f"{word} secret for tests of the vault, 0123456789" for word in ("first", "second", "third"))
FOLDER = Path("/srv/databases")


def vault(*secrets):
    return Vault(secrets, FOLDER)


def test_what_is_sealed_opens_and_names_its_key():
    sealed = vault(ONE).seal(b"text", "w", "c")
    assert re.fullmatch(r"v1\.[0-9a-f]{12}\.[A-Za-z0-9_-]+", sealed)
    assert sealed.split(".")[1] == vault(ONE).key_id != vault(TWO).key_id
    assert vault(ONE).open(sealed, "w", "c") == b"text"
    assert b"text" not in sealed.encode()


def test_no_two_seals_are_alike():
    assert len({vault(ONE).seal(b"text", "w", "c") for _ in range(100)}) == 100


def test_the_first_key_seals_and_each_opens():
    old = vault(ONE).seal(b"text", "w", "c")
    both = vault(TWO, ONE)
    assert both.open(old, "w", "c") == b"text"
    assert both.seal(b"text", "w", "c").split(".")[1] == vault(TWO).key_id
    assert both.key_ids == {vault(ONE).key_id, vault(TWO).key_id}


@pytest.mark.parametrize(("workspace", "credential"), [("other", "c"), ("w", "other"), ("c", "w"), ("wc", "")])
def test_what_was_moved_does_not_open(workspace, credential):
    sealed = vault(ONE).seal(b"text", "w", "c")
    with pytest.raises(VaultLocked, match="damaged"):
        vault(ONE).open(sealed, workspace, credential)


def test_no_change_of_a_single_character_goes_unnoticed():
    sealed = vault(ONE).seal(b"text", "w", "c")
    # The last character of base64 may have bits that say nothing.
    for place in range(len(sealed) - 1):
        other = sealed[:place] + ("A" if sealed[place] != "A" else "B") + sealed[place + 1 :]
        with pytest.raises(VaultLocked):
            vault(ONE).open(other, "w", "c")
    for text in ("", "v1", sealed[:-20], sealed + "=", f"v2{sealed[2:]}", f"{sealed}\n"):
        with pytest.raises(VaultLocked):
            vault(ONE).open(text, "w", "c")


def test_a_wrong_key_and_none_are_told_apart_with_their_cures():
    sealed = vault(ONE).seal(b"text", "w", "c")
    with pytest.raises(VaultLocked, match="CREDENTIALS_SECRET_PREVIOUS"):
        vault(TWO).open(sealed, "w", "c")
    with pytest.raises(VaultLocked, match="openssl"):
        vault().open(sealed, "w", "c")
    with pytest.raises(VaultLocked, match="openssl"):
        vault("").seal(b"text", "w", "c")


@pytest.mark.parametrize(
    ("entry", "host", "port", "allowed"),
    [
        ("api.example.com", "api.example.com", None, True),
        ("api.example.com", "API.Example.COM.", 8443, True),
        ("api.example.com", "example.com", 443, False),
        ("api.example.com", "xapi.example.com", 443, False),
        ("api.example.com", "api.example.com.evil.org", 443, False),
        ("api.example.com:8443", "api.example.com", 8443, True),
        ("api.example.com:8443", "api.example.com", 443, False),
        ("api.example.com:8443", "api.example.com", None, False),
        ("api.example.com:443", "api.example.com", None, True),
        ("*.example.com", "a.example.com", 443, True),
        ("*.example.com", "a.b.example.com", 443, True),
        ("*.example.com", "example.com", 443, False),
        ("*.example.com", "evilexample.com", 443, False),
        ("*.example.com:8080", "a.example.com", 8080, True),
        ("127.0.0.1:8080", "127.0.0.1", 8080, True),
        ("[::1]", "::1", 443, True),
        ("[::1]:80", "[0:0::1]", 80, True),
        ("bücher.example", "xn--bcher-kva.example", 443, True),
        ("localhost", "localhost", 80, True),
        ("127.0.0.1", "0x7f.1", 80, False),
        ("a.example.com", "", 80, False),
        ("a.example.com", "a.example.com/x", 80, False),
        ("a.example.com", "a.example.com@evil.org", 80, False),
    ],
)
def test_where_a_secret_may_go(entry, host, port, allowed):
    assert hosts.allows([hosts.pattern(entry)], host, port) is allowed
    assert hosts.allows([], host, port) is False


@pytest.mark.parametrize(
    "entry",
    ["*", "*.com", "*.*.com", "a*.example.com", "https://a.b", "a.b/x", "a.b:", "a.b:0", "a.b:65536", "a.b:x", "a b", "::1",
     "[::1", "", ".", "a..b", "-a.b", "1.2.3", "*.1.2.3.4", "a@b", "x" * 64 + ".com", "a.b:٣", "0x7f.0x1"],
)  # fmt: skip
def test_what_is_no_host_is_no_entry(entry):
    with pytest.raises(ValueError, match=r"^(must|is too wide|has a port)"):
        hosts.pattern(entry)


def test_a_sqlite_file_stays_in_its_folder_also_by_a_link(tmp_path):
    folder = tmp_path / "databases"
    folder.mkdir()
    (folder / "out").symlink_to(tmp_path)
    (folder / "in").symlink_to(folder / "real")
    assert addresses.sqlite_file("sqlite:///shop.db", folder) == folder / "shop.db"
    assert addresses.sqlite_file(f"sqlite:///{folder}/shop.db", folder) == folder / "shop.db"
    assert addresses.sqlite_file("sqlite:///in/shop.db", folder) == folder / "real" / "shop.db"
    assert addresses.sqlite_file("sqlite:///%2e%2e/shop.db", folder) == folder / "%2e%2e" / "shop.db"
    for url in (
        "sqlite:///out/agents.db",
        "sqlite:///../agents.db",
        "sqlite:////etc/x",
        "sqlite:///.",
        f"sqlite:///{folder}",
    ):
        with pytest.raises(ValueError, match="must name a file"):
            addresses.sqlite_file(url, folder)


def test_a_link_that_was_laid_afterwards_does_not_lead_out(tmp_path, db):
    here = Vault([ONE], tmp_path / "databases")
    here.sqlite_folder.mkdir()
    given = CredentialCreate("Files", CredentialType.DATABASE, {"url": "sqlite:///shop.db"})
    make_workspace(db)
    service.create_credential(db, here, "w", given, actor="a")
    assert service.open_credential(db, here, "w", "files").fields["url"] == f"sqlite:///{here.sqlite_folder}/shop.db"
    (here.sqlite_folder / "shop.db").symlink_to(tmp_path / "agents.db")
    with pytest.raises(VaultLocked, match="must name a file"):
        service.open_credential(db, here, "w", "files")


def test_every_text_that_could_show_up_is_among_the_secrets():
    def secrets(kind, fields):
        content = contents.content_of(CredentialType(kind), fields, [], vault(ONE))
        names = content.secret_fields
        return {*(content.fields[name] for name in names), *KINDS[CredentialType(kind)].derived(content.fields)}

    assert secrets("basic", {"username": "ada", "password": "pässword"}) == {"pässword", "YWRhOnDDpHNzd29yZA=="}
    url = "postgresql://ada:p%40ss@db.example.com/shop?sslmode=require"
    assert secrets("database", {"url": url}) == {url, "p%40ss", "p@ss"}
    assert secrets("oauth-token", {"access_token": "a", "refresh_token": "b"}) == {"a", "b"}
    hook = {"url": "https://hooks.example.com/T/B", "secret": "s"}
    assert secrets("webhook-secret", hook) == {"https://hooks.example.com/T/B", "s"}


def test_nothing_prints_a_secret(tmp_path, db):
    make_workspace(db)
    given = CredentialCreate("Shop", CredentialType.API_KEY, {"key": "tell-nobody"})
    change = CredentialChange(fields={"key": "tell-nobody"})
    content = contents.content_of(CredentialType.API_KEY, given.fields, [], vault(ONE))
    state = service.create_credential(db, vault(ONE), "w", given, actor="a")
    secret = service.open_credential(db, vault(ONE), "w", "Shop")
    for one in (given, change, content, state, secret, vault(ONE), [secret], {"a": secret}):
        assert "tell-nobody" not in f"{one!r}{one}"
    assert ONE not in repr(vars(vault(ONE)))


def test_the_rooms_outside_get_what_they_need_on_every_engine(target):  # noqa: F811
    database = connect(target)
    migrate(database)
    make_workspace(database)
    first = service.create_credential(
        database,
        vault(ONE),
        "w",
        CredentialCreate("Ünï", CredentialType.API_KEY, {"key": "k"}, ["a.example.com"], ["s"]),
        actor="a",
    ).credential
    with pytest.raises(Exception, match="already"):
        service.create_credential(
            database, vault(ONE), "w", CredentialCreate("ÜNÏ", CredentialType.CUSTOM, {"a": "x"}), actor="a"
        )
    service.create_credential(
        database, vault(ONE), "w", CredentialCreate("B", CredentialType.CUSTOM, {"a": "x"}, public=["a"]), actor="a"
    )
    assert service.credential_names(database, "w") == ["B", "Ünï"]
    assert [one.name for one in service.secrets_of_workspace(database, vault(ONE), "w")] == ["B", "Ünï"]
    secret = service.open_credential(database, vault(ONE), "w", "ünï")
    assert (secret.id, secret.scopes, secret.allowed_hosts) == (first.id, ("s",), ("a.example.com",))
    assert service.secrets_of_workspace(database, vault(ONE), "w")[0].secrets == ()
    service.note_use(database, first.id, "run one")
    assert queries.find_credential(database, "w", first.id).credential.last_used_by == "run one"
    change = CredentialChange(name="C", fields={"key": "new"})
    service.change_credential(database, vault(TWO, ONE), first, change, actor="a")
    state = service.vault_state(database, vault(TWO, ONE))
    assert state.status == "rotating"
    assert state.counts == {vault(ONE).key_id: 1, vault(TWO).key_id: 1}
    assert service.rotate(database, vault(TWO, ONE)).rotated == 1
    assert service.vault_state(database, vault(TWO)).status == "ready"
    keys = {row["key_id"]: row["retired_at"] is None for row in queries.list_keys(database)}
    assert keys == {vault(ONE).key_id: False, vault(TWO).key_id: True}
    assert len(service.list_credentials(database, "w", "~", 10, search="b")) == 1
    service.delete_credential(database, first, actor="a")
    assert service.credential_names(database, "w") == ["B"]
    database.close()


def make_workspace(db):
    with db.transaction() as tx:
        tx.run(
            """
            INSERT INTO workspaces (id, slug, name, description, role_matrix, revision, created_at, updated_at)
            VALUES ('w', 'w', 'W', '', '{}', 1, :at, :at)
            """,
            at=clock.now_text(),
        )


def test_one_that_does_not_open_keeps_nobody_from_the_others(db):
    make_workspace(db)
    for name in "ab":
        given = CredentialCreate(name, CredentialType.API_KEY, {"key": f"key-{name}"})
        service.create_credential(db, vault(ONE), "w", given, actor="x")
    with db.transaction() as tx:
        tx.run("UPDATE credentials SET sealed = 'v1.000000000000.AAAA' WHERE name = 'a'")
    assert [one.secrets for one in service.secrets_of_workspace(db, vault(ONE), "w")] == [("key-b",)]
    assert [one.state.credential.name for one in service.unreadable(db, vault(ONE))] == ["a"]


def test_who_names_a_credential_is_found_in_fields_and_not_in_what_is_written_of_them():
    def named(value):
        user = User(UserKind.WORKFLOW, "wfl", "W", msgspec.json.encode(value))
        return sorted(find_uses([user]).by_text)

    assert named({"steps": [{"config": {"credential": " Shop "}}]}) == ["Shop", "shop"]
    assert named({"a": [{"b": {"credential": 'with "quotes" and \\ ü'}}]}) == ['with "quotes" and \\ ü']
    assert named({"credential": "{{ inputs.which }}"}) == []
    assert named({"text": 'so: "credential": "shop"', "credentials": "x", "credential ": "y", "credential": 5}) == []
    assert named({"a": "credential", "b": "shop"}) == []
    assert find_uses([User(UserKind.AGENT, "a", "A", b'{"credential" :\n "x"}')]).by_text.keys() == {"x"}
