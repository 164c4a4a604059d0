"""Workflows go out as a file and come into another workspace: over JSON, YAML and forms, and in the browser."""

import json

import pytest
from click.testing import CliRunner
from webtest import Upload

from releaseapp.cli import main
from releaseapp.permissions import Permission, Role
from releaseapp.workflows import yaml_text
from releaseapp.workspaces.service import identify, set_permission

AURORA, COBALT = "/workspaces/aurora/workflows", "/workspaces/cobalt/workflows"
YAML = "application/yaml"


def definition(name="Digest", value=1, **config):
    steps = [{"id": "a", "type": "transform", "config": {"value": value}}]
    if config:
        steps.append({"id": "b", **config})
    return {"name": name, "steps": steps}


@pytest.fixture
def casey(app):
    return app.as_program("casey.editor@example.com")


@pytest.fixture
def bailey(app):
    return app.as_program("bailey.admin@example.com")


@pytest.fixture
def workflow(casey):
    """Published in version 1, with a draft after it."""
    body = {"definition": definition(), "tags": ["daily"], "change_summary": "Begun"}
    made = casey.post_json(AURORA, body, status=201).json
    casey.post_json(f"{AURORA}/{made['id']}/versions/1/publish", {})
    casey.post_json(f"{AURORA}/{made['id']}/versions/1/duplicate", {"change_summary": "Next"})
    draft = f"{AURORA}/{made['id']}/versions/2"
    return casey.put_json(draft, {"definition": definition(value="yes: no\n\u2028")}) and made


def send(caller, text, query="", kind=YAML, status=200, at=COBALT, **headers):
    answer = caller.post(f"{at}/import{query}", text.encode(), content_type=kind, headers={**headers}, status=status)
    return answer.json


def names_in(caller, at=COBALT):
    return sorted(one["name"] for one in caller.get(at).json["items"])


@pytest.mark.parametrize("wanted", ["yaml", "json"])
def test_a_workflow_goes_from_one_workspace_to_another_with_its_history(casey, bailey, workflow, wanted):
    file = casey.get(f"{AURORA}/{workflow['id']}/export?format={wanted}")
    assert file.content_type == f"application/{wanted}"
    assert file.headers["Content-Disposition"] == f'attachment; filename="digest.{wanted}"'
    told = send(bailey, file.text, "?dry_run=1", file.content_type)
    assert (told["dry_run"], told["created"], told["refused"]) == (True, 1, 0)
    assert names_in(bailey) == []
    done = send(bailey, file.text, "?publish=1", file.content_type)
    assert {**told, "dry_run": False, "publish": True} != done
    made = bailey.get(f"{COBALT}/{done['workflows'][0]['id']}").json
    assert (made["name"], made["tags"], made["status"], made["published_version"]) == ("Digest", ["daily"], "active", 1)
    assert [version["status"] for version in made["versions"]] == ["draft", "published"]
    draft = bailey.get(f"{COBALT}/{made['id']}/versions/2").json
    assert draft["definition"] == definition(value="yes: no\n\u2028")
    # Casey is not a member here: no account of this workspace stands for that person.
    assert draft["author"] is None
    assert draft["change_summary"] == "Next — by casey.editor@example.com"
    history = bailey.get(f"{COBALT}/{made['id']}/history").json["items"]
    assert [entry["action"] for entry in history] == ["imported", "updated", "duplicated", "published", "created"]
    assert history[0]["author"] == bailey.get("/auth/me").json["user"]["id"]


def test_without_publish_everything_comes_as_drafts_and_can_be_published_at_once(casey, bailey, workflow):
    file = casey.get(f"{AURORA}/{workflow['id']}/export?format=yaml").text
    done = send(bailey, file)
    made = bailey.get(f"{COBALT}/{done['workflows'][0]['id']}").json
    assert (made["status"], made["published_version"]) == ("draft", None)
    assert {version["status"] for version in made["versions"]} == {"draft"}
    bailey.post_json(f"{COBALT}/{made['id']}/versions/1/publish", {})


