"""Credentials as stories: added, listed, used, replaced, tested, deleted, and never given back."""

import logging
from pathlib import Path

import pytest
from conftest import VAULT_SECRET

from releaseapp import make_app
from releaseapp.credentials import service
from releaseapp.credentials.models import VaultLocked
from releaseapp.errors import NotFound

AURORA = "/workspaces/aurora/credentials"
KEY = "sk-live-4f1c77aa-do-not-tell"
EXAMPLES = {
    "api-key": {"key": KEY},
    "basic": {"username": "ada", "password": KEY},
    "oauth-token": {"access_token": KEY},
    "smtp": {"host": "smtp.example.com", "sender": "r@example.com", "username": "ada", "password": KEY},
    "database": {"url": f"postgresql://ada:{KEY}@db.example.com/shop"},
    "webhook-secret": {"url": f"https://hooks.example.com/{KEY}"},
    "custom": {"token": KEY},
}


@pytest.fixture
def avery(app):
    return app.as_program("avery.owner@example.com")


@pytest.fixture
def shop(avery):
    body = {"name": "Shop", "type": "api-key", "fields": {"key": KEY}, "allowed_hosts": ["API.example.com."]}
    return avery.post_json(AURORA, body, status=201).json


def path_of(credential):
    return f"{AURORA}/{credential['id']}"


def opened(app, credential, workspace="workspace-aurora"):
    return service.open_credential(app.app.registry.db, app.app.registry.vault, workspace, credential)


def test_what_is_added_is_found_where_the_answer_says_without_its_secret(app, avery):
    body = {
        "name": " Shop ", "type": "api-key", "fields": {"key": KEY, "header": "X-API-Key", "prefix": ""},
        "allowed_hosts": ["api.example.com", "*.Example.org:8443"], "scopes": ["orders"],
    }  # fmt: skip
    answer = avery.post_json(AURORA, body, status=201)
    shown = avery.get(answer.headers["Location"]).json
    assert shown == answer.json
    assert shown["name"] == "Shop"
    assert (shown["fields"], shown["secret_fields"]) == ({"header": "X-API-Key"}, ["key"])
    assert shown["allowed_hosts"] == ["api.example.com", "*.example.org:8443"]
    assert (shown["last_used_at"], shown["used_by"], shown["uses"]) == (None, [], 0)
    secret = opened(app, "shop")
    assert secret.fields == {"key": KEY, "header": "X-API-Key", "prefix": ""}
    assert secret.secrets == (KEY,)