def test_a_file_finds_again_what_it_brought_and_adds_a_draft_only_when_it_says_something_else(casey, bailey, workflow):
    file = casey.get(f"{AURORA}/{workflow['id']}/export?format=yaml").text
    first = send(bailey, file, "?publish=1")["workflows"][0]
    again = send(bailey, file, "?publish=1")
    assert (again["unchanged"], again["workflows"][0]["id"]) == (1, first["id"])
    other = send(bailey, yaml_text.dump(definition(value=3)))["workflows"][0]
    assert (other["outcome"], other["id"], other["version"], other["publishes"]) == ("matched", first["id"], 3, None)
    kept = bailey.get(f"{COBALT}/{first['id']}/versions/3").json
    assert (kept["status"], kept["base"], kept["definition"]) == ("draft", 1, definition(value=3))
    # The draft is there by now: publishing the same file publishes it, without another one.
    published = send(bailey, yaml_text.dump(definition(value=3)), "?publish=1")["workflows"][0]
    assert (published["versions"], published["publishes"]) == (0, 3)
    made = bailey.get(f"{COBALT}/{first['id']}").json
    assert (made["published_version"], len(made["versions"])) == (3, 3)


def test_in_its_own_workspace_an_export_changes_nothing(casey, workflow):
    file = casey.get(f"{AURORA}/export?format=yaml").text
    before = casey.get(AURORA).json
    assert send(casey, file, at=AURORA)["unchanged"] == len(before["items"])
    assert casey.get(AURORA).json == before


def test_a_definition_written_by_hand_and_a_single_version_can_be_imported(casey, bailey, workflow):
    by_hand = send(bailey, json.dumps(definition("By hand")), "?publish=1", "application/json")["workflows"][0]
    assert bailey.get(f"{COBALT}/{by_hand['id']}").json["published_version"] == 1
    file = casey.get(f"{AURORA}/{workflow['id']}/versions/2/export?format=yaml")
    assert 'filename="digest-v2.yaml"' in file.headers["Content-Disposition"]
    one = send(bailey, file.text)["workflows"][0]
    made = bailey.get(f"{COBALT}/{one['id']}").json
    assert [(version["number"], version["status"], version["base"]) for version in made["versions"]] == [
        (2, "draft", None)
    ]


def test_all_or_nothing_and_every_fault_with_pointer_and_line(casey, bailey, workflow):
    bundle = casey.get(f"{AURORA}/{workflow['id']}/export").json
    bad = json.loads(json.dumps(bundle["workflows"][0]))
    bad["id"] = None
    bad["name"] = ""
    bad["versions"][0]["definition"] = {"name": "Bad", "steps": [{"id": "a", "type": "nope", "config": {}}]}
    bad["versions"][1]["definition"] = {"name": "Bad", "steps": [{"id": "a", "type": "transform", "config": {}}]}
    bundle["workflows"].append(bad)
    text = yaml_text.dump(bundle)
    refused = send(bailey, text, status=400)
    assert [fault["pointer"] for fault in refused["errors"]] == [
        "/workflows/1/versions/0/definition/steps/0/type",
        "/workflows/1/versions/1/definition/steps/0/config/value",
    ]
    line = text.splitlines().index("              type: nope") + 1
    assert refused["errors"][0]["detail"].startswith(f"Line {line}: There is no step type 'nope'")
    assert names_in(bailey) == []
    told = send(bailey, text, "?dry_run=1")
    assert [one["outcome"] for one in told["workflows"]] == ["created", "refused"]
    assert len(told["workflows"][1]["errors"]) == 2
    assert names_in(bailey) == []


def test_what_the_workspace_lacks_is_told(casey, bailey):
    bailey.post_json("/workspaces/cobalt/agents", {"name": "Here"}, status=201)
    steps = [
        {"id": "a", "type": "agent.task", "config": {"agent": "Here", "title": "t"}},
        {"id": "b", "type": "agent.task", "config": {"agent": "Nowhere", "title": "t"}},
        {"id": "c", "type": "workflow.run", "config": {"workflow": "Absent"}},
        {"id": "d", "type": "workflow.run", "config": {"workflow": "W"}},
        {"id": "e", "type": "message.send", "config": {"credential": "slack", "text": "t"}},
        {"id": "f", "type": "http.request", "config": {"url": "https://x", "credential": "{{ inputs.c }}"}},
    ]
    told = send(bailey, yaml_text.dump({"name": "W", "steps": steps}), "?dry_run=1")["missing"]
    assert told == {
        "credentials": [{"name": "slack", "needed_by": ["W"]}],
        "agents": [{"name": "Nowhere", "needed_by": ["W"]}],
        "workflows": [{"name": "Absent", "needed_by": ["W"]}],
    }


def test_the_agent_of_a_workflow_goes_by_name(casey, bailey, settings):
    from pathlib import Path

    import msgspec

    from releaseapp.workflows.file import WorkflowFile

    made = casey.post_json(AURORA, {"definition": definition()}).json
    ids = [
        caller.post_json(f"/workspaces/{slug}/agents", {"name": "Nova"}, status=201).json["id"]
        for caller, slug in ((casey, "aurora"), (bailey, "cobalt"))
    ]
    file = WorkflowFile(Path(settings.workflow_store_path))
    file.change(
        lambda document: (
            msgspec.structs.replace(
                document,
                workflows=[
                    msgspec.structs.replace(one, agent_id=ids[0]) if one.id == made["id"] else one
                    for one in document.workflows
                ],
            ),
            None,
        )
    )
    bundle = casey.get(f"{AURORA}/{made['id']}/export").json
    assert bundle["workflows"][0]["agent"] == "Nova"
    done = send(bailey, json.dumps(bundle), kind="application/json")["workflows"][0]
    assert bailey.get(f"{COBALT}/{done['id']}").json["agent_id"] == ids[1]


def test_who_may_not_publish_may_bring_drafts(app, casey, workflow, seeded, settings):
    owner = identify(seeded, settings, app.as_program("avery.owner@example.com").authorization[1])
    set_permission(seeded, "workspace-aurora", Role.EDITOR, Permission.WORKFLOWS_PUBLISH, granted=False, actor=owner)
    text = yaml_text.dump(definition("New"))
    for query in ("?publish=1", "?publish=1&dry_run=1"):
        assert "import without publish" in send(casey, text, query, status=403, at=AURORA)["detail"]
    assert send(casey, text, at=AURORA)["created"] == 1
    page = app.as_browser("casey.editor@example.com").get(f"{AURORA}/import")
    assert "publish" not in page.forms["import"].fields


def test_viewers_are_refused_and_strangers_find_nothing(app, workflow):
    devon, emery = app.as_program("devon.viewer@example.com"), app.as_program("emery.owner@example.com")
    text = yaml_text.dump(definition())
    send(devon, text, status=403)
    devon.get(f"{COBALT}/export", status=403)
    devon.post(f"{COBALT}/export", status=403)
    send(emery, text, status=404, at=AURORA)
    for path in (
        f"{AURORA}/export",
        f"{AURORA}/{workflow['id']}/export",
        f"{AURORA}/{workflow['id']}/versions/1/export",
    ):
        emery.get(path, status=404)
        app.get(path, status=401)
    send(app, text, status=401)


def test_the_same_key_imports_once(bailey):
    text, key = yaml_text.dump(definition()), {"Idempotency-Key": "import-1"}
    first = send(bailey, text, **key)
    assert send(bailey, text, **key) == first
    assert names_in(bailey) == ["Digest"]
    send(bailey, text, "?publish=1", status=422, **key)
    send(bailey, "nonsense", status=400, **{"Idempotency-Key": "import-2"})
    send(bailey, text, **{"Idempotency-Key": "import-2"})


def test_reading_an_export_writes_nothing_and_exporting_by_post_is_in_the_history(casey, workflow):
    path = f"{AURORA}/{workflow['id']}"
    before = casey.get(path).json
    first = casey.get(f"{path}/export").text
    casey.get(f"{AURORA}/export")
    assert casey.get(f"{path}/history").json["items"][0]["action"] == "updated"
    assert casey.post(f"{path}/export").text == first
    casey.post(f"{path}/versions/1/export")
    casey.post(f"{AURORA}/export")
    history = casey.get(f"{path}/history").json["items"]
    assert [(entry["action"], entry["version"]) for entry in history[:3]] == [
        ("exported", None), ("exported", 1), ("exported", None),
    ]  # fmt: skip
    assert casey.get(f"{path}/export").text == first
    assert casey.get(path).json == before