@pytest.mark.parametrize("kind", EXAMPLES)
def test_no_answer_page_event_log_or_file_holds_a_secret(app, avery, settings, kind, caplog):
    caplog.set_level(logging.DEBUG)
    first, second = f"first-{KEY}", f"second-{KEY}"
    answers = []
    filled = {name: value.replace(KEY, first) for name, value in EXAMPLES[kind].items()}
    made = avery.post_json(AURORA, {"name": "One", "type": kind, "fields": filled}, status=201)
    assert any(first in secret for secret in opened(app, "One").secrets)
    path = path_of(made.json)
    again = {name: value.replace(KEY, second) for name, value in EXAMPLES[kind].items()}
    answers += [
        made,
        avery.patch_json(path, {"fields": again}),
        avery.patch_json(path, {"fields": {"x y": first}}, status=400),
    ]
    assert any(second in secret for secret in opened(app, "One").secrets)
    browser = app.as_browser("avery.owner@example.com")
    for at in (AURORA, path, f"{path}/edit", f"{path}/replace", f"{path}/delete", "/workspaces/aurora/activity"):
        answers += [browser.get(at, status="*"), avery.get(at, status="*")]
    answers.append(avery.get("/workspaces/aurora/workflows/export", status="*"))
    for answer in answers:
        assert KEY not in answer.text
        assert KEY not in str(answer.headers)
    assert KEY not in caplog.text
    assert KEY not in repr(opened(app, "One"))
    for file in Path(settings.agent_db_path).parent.rglob("*"):
        assert not file.is_file() or KEY.encode() not in file.read_bytes(), file


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, ["/name", "/type", "/fields"]),
        ({"name": " ", "type": "api-key", "fields": {"key": "k"}}, ["/name"]),
        ({"name": "x" * 121, "type": "api-key", "fields": {"key": "k"}}, ["/name"]),
        ({"name": "a\nb", "type": "api-key", "fields": {"key": "k"}}, ["/name"]),
        ({"name": "{{ x }}", "type": "api-key", "fields": {"key": "k"}}, ["/name"]),
        ({"name": "x", "type": "password", "fields": {}}, ["/type"]),
        ({"name": "x", "type": "api-key", "fields": []}, ["/fields"]),
        ({"name": "x", "type": "api-key", "fields": {}}, ["/fields/key"]),
        ({"name": "x", "type": "api-key", "fields": {"key": " "}}, ["/fields/key"]),
        ({"name": "x", "type": "api-key", "fields": {"key": 5}}, ["/fields/key"]),
        ({"name": "x", "type": "api-key", "fields": {"key": None}}, ["/fields/key"]),
        ({"name": "x", "type": "api-key", "fields": {"key": "k" * 20_001}}, ["/fields/key"]),
        ({"name": "x", "type": "api-key", "fields": {"key": "k" * 1_048_576}}, ["/fields/key"]),
        ({"name": "x", "type": "api-key", "fields": {"key": "k\n"}}, ["/fields/key"]),
        ({"name": "x", "type": "api-key", "fields": {"key": "k "}}, ["/fields/key"]),
        ({"name": "x", "type": "api-key", "fields": {"key": "k", "header": "A: b"}}, ["/fields/header"]),
        ({"name": "x", "type": "api-key", "fields": {"kee": "k"}}, ["/fields/kee", "/fields/key"]),
        ({"name": "x", "type": "api-key", "fields": {"key": "k"}, "secret": 1}, ["/secret"]),
        ({"name": "x", "type": "api-key", "fields": {"key": "k"}, "public": ["key"]}, ["/public"]),
        ({"name": "x", "type": "api-key", "fields": {"key": "k"}, "allowed_hosts": ["*"]}, ["/allowed_hosts/0"]),
        ({"name": "x", "type": "api-key", "fields": {"key": "k"}, "allowed_hosts": ["*.com"]}, ["/allowed_hosts/0"]),
        (
            {"name": "x", "type": "api-key", "fields": {"key": "k"}, "allowed_hosts": ["a.b", "https://a.b", "a.b:0"]},
            ["/allowed_hosts/1", "/allowed_hosts/2"],
        ),
        ({"name": "x", "type": "basic", "fields": {"username": "a:b", "password": "p"}}, ["/fields/username"]),
        ({"name": "x", "type": "smtp", "fields": {"host": "h", "sender": "me", "port": 0}}, ["/fields/port"]),
        ({"name": "x", "type": "smtp", "fields": {"host": "h/x", "sender": "me"}}, ["/fields/host", "/fields/sender"]),
        (
            {"name": "x", "type": "smtp", "fields": {"host": "h", "sender": "a@b", "username": "u"}},
            ["/fields/password"],
        ),
        ({"name": "x", "type": "smtp", "fields": {"host": "h", "sender": "a@b", "security": "ssl"}}, ["/fields/security"]),
        (
            {"name": "x", "type": "smtp", "fields": {"host": "h", "sender": "a@b"}, "allowed_hosts": ["a.b"]},
            ["/allowed_hosts"],
        ),
        ({"name": "x", "type": "webhook-secret", "fields": {}}, ["/fields/url"]),
        ({"name": "x", "type": "webhook-secret", "fields": {"url": "file:///etc/passwd"}}, ["/fields/url"]),
        ({"name": "x", "type": "custom", "fields": {}}, ["/fields"]),
        ({"name": "x", "type": "custom", "fields": {"a b": "x", "c": 1}}, ["/fields/a b", "/fields/c"]),
        ({"name": "x", "type": "custom", "fields": {"a": "x"}, "public": ["b"]}, ["/public/0"]),
        ({"name": "x", "type": "custom", "fields": {"a": "x" * 20_001}}, ["/fields/a"]),
    ],
)  # fmt: skip
def test_bad_input_is_refused_with_every_fault_named_and_nothing_is_made(avery, body, pointers):
    refused = avery.post_json(AURORA, body, status=400)
    assert [fault["pointer"] for fault in refused.json["errors"]] == pointers
    assert all(fault["detail"].endswith(".") for fault in refused.json["errors"])
    assert avery.get(AURORA).json["items"] == []


@pytest.mark.parametrize(
    "url",
    [
        "mysql://a:b@db.example.com/x",
        "postgresql:///x",
        "postgresql://db.example.com/x",
        "postgresql://ada@db.example.com/x",
        "postgresql://ada:pw@db.example.com",
        "postgresql://ada:pw@/x?host=/var/run/postgresql",
        "postgresql://ada:pw@a.example.com,b.example.com/x",
        "postgresql://ada:pw@db.example.com/x?host=other.example.com",
        "postgresql://ada:pw@db.example.com/x?hostaddr=127.0.0.1",
        "postgresql://ada:pw@db.example.com/x?passfile=/etc/passwd",
        "postgresql://ada:pw@db.example.com/x?service=s",
        "postgresql://ada:pw@%2Ftmp/x",
        "postgresql://ada:p#w@db.example.com/x",
        "postgresql://ada:p@w@db.example.com/x",
        "postgresql://ada:pw@db.example.com:99999/x",
        "sqlite:///",
        "sqlite:///../agents.db",
        "sqlite:////etc/x.db",
        "sqlite:///a/../../agents.db",
        "sqlite:///a.db?mode=rw",
    ],
)
def test_a_database_address_that_could_reach_what_is_the_servers_own_is_refused(avery, url):
    body = {"name": "x", "type": "database", "fields": {"url": url}}
    refused = avery.post_json(AURORA, body, status=400)
    assert {fault["pointer"] for fault in refused.json["errors"]} == {"/fields/url"}


def test_a_nul_is_refused_also_in_a_secret(avery):
    body = {"name": "x", "type": "custom", "fields": {"a": "k\x00k"}}
    assert "NUL" in avery.post_json(AURORA, body, status=400).json["detail"]


def test_a_name_is_taken_whatever_its_case_and_free_again_after_a_deletion(avery, shop):
    body = {"name": "SHOP", "type": "custom", "fields": {"a": "x"}}
    assert "'Shop' already" in avery.post_json(AURORA, body, status=409).json["detail"]
    other = avery.post_json(AURORA, {**body, "name": "Other"}, status=201).json
    avery.patch_json(path_of(other), {"name": "shop"}, status=409)
    avery.post_json("/workspaces/lumen/credentials", body, status=201)
    avery.delete(path_of(shop), status=204)
    avery.patch_json(path_of(other), {"name": "shop"}, status=200)


def test_a_change_touches_what_it_names_and_the_log_has_before_and_after(app, avery, shop):
    changed = avery.patch_json(path_of(shop), {"allowed_hosts": [], "scopes": [" read ", "read"]}).json
    assert changed == {**shop, "allowed_hosts": [], "scopes": ["read"], "updated_at": changed["updated_at"]}
    assert opened(app, shop["id"]).fields["key"] == KEY
    event = avery.get("/workspaces/aurora/activity?limit=1").json["items"][0]
    assert event["type"] == "credential.updated"
    assert event["data"]["before"] == {"allowed_hosts": ["api.example.com"], "scopes": []}
    assert event["data"]["changed"] == ["allowed_hosts", "scopes"]
    avery.patch_json(path_of(shop), {"name": "Shop"})
    assert avery.get("/workspaces/aurora/activity?limit=1").json["items"][0]["id"] == event["id"]


def test_replacing_takes_all_fields_anew(app, avery, shop):
    refused = avery.patch_json(path_of(shop), {"fields": {"header": "X-Key"}}, status=400)
    assert refused.json["errors"][0]["pointer"] == "/fields/key"
    changed = avery.patch_json(path_of(shop), {"fields": {"key": "another-key", "header": "X-Key"}}).json
    assert changed["fields"] == {"header": "X-Key", "prefix": "Bearer"}
    assert opened(app, shop["id"]).fields["key"] == "another-key"
    event = avery.get("/workspaces/aurora/activity?limit=1").json["items"][0]
    assert event["data"]["changed"] == ["fields"]


def test_what_was_a_secret_field_cannot_be_made_one_to_show(avery):
    made = avery.post_json(
        AURORA, {"name": "C", "type": "custom", "fields": {"a": KEY, "b": "seen"}, "public": ["b"]}
    ).json
    assert (made["fields"], made["secret_fields"]) == ({"b": "seen"}, ["a"])
    avery.patch_json(path_of(made), {"public": ["a"]}, status=400)