def test_ids_stay_unless_somebody_has_them(casey, bailey, workflow):
    bundle = casey.get(f"{AURORA}/{workflow['id']}/export").json
    there = send(bailey, json.dumps(bundle), kind="application/json")["workflows"][0]["id"]
    assert there != workflow["id"]
    casey.delete(f"{AURORA}/{workflow['id']}")
    refused = send(casey, json.dumps(bundle), kind="application/json", status=400, at=AURORA)
    assert "lies in the bin" in refused["detail"]
    assert bundle["workflows"][0]["id"] not in casey.get(AURORA).text


def test_two_workflows_of_one_name_must_be_told_apart(bailey):
    for _ in range(2):
        bailey.post_json(COBALT, {"definition": definition("Twin")}, status=201)
    refused = send(bailey, yaml_text.dump(definition("Twin", 2)), status=400)
    assert "There are 2 workflows here that are called 'Twin'" in refused["detail"]


def test_one_workflow_is_the_goal_of_one_of_the_file_alone(casey, bailey):
    for number in range(2):
        casey.post_json(AURORA, {"definition": definition("Twin", number)}, status=201)
    bailey.post_json(COBALT, {"definition": definition("Twin", 5)}, status=201)
    refused = send(bailey, casey.get(f"{AURORA}/export?format=yaml").text, status=400)
    assert "Another one of the file goes to 'Twin' already" in refused["detail"]
    assert names_in(bailey) == ["Twin"]