def test_an_etag_spares_the_body_and_guards_a_write(avery, shop):
    path = path_of(shop)
    etag = avery.get(path).headers["ETag"]
    avery.get(path, headers={"If-None-Match": etag}, status=304)
    changed = avery.patch_json(path, {"name": "Shop 2"}, headers={"If-Match": etag})
    assert changed.headers["ETag"] == avery.get(path).headers["ETag"] != etag
    avery.patch_json(path, {"name": "Shop 3"}, headers={"If-Match": etag}, status=412)
    avery.delete(path, headers={"If-Match": etag}, status=412)
    avery.delete(path, headers={"If-Match": changed.headers["ETag"]}, status=204)
    avery.get(path, status=404)


def test_a_list_is_paged_and_searched_by_name_and_type(avery):
    for number in range(5):
        body = {"name": f"Key_{number}", "type": "api-key", "fields": {"key": "k"}}
        avery.post_json(AURORA, body, status=201)
    avery.post_json(AURORA, {"name": "KeyX", "type": "custom", "fields": {"a": "x"}}, status=201)
    page = avery.get(f"{AURORA}?limit=4").json
    rest = avery.get(f"{AURORA}?limit=4&cursor={page['next']}").json
    assert [one["name"] for one in page["items"] + rest["items"]] == ["KeyX", *(f"Key_{n}" for n in (4, 3, 2, 1, 0))]
    assert rest["next"] is None
    assert len(avery.get(f"{AURORA}?q=KEY_").json["items"]) == 5
    assert [one["name"] for one in avery.get(f"{AURORA}?type=custom").json["items"]] == ["KeyX"]
    avery.get(f"{AURORA}?type=magic", status=400)


def test_a_viewer_is_refused_an_editor_looks_and_a_stranger_finds_nothing(app, shop):
    casey = app.as_program("casey.editor@example.com")
    assert casey.get(path_of(shop)).json["name"] == "Shop"
    for caller, status in ((casey, 403), (app.as_program("emery.owner@example.com"), 404), (app, 401)):
        caller.post_json(AURORA, {}, status=status)
        caller.patch_json(path_of(shop), {"name": "Mine"}, status=status)
        caller.delete(path_of(shop), status=status)
        caller.post_json(f"{path_of(shop)}/test", {}, status=status)
    bailey = app.as_program("bailey.admin@example.com")
    devon = app.as_program("devon.viewer@example.com")
    made = bailey.post_json(
        "/workspaces/cobalt/credentials", {"name": "C", "type": "custom", "fields": {"a": "x"}}
    ).json
    devon.get("/workspaces/cobalt/credentials", status=403)
    devon.get(f"/workspaces/cobalt/credentials/{made['id']}", status=403)
    bailey.get(f"/workspaces/cobalt/credentials/{shop['id']}", status=404)


def test_a_workspace_never_opens_what_is_anothers(app, shop):
    for name in ("Shop", shop["id"]):
        assert opened(app, name).id == shop["id"]
        with pytest.raises(NotFound, match="no credential"):
            opened(app, name, workspace="workspace-cobalt")


def test_a_row_that_was_moved_to_another_workspace_does_not_open(app, seeded, shop):
    with seeded.transaction() as tx:
        tx.run("UPDATE credentials SET workspace_id = 'workspace-cobalt' WHERE id = :id", id=shop["id"])
    with pytest.raises(VaultLocked, match="damaged"):
        opened(app, shop["id"], workspace="workspace-cobalt")


def test_a_secret_says_where_it_may_go(app, avery, shop):
    secret = opened(app, "shop")
    assert secret.allows("API.example.com", 443)
    assert not secret.allows("example.com", 443)
    avery.patch_json(path_of(shop), {"allowed_hosts": []})
    assert not opened(app, "shop").allows("api.example.com", None)
    avery.post_json(AURORA, {"name": "Mail", "type": "smtp", "fields": EXAMPLES["smtp"]}, status=201)
    assert opened(app, "Mail").allowed_hosts == ("smtp.example.com:587",)
    assert not opened(app, "Mail").allows("smtp.example.com", 25)


def test_use_is_noted_at_most_once_a_minute(app, avery, shop, monkeypatch):
    from releaseapp import clock

    db = app.app.registry.db
    service.note_use(db, shop["id"], "run one")
    first = avery.get(path_of(shop)).json
    assert (first["last_used_at"] is None, first["last_used_by"]) == (False, "run one")
    service.note_use(db, shop["id"], "run two")
    assert avery.get(path_of(shop)).json == first
    real = clock.now
    later = clock.parse("2026-01-01T00:01:01Z") - clock.parse("2026-01-01T00:00:00Z")
    monkeypatch.setattr(clock, "now", lambda: real() + later)
    service.note_use(db, shop["id"], "run two")
    assert service.find_credential(db, "workspace-aurora", shop["id"]).credential.last_used_by == "run two"
    service.note_use(db, "crd_none", "run three")


def workflow_that_names(avery, name, title="Nightly"):
    step = {"id": "fetch", "type": "http.request", "config": {"url": "https://api.example.com", "credential": name}}
    return avery.post_json("/workspaces/aurora/workflows", {"definition": {"name": title, "steps": [step]}}).json


def test_deleting_or_renaming_what_is_in_use_names_what_would_break_and_asks(app, avery, shop):
    by_name = workflow_that_names(avery, "SHOP")
    by_id = workflow_that_names(avery, shop["id"], "By id")
    workflow_that_names(avery, "{{ inputs.which }}", "Unknown")
    workflow_that_names(avery, "Another", "Another")
    used_by = avery.get(path_of(shop)).json["used_by"]
    assert [(use["kind"], use["id"], use["name"]) for use in used_by] == [
        ("workflow", by_id["id"], "By id"),
        ("workflow", by_name["id"], "Nightly"),
    ]
    assert avery.get(AURORA).json["items"][0]["uses"] == 2
    refused = avery.delete(path_of(shop), status=409).json
    assert "'Nightly'" in refused["detail"]
    assert [use["name"] for use in refused["used_by"]] == ["By id", "Nightly"]
    refused = avery.patch_json(path_of(shop), {"name": "Store"}, status=409).json
    assert [use["name"] for use in refused["used_by"]] == ["Nightly"]
    avery.patch_json(path_of(shop), {"name": "SHOP"}, status=200)
    assert [use["name"] for use in avery.patch_json(f"{path_of(shop)}?force=1", {"name": "Store"}).json["used_by"]] == [
        "By id"
    ]
    avery.delete(f"{path_of(shop)}?force=1", status=204)
    events = [one["type"] for one in avery.get("/workspaces/aurora/activity?limit=2").json["items"]]
    assert events[0] == "credential.deleted"


def test_who_may_not_see_workflows_learns_only_how_many_name_it(app, avery, shop, seeded, settings):
    from releaseapp.permissions import Permission, Role
    from releaseapp.workspaces.service import identify, set_permission

    workflow_that_names(avery, "Shop")
    actor = identify(seeded, settings, avery.authorization[1])
    set_permission(seeded, "workspace-aurora", Role.EDITOR, Permission.WORKFLOWS_VIEW, granted=False, actor=actor)
    casey = app.as_program("casey.editor@example.com")
    shown = casey.get(path_of(shop)).json
    assert (shown["used_by"], shown["uses"]) == ([], 1)


def other_app(settings, **changes):
    from dataclasses import replace

    return make_app(replace(settings, **changes))


def test_a_server_without_a_key_starts_and_says_how_to_get_one(app, avery, settings):
    without = type(app)(other_app(settings, credentials_secret=""))
    program = without.with_token(avery.authorization[1])
    refused = program.post_json(AURORA, {"name": "x", "type": "custom", "fields": {"a": "x"}}, status=409).json
    assert "CREDENTIALS_SECRET" in refused["detail"]
    assert "openssl rand -base64 48" in refused["detail"]
    without.app.registry.db.close()


def test_a_wrong_key_is_told_loudly_and_overwrites_nothing(app, avery, shop, settings, caplog):
    wrong = type(app)(other_app(settings, credentials_secret="a wrong secret that nobody ever used: 31415926535"))
    assert "CREDENTIALS_SECRET_PREVIOUS" in caplog.text
    assert caplog.records[-1].levelname == "ERROR"
    program = wrong.with_token(avery.authorization[1])
    program.post_json(AURORA, {"name": "x", "type": "custom", "fields": {"a": "x"}}, status=409)
    program.patch_json(path_of(shop), {"fields": {"key": "new"}}, status=409)
    with pytest.raises(VaultLocked, match="CREDENTIALS_SECRET_PREVIOUS"):
        opened(wrong, "Shop")
    state = service.vault_state(wrong.app.registry.db, wrong.app.registry.vault)
    assert (state.status, state.takes) == ("locked", False)
    assert [
        one.state.credential.name for one in service.unreadable(wrong.app.registry.db, wrong.app.registry.vault)
    ] == ["Shop"]
    assert opened(app, "Shop").fields["key"] == KEY
    assert service.unreadable(app.app.registry.db, app.app.registry.vault) == []
    wrong.app.registry.db.close()
    both = type(app)(
        other_app(
            settings,
            credentials_secret="a wrong secret that nobody ever used: 31415926535",
            credentials_secret_previous=VAULT_SECRET,
        )
    )
    assert opened(both, "Shop").fields["key"] == KEY
    assert service.vault_state(both.app.registry.db, both.app.registry.vault).status == "rotating"
    both.app.registry.db.close()