@pytest.mark.parametrize(
    ("kind", "body", "told"),
    [
        (YAML, b"", "empty"),
        (YAML, b"- a\n- b", "must hold a definition"),
        (YAML, b"a: \xff", "Line 1: this is not UTF-8"),
        (YAML, "name: x".encode("utf-16"), "save it as UTF-8"),
        (YAML, b"a: &x [1]\nb: *x", "Line 1: anchors"),
        (YAML, b"name: a\nname: b", "Line 2: the key 'name' stands twice"),
        (YAML, b"name: a\n---\nname: b", "Line 2: a second document"),
        (YAML, b"name: " + b"1" * 5000, "Line 1: this number is too large"),
        (YAML, b"[" * 10_000_000, "nested more than"),
        ("application/json", b"[" * 10_000_000, "more than 1,000,000 values"),
        ("application/json", b"[" * 5000 + b"]" * 5000, "nested more than"),
        ("application/json", b'{"name": "a",\n"name": "b"}', "Line 2: the key 'name' stands twice"),
        ("application/json", b'{"name":\nNaN}', "Line 2: this is not JSON: JSON has no NaN"),
        ("application/json", b'{"name": "\\ud800"}', "lone surrogate"),
        ("application/json", b'{"name": "\\u0000"}', "NUL"),
        ("application/json", b'{"name": ' + b"1" * 5000 + b"}", "too large"),
        ("application/json", b'{"name": "a"', "ends too early"),
        ("application/json", b'{"releaseapp": {"format": 2, "kind": "workflow"}, "workflows": []}', "of format 2"),
        ("application/json", b'{"releaseapp": {"format": 1, "kind": "x"}, "workflows": []}', "Line 1: releaseapp"),
        ("application/json", b'{"releaseapp": 1, "workflows": 1}', "workflows must be array"),
        ("application/json", b'{"releaseapp": {"format": 1, "kind": "workflow"}, "workflows": [1]}', "must be object"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_with_place_and_cure(bailey, kind, body, told):
    refused = bailey.post(f"{COBALT}/import", body, content_type=kind, status=400).json
    assert told in refused["detail"]


def test_a_file_over_the_limit_is_413_and_other_addresses_take_no_more_than_before(bailey):
    body = json.dumps(definition(value="x" * 10_500_000)).encode()
    bailey.post(f"{COBALT}/import", body, content_type="application/json", status=413)
    larger = json.dumps({"definition": definition(value="x" * 1_100_000)}).encode()
    bailey.post(COBALT, larger, content_type="application/json", status=413)
    several = {"releaseapp": {"format": 1, "kind": "workflows"}, "workflows": [
        {"versions": [{"number": 1, "definition": definition(f"W{n}", "x" * 900_000)}]} for n in range(3)
    ]}  # fmt: skip
    assert send(bailey, json.dumps(several), kind="application/json")["created"] == 3


def test_other_kinds_of_bodies_are_415_and_a_form_may_bring_the_file(bailey):
    text = yaml_text.dump(definition()).encode()
    bailey.post(f"{COBALT}/import", text, content_type="image/png", status=415)
    done = bailey.post(f"{COBALT}/import?dry_run=1", {"file": Upload("a.yaml", text, "application/yaml")})
    assert done.json["created"] == 1
    refused = bailey.post(f"{COBALT}/import", {"other": Upload("a.yaml", text)}, status=400)
    assert refused.json["errors"][0]["pointer"] == "/file"
    bailey.post(f"{COBALT}/import?dry_run=maybe", text, content_type=YAML, status=400)
    bailey.get(f"{COBALT}/export?format=xml", status=400)


def test_a_part_of_the_wrong_type_is_refused_and_never_breaks_the_server(casey, bailey, workflow):
    bundle = casey.get(f"{AURORA}/{workflow['id']}/export").json
    wrong = [
        None,
        1,
        -1,
        1e300,
        True,
        "",
        "x",
        "\u2028",
        [],
        [1],
        {},
        {"a": 1},
        "9999-12-31T23:59:59.999+14:00",
        10**300,
    ]

    def places(value, path=()):
        yield path
        if isinstance(value, (dict, list)):
            for key in value if isinstance(value, dict) else range(len(value)):
                yield from places(value[key], (*path, key))

    for path in places(bundle):
        for value in wrong:
            other = json.loads(json.dumps(bundle))
            if path:
                parent = other
                for key in path[:-1]:
                    parent = parent[key]
                parent[path[-1]] = value
            answer = bailey.post(
                f"{COBALT}/import?dry_run=1", json.dumps(other if path else value), content_type="application/json",
                status="*",
            )  # fmt: skip
            assert answer.status_int in {200, 400}, (path, value, answer.text)
            for fault in answer.json.get("errors", ()):
                assert fault["detail"].endswith("."), (path, value, fault)


def test_in_the_browser_a_file_is_looked_at_and_then_imported(app, casey, workflow):
    bailey, avery = app.as_browser("bailey.admin@example.com"), app.as_browser("avery.owner@example.com")
    page = avery.get(f"{AURORA}/{workflow['id']}")
    file = next(form for form in page.forms.values() if form.action.endswith("/export")).submit()
    assert file.content_type == YAML
    assert "exported" in avery.get(f"{AURORA}/{workflow['id']}").text
    form = bailey.get(COBALT).click("Import").forms["import"]
    form["file"] = Upload("digest.yaml", file.body, YAML)
    plan = form.submit()
    assert "New, with 2 versions" in plan.text
    assert "Version 1 is published" in plan.text
    assert names_in(app.as_program("bailey.admin@example.com")) == []
    button = plan.forms["carry-out"]
    assert "Import 1 workflow" in plan.text
    button["publish"] = True
    done = button.submit(status=303).follow()
    assert "Imported: 1 new." in done.text
    assert "published v1" in done.text
    form = bailey.get(f"{COBALT}/import").forms["import"]
    form["text"] = file.text
    assert "There is nothing to import" in form.submit().text


def test_in_the_browser_a_plan_that_is_out_of_date_is_shown_again(app, bailey):
    browser = app.as_browser("bailey.admin@example.com")
    form = browser.get(f"{COBALT}/import").forms["import"]
    form["text"] = yaml_text.dump(definition())
    plan = form.submit()
    assert "New, with 1 version" in plan.text
    bailey.post_json(COBALT, {"definition": definition(value=2)}, status=201)
    again = plan.forms["carry-out"].submit(status=409)
    assert "have changed since you looked" in again.text
    assert "gets version 2 as a draft" in again.text
    assert "1 changed" in again.forms["carry-out"].submit(status=303).follow().text


def test_in_the_browser_faults_are_told_and_the_text_is_kept(app):
    browser = app.as_browser("bailey.admin@example.com")
    form = browser.get(f"{COBALT}/import").forms["import"]
    assert "Choose a file" in form.submit(status=400).html.find(id="file-error").text
    form["text"] = "name: ["
    page = form.submit(status=400)
    assert "Line 2" in page.html.find(id="faults").text
    assert page.forms["import"]["text"].value.strip() == "name: ["
    form["text"] = "name: x\nsteps:\n  - id: a\n    type: <nope>\n"
    page = form.submit(status=400)
    assert "Line 4: There is no step type '<nope>'" in page.text.replace("&lt;", "<").replace("&gt;", ">").replace(
        "&#39;", "'"
    )
    assert "carry-out" not in page.forms
    page.forms["import"]["text"] = page.forms["import"]["text"].value.replace(
        "<nope>", "fail\n    config: {message: x}"
    )
    assert "New, with 1 version" in page.forms["import"].submit().text
    form = browser.get(f"{COBALT}/import").forms["import"]
    form["text"] = yaml_text.dump(definition())
    sent = form.submit().forms["carry-out"]
    for carried in ("x", "eA==", ""):
        sent["carried"].force_value(carried)
        assert "hoose" in sent.submit(status=400).html.find(id="file-error").text


def test_a_form_from_elsewhere_is_refused(app, workflow):
    avery = app.as_browser("avery.owner@example.com")
    avery.post(f"{AURORA}/import", {"text": yaml_text.dump(definition())}, status=403)
    avery.post(f"{AURORA}/{workflow['id']}/export", status=403)


# The command line


@pytest.fixture
def ini(settings, tmp_path):
    path = tmp_path / "server.ini"
    path.write_text(
        f"[app:main]\nuse = egg:releaseapp\nmode = development\njwt_secret = {settings.jwt_secret.replace('%', '%%')}\n"
        "agent_db_path = %(here)s/agents.db\nworkflow_store_path = %(here)s/workflows.json\n"
    )
    return path


def run(*words):
    return CliRunner().invoke(main, ["workflows", *(str(word) for word in words)])


@pytest.mark.parametrize("ending", ["yaml", "json"])
def test_from_the_shell_workflows_go_from_one_workspace_to_another_beside_a_running_server(
    bailey, workflow, ini, tmp_path, ending
):
    file = tmp_path / f"out.{ending}"
    told = run("export", ini, "--workspace", "aurora", "-o", file)
    assert told.exit_code == 0, told.output
    looked = run("import", ini, file, "--workspace", "cobalt", "--dry-run", "--publish")
    assert (looked.exit_code, names_in(bailey)) == (0, [])
    assert "Digest: new; version 1 is published" in looked.output
    assert "Nothing was done." in looked.output
    done = run("import", ini, file, "--workspace", "cobalt", "--publish", "--json")
    assert done.exit_code == 0, done.output
    made = json.loads(done.output)["files"][0]["workflows"][0]
    assert bailey.get(f"{COBALT}/{made['id']}").json["published_version"] == 1
    shown = run("export", ini, "--workspace", "cobalt", "--workflow", made["id"], "--version", 2, "--format", "json")
    assert json.loads(shown.output)["releaseapp"] == {"format": 1, "kind": "version"}


def test_from_the_shell_one_refused_file_stops_all_and_exits_with_1(bailey, ini, tmp_path):
    good, bad, broken = tmp_path / "good.yaml", tmp_path / "bad.yaml", tmp_path / "broken.json"
    good.write_text(yaml_text.dump(definition(type="message.send", config={"credential": "slack", "text": "t"})))
    bad.write_text("name: x\nsteps:\n  - id: a\n    type: nope\n")
    broken.write_text('{"name":\n')
    told = run("import", ini, good, bad, broken, "--workspace", "cobalt")
    assert told.exit_code == 1
    assert f"{bad}: x: refused\n  Line 4: There is no step type 'nope'" in told.output
    assert f"{broken}: This is not JSON: the file ends too early." in told.output
    assert json.loads(run("import", ini, broken, "--workspace", "cobalt", "--json").output)["done"] is False
    assert names_in(bailey) == []


def test_from_the_shell_trouble_exits_with_2(workflow, ini, tmp_path):
    file = tmp_path / "a.yaml"
    file.write_text(yaml_text.dump(definition()))
    assert run("export", ini, "--workspace", "nowhere").exit_code == 2
    assert run("export", ini, "--workspace", "aurora", "--workflow", "wfl_none").exit_code == 2
    assert run("export", ini, "--workspace", "aurora", "--workflow", workflow["id"], "--version", 9).exit_code == 2
    assert run("export", ini, "--workspace", "aurora", "--version", 1).exit_code == 2
    (tmp_path / "workflows.json").write_text("{ not json")
    assert run("import", ini, file, "--workspace", "cobalt").exit_code == 2
    assert (tmp_path / "workflows.json").read_text() == "{ not json"