def test_every_list_is_read_by_an_index(app, seeded, shop, monkeypatch):
    """What the statements on credentials cost does not grow with other workspaces."""
    from releaseapp.credentials import queries

    seen = []
    read = type(seeded).all

    def watch(self, sql, **parameters):
        if "credentials" in sql:
            seen.append((sql, parameters))
        return read(self, sql, **parameters)

    monkeypatch.setattr(type(seeded), "all", watch)
    queries.list_credentials(seeded, "workspace-aurora", "~", 50, type_=None, pattern=None)
    queries.list_sealed(seeded, "workspace-aurora")
    queries.list_names(seeded, "workspace-aurora")
    queries.list_sealed_after(seeded, "", 100)
    queries.list_sealed_under(seeded, "x", "", 100)
    queries.count_by_key(seeded)
    assert len(seen) == 6
    for sql, parameters in seen:
        plan = [row["detail"] for row in read(seeded, f"EXPLAIN QUERY PLAN {sql}", **parameters)]
        assert all("USING INDEX" in step or "USING COVERING INDEX" in step for step in plan), (sql, plan)
        assert not any("TEMP B-TREE" in step for step in plan), (sql, plan)


@pytest.fixture
def browser(app):
    return app.as_browser("avery.owner@example.com")


def test_a_person_adds_uses_replaces_and_deletes_a_credential(app, browser):
    page = browser.get("/workspaces/aurora").click("Credentials", index=0)
    assert "No credential yet" in page.text
    page = page.click("Add the first credential").click("API key")
    form = page.forms["credential"]
    assert form["field-key"].attrs["type"] == "password"
    assert (form["field-header"].value, form["field-prefix"].value) == ("Authorization", "Bearer")
    form["name"], form["field-key"], form["allowed_hosts"] = "Shop", KEY, "api.example.com\n*.example.org"
    shown = form.submit(status=303).follow()
    assert "will not be shown again" in shown.text
    assert "*.example.org" in shown.text
    assert opened(app, "Shop").secrets == (KEY,)
    replace = shown.click("Replace the secret").forms["credential"]
    assert replace["field-key"].value == ""
    replace["field-key"], replace["field-prefix"] = "another-key", ""
    replace.submit(status=303)
    assert opened(app, "Shop").fields == {"key": "another-key", "header": "Authorization", "prefix": ""}
    edit = browser.get(shown.request.path).click("Edit").forms["credential"]
    edit["name"], edit["allowed_hosts"] = "Store", "api.example.com"
    assert "Store" in edit.submit(status=303).follow().text
    assert "api.example.com" in browser.get(AURORA).html.find("table").text
    asked = browser.get(shown.request.path).click("Delete")
    assert "No published version" in asked.text
    gone = next(form for form in asked.forms.values() if form.action.endswith("/delete")).submit(status=303).follow()
    assert "Store is deleted." in gone.text


def test_the_form_of_each_type_makes_one(app, browser):
    for kind, fields in EXAMPLES.items():
        form = browser.get(f"{AURORA}/new?type={kind}").forms["credential"]
        form["name"] = kind
        for number, (name, value) in enumerate(fields.items(), start=1):
            if kind == "custom":
                form[f"name-{number}"], form[f"value-{number}"] = name, value
            else:
                form[f"field-{name}"] = value
        page = form.submit(status=303).follow()
        assert KEY not in page.text
        secret = opened(app, kind)
        assert {name: secret.fields[name] for name in fields} == fields
        test = page.forms["test"]
        assert ("url" in test.fields) == (kind in {"api-key", "basic", "oauth-token"})
    listed = browser.get(AURORA)
    assert len(listed.html.find("tbody").find_all("tr")) == len(EXAMPLES)
    assert len(browser.get(f"{AURORA}?fragment=rows&type=smtp").html.find("tbody").find_all("tr")) == 1


def test_a_form_that_is_refused_keeps_what_was_typed_but_for_the_secrets(browser):
    form = browser.get(f"{AURORA}/new?type=smtp").forms["credential"]
    form["name"], form["field-host"], form["field-sender"] = "Mail", "smtp.example.com", "nobody"
    form["field-password"] = KEY
    page = form.submit(status=400)
    assert KEY not in page.text
    assert page.html.find(id="field-sender-error").text.strip().startswith("sender must be")
    assert "required when" in page.html.find(id="field-username-error").text
    again = page.forms["credential"]
    assert (again["name"].value, again["field-host"].value, again["field-password"].value) == (
        "Mail",
        "smtp.example.com",
        "",
    )
    form = browser.get(f"{AURORA}/new?type=custom").forms["credential"]
    form["name"], form["name-2"], form["value-2"] = "C", "token", KEY
    form["name-3"], form["value-3"] = "a b", KEY
    page = form.submit(status=400)
    assert KEY not in page.text
    assert page.forms["credential"]["name-2"].value == "token"
    assert page.html.find(id="value-3-error")


def test_a_taken_name_and_a_name_in_use_are_told_on_the_page(browser, avery, shop):
    form = browser.get(f"{AURORA}/new?type=custom").forms["credential"]
    form["name"], form["name-1"], form["value-1"] = "shop", "a", "x"
    assert "already" in form.submit(status=409).text
    workflow_that_names(avery, "Shop")
    assert "Nightly" in browser.get(AURORA).html.find("table").text
    assert "Nightly" in browser.get(f"{path_of(shop)}/delete").text
    edit = browser.get(f"{path_of(shop)}/edit").forms["credential"]
    edit["name"] = "Store"
    page = edit.submit(status=409)
    assert "Nightly" in page.text
    again = page.forms["credential"]
    assert again["name"].value == "Store"
    again["force"] = True
    again.submit(status=303)
    assert avery.get(path_of(shop)).json["name"] == "Store"


def test_two_who_edit_the_same_credential_do_not_overwrite_each_other(browser, avery, shop):
    form = browser.get(f"{path_of(shop)}/edit").forms["credential"]
    avery.patch_json(path_of(shop), {"scopes": ["theirs"]})
    form["scopes"] = "mine"
    assert "Somebody else" in form.submit(status=409).text
    assert avery.get(path_of(shop)).json["scopes"] == ["theirs"]


def test_an_editor_sees_credentials_without_buttons_and_a_viewer_no_entry(app, shop):
    casey = app.as_browser("casey.editor@example.com")
    page = casey.get(path_of(shop))
    assert "Replace the secret" not in page.text
    assert "test" not in page.forms
    casey.get(f"{AURORA}/new", status=403)
    devon = app.as_browser("devon.viewer@example.com")
    assert "/credentials" not in devon.get("/workspaces/cobalt").text
    devon.get("/workspaces/cobalt/credentials", status=403)


def test_the_pages_say_when_the_vault_is_shut_and_offer_nothing_that_would_fail(app, browser, shop, settings):
    for secret, word in (("", "openssl"), ("a wrong secret that nobody ever used: 31415926535", "PREVIOUS")):
        other = type(app)(other_app(settings, credentials_secret=secret))
        one = other.as_browser("avery.owner@example.com")
        page = one.get(AURORA)
        assert word in page.html.find(role="alert").text
        assert "Add a credential" not in page.text
        assert "Replace the secret" not in one.get(path_of(shop)).text
        form = browser.get(f"{path_of(shop)}/replace").forms["credential"]
        one.get(f"{path_of(shop)}/delete", status=200)
        other.app.registry.db.close()
        assert form


def test_what_happened_to_credentials_is_told_in_words(browser, avery, shop):
    avery.patch_json(path_of(shop), {"scopes": ["a"]})
    avery.delete(path_of(shop))
    text = " ".join(browser.get("/workspaces/aurora/activity").html.find("ol", class_="feed").text.split())
    assert "added the credential Shop" in text
    assert "changed the credential Shop scopes" in text
    assert "deleted the credential Shop" in text
