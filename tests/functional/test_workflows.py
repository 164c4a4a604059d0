"""Workflows: drafts, versions, publishing, reverting, the bin; over JSON and in the browser."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from releaseapp.cli import main
from releaseapp.workflows import yaml_text
from releaseapp.workflows.definition import check
from releaseapp.workflows.templates import DEMO, FIRST, template_text

WORKFLOWS = "/workspaces/aurora/workflows"


def definition(value=1, **more):
    return {"name": "Digest", "steps": [{"id": "a", "type": "transform", "config": {"value": value}}], **more}


@pytest.fixture
def casey(app):
    return app.as_program("casey.editor@example.com")


@pytest.fixture
def workflow(casey):
    return casey.post_json(WORKFLOWS, {"definition": definition(), "tags": ["daily"]}, status=201).json


def at(workflow, *rest):
    return "/".join([WORKFLOWS, workflow["id"], *rest])


def test_a_workflow_begins_as_a_draft_and_is_published(casey, workflow):
    assert (workflow["name"], workflow["status"], workflow["published_version"]) == ("Digest", "draft", None)
    published = casey.post_json(at(workflow, "versions/1/publish"), {}).json
    assert (published["status"], published["published_version"]) == ("active", 1)
    assert [version["status"] for version in published["versions"]] == ["published"]
    actions = [entry["action"] for entry in casey.get(at(workflow, "history")).json["items"]]
    assert actions == ["published", "created"]


def test_a_draft_changes_under_an_etag_and_a_published_version_never(casey, workflow):
    path = at(workflow, "versions/1")
    etag = casey.get(path).headers["ETag"]
    changed = casey.put_json(path, {"definition": definition(2)}, headers={"If-Match": etag})
    assert changed.json["definition"]["steps"][0]["config"]["value"] == 2
    casey.put_json(path, {"definition": definition(3)}, headers={"If-Match": etag}, status=412)
    casey.post_json(f"{path}/publish", {})
    refused = casey.put_json(path, {"definition": definition(3)}, status=409)
    assert "duplicate it" in refused.json["detail"]


def test_publishing_archives_the_version_before_and_the_name_follows_what_is_published(casey, workflow):
    casey.post_json(at(workflow, "versions/1/publish"), {})
    draft = casey.post_json(at(workflow, "versions/1/duplicate"), {}, status=201).json
    assert (draft["number"], draft["base"]) == (2, 1)
    casey.put_json(at(workflow, "versions/2"), {"definition": {**definition(), "name": "Better digest"}})
    assert casey.get(at(workflow)).json["name"] == "Digest"
    after = casey.post_json(at(workflow, "versions/2/publish"), {}).json
    assert after["name"] == "Better digest"
    assert {version["number"]: version["status"] for version in after["versions"]} == {1: "archived", 2: "published"}


def test_a_draft_that_was_overtaken_is_refused_unless_one_insists(casey, workflow):
    casey.post_json(at(workflow, "versions/1/publish"), {})
    casey.post_json(at(workflow, "versions/1/duplicate"), {})
    casey.post_json(at(workflow, "versions/1/duplicate"), {})
    casey.post_json(at(workflow, "versions/2/publish"), {})
    refused = casey.post_json(at(workflow, "versions/3/publish"), {}, status=409)
    assert "another version was published" in refused.json["detail"]
    assert casey.post_json(at(workflow, "versions/3/publish"), {"anyway": True}).json["published_version"] == 3


def test_reverting_adds_a_draft_and_in_an_emergency_publishes_it_at_once(casey, workflow):
    casey.post_json(at(workflow, "versions/1/publish"), {})
    casey.post_json(at(workflow, "versions/1/duplicate"), {})
    casey.put_json(at(workflow, "versions/2"), {"definition": definition(2)})
    casey.post_json(at(workflow, "versions/2/publish"), {})
    casey.post_json(at(workflow, "versions/1/revert"), {}, status=201)
    assert casey.get(at(workflow, "versions/3")).json["definition"] == definition(1)
    after = casey.post_json(at(workflow, "versions/1/revert-and-publish"), {}).json
    assert after["published_version"] == 4
    assert casey.get(at(workflow, "versions/4")).json["definition"] == definition(1)


def test_a_workflow_is_paused_resumed_binned_and_restored(casey, workflow):
    casey.post_json(at(workflow, "pause"), {}, status=409)
    casey.post_json(at(workflow, "versions/1/publish"), {})
    assert casey.post_json(at(workflow, "pause"), {}).json["status"] == "paused"
    assert casey.post_json(at(workflow, "resume"), {}).json["status"] == "active"
    assert casey.delete(at(workflow)).json["deleted_at"]
    assert workflow["id"] not in [one["id"] for one in casey.get(WORKFLOWS).json["items"]]
    assert workflow["id"] in [one["id"] for one in casey.get(f"{WORKFLOWS}?bin=1").json["items"]]
    casey.post_json(at(workflow, "versions/1/duplicate"), {}, status=409)
    casey.delete(at(workflow), status=409)
    assert casey.post_json(at(workflow, "restore"), {}).json["deleted_at"] is None


def test_every_fault_of_a_definition_is_told_at_once(casey):
    bad = {
        "name": "",
        "inputs": {"type": "what"},
        "steps": [
            {"id": "a", "type": "nope"},
            {"id": "a", "type": "delay", "config": {"x": 1}, "needs": ["zz"]},
            {"id": "1c", "type": "fail", "config": {"message": "{{ x | nope }}"}},
            {"id": "d", "type": "condition", "needs": ["e"], "when": "{{ ("},
            {"id": "e", "type": "http.request", "config": {"url": "{{ inputs.url }}", "method": "STEAL"}},
        ],
    }
    refused = casey.post_json(WORKFLOWS, {"definition": bad}, status=400)
    pointers = [fault["pointer"] for fault in refused.json["errors"]]
    for pointer in ("/name", "/steps/0/type", "/steps/1/config/x", "/steps/1/id", "/steps/1/needs/0", "/steps/2/id",
                    "/steps/2/config/message", "/steps/3/config/test", "/steps/3/when", "/steps/4/config/method",
                    "/steps"):  # fmt: skip
        assert pointer in pointers


@pytest.mark.parametrize(
    "body",
    [{}, {"definition": 1}, {"yaml": "["}, {"definition": definition(), "yaml": "a: 1"}, {"yaml": "- 1"}, {"yaml": ""},
     {"definition": definition(), "colour": 1}, {"definition": {"name": "x", "steps": []}},
     {"definition": {"name": "x", "steps": "many"}}, {"definition": {"name": "x", "steps": [1, None]}},
     {"definition": definition(extra=1)}, {"definition": definition(), "tags": [""]}],
)  # fmt: skip
def test_a_bad_body_is_refused_and_nothing_is_made(casey, body):
    before = casey.get(WORKFLOWS).json
    assert casey.post_json(WORKFLOWS, body, status=400).json["errors"]
    assert casey.get(WORKFLOWS).json == before


def test_yaml_goes_in_and_comes_out(casey):
    made = casey.post_json(WORKFLOWS, {"yaml": template_text(FIRST)}, status=201).json
    text = casey.get(at(made, "versions/1?format=yaml"))
    assert text.content_type == "application/yaml"
    assert yaml_text.load(text.text)[0] == yaml_text.load(template_text(FIRST))[0]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: &x 1\nb: *x", "Line 1: anchors and aliases"),
        ("a: 1\nb: 2\na: 3", "Line 3: the key 'a' stands twice"),
        ("a: !!python/object/apply:os.system [id]", "the tag"),
        ("? [a]\n: 1", "a key must be text"),
        ("[" * 100 + "]" * 100, "nested more than 60 deep"),
        ("a: [1", "Line 2"),
        ("\x07", "not YAML"),
    ],
)
def test_yaml_that_could_do_harm_is_refused_with_its_line(casey, text, told):
    assert told in casey.post_json(WORKFLOWS, {"yaml": text}, status=400).json["detail"]


def test_yaml_is_read_as_json_would_be():
    value, _ = yaml_text.load("a: 1\nb: 1.5\nc: true\nd: null\ne: yes\nf: 2020-01-01\ng: 0x1F\nh: .inf\ni: 012\nj: ~")
    assert value == {
        "a": 1, "b": 1.5, "c": True, "d": None, "e": "yes", "f": "2020-01-01", "g": "0x1F", "h": ".inf", "i": "012", "j": None,
    }  # fmt: skip


def test_lists_are_paged_and_searched(casey):
    made = [casey.post_json(WORKFLOWS, {"definition": definition(name=f"Flow {n}")}).json["id"] for n in range(5)]
    seen, cursor = [], ""
    while cursor is not None:
        page = casey.get(f"{WORKFLOWS}?limit=2{'&cursor=' + cursor if cursor else ''}").json
        seen += [one["id"] for one in page["items"]]
        cursor = page["next"]
    assert [one for one in seen if one in made] == made[::-1]
    assert [one["name"] for one in casey.get(WORKFLOWS, {"q": "flow 3"}).json["items"]] == ["Flow 3"]


def test_viewers_see_no_workflows_and_strangers_none_of_this_workspace(app, workflow):
    devon, emery = app.as_program("devon.viewer@example.com"), app.as_program("emery.owner@example.com")
    devon.get("/workspaces/cobalt/workflows", status=403)
    emery.get(at(workflow), status=404)
    emery.get(f"/workspaces/cobalt/workflows/{workflow['id']}", status=404)
    types = {event["type"] for event in devon.get("/workspaces/cobalt/activity").json["items"]}
    assert not [one for one in types if one.startswith(("workflow.", "version."))]


def test_in_the_browser_a_draft_is_written_compared_and_published(app):
    casey = app.as_browser("casey.editor@example.com")
    form = casey.get(WORKFLOWS).click("New workflow").forms["workflow"]
    form["tags"] = "daily"
    page = form.submit(status=303).follow()
    assert "Daily digest" in page.text
    publish = next(form for form in page.forms.values() if form.action.endswith("/publish"))
    page = publish.submit(status=303).follow()
    assert "published v1" in page.text
    begin = next(form for form in page.forms.values() if form.action.endswith("/duplicate"))
    form = begin.submit(status=303).follow().forms["yaml-form"]
    form["yaml"] = form["yaml"].value.replace("There are no notes.", "Nothing to tell.")
    page = form.submit(status=303).follow().click("Daily digest")
    assert "unpublished changes" in page.text
    compared = page.click("Compare")
    assert "Nothing to tell" in compared.html.find("ins").text
    assert "There are no notes" in compared.html.find("del").text


def test_in_the_browser_faults_are_told_with_their_line_and_the_text_is_kept(app):
    casey = app.as_browser("casey.editor@example.com")
    form = casey.get(f"{WORKFLOWS}/new").forms["workflow"]
    form["yaml"] = "name: x\nsteps:\n  - id: a\n    type: nope\n"
    page = form.submit(status=400)
    assert "Line 4: There is no step type 'nope'" in page.html.find(id="faults").text
    assert page.forms["workflow"]["yaml"].value.strip().endswith("type: nope")
    form = page.forms["workflow"]
    form["yaml"] = "name: ["
    assert "Line" in form.submit(status=400).html.find(id="yaml-error").text


def test_two_who_edit_one_draft_both_keep_their_text(app, workflow):
    casey, avery = app.as_browser("casey.editor@example.com"), app.as_browser("avery.owner@example.com")
    path = at(workflow, "versions/1/edit")
    mine, theirs = casey.get(path).forms["yaml-form"], avery.get(path).forms["yaml-form"]
    theirs["yaml"] = theirs["yaml"].value.replace("value: 1", "value: 22")
    theirs.submit(status=303)
    mine["yaml"] = mine["yaml"].value.replace("value: 1", "value: 33")
    page = mine.submit(status=409)
    assert "value: 22" in page.text
    assert "value: 33" in page.forms["yaml-form"]["yaml"].value
    page.forms["yaml-form"].submit(status=303)


def test_the_demo_is_published_and_right(app):
    for texts in DEMO.values():
        for text in texts:
            assert check(yaml_text.load(text)[0]) == []
    names = [one["name"] for one in app.as_program("avery.owner@example.com").get(WORKFLOWS).json["items"]]
    assert names == [] or set(names) == {"Daily Research Digest", "Insight Synthesizer"}


def test_the_schema_accepts_what_the_check_accepts_and_refuses_what_it_refuses(app):
    from jsonschema import Draft202012Validator

    validator = Draft202012Validator(app.get("/schemas/workflow.json").json)
    for texts in DEMO.values():
        for text in texts:
            assert list(validator.iter_errors(yaml_text.load(text)[0])) == []
    assert list(validator.iter_errors({"name": "x", "steps": [{"id": "a", "type": "nope"}]}))
    assert list(validator.iter_errors({"name": "x", "steps": [{"id": "a", "type": "fail", "config": {"why": 1}}]}))


def test_files_are_checked_from_the_shell_with_line_numbers(tmp_path):
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.json"
    good.write_text(template_text(FIRST))
    bad.write_text(json.dumps({"name": "x", "steps": [{"id": "a", "type": "nope"}]}, indent=1))
    assert CliRunner().invoke(main, ["workflows", "check", str(good)]).exit_code == 0
    told = CliRunner().invoke(main, ["workflows", "check", str(good), str(bad)])
    assert told.exit_code == 1
    assert f"{bad}:6: There is no step type 'nope'" in told.output
    Path(bad).write_bytes(b"\xff")
    assert "not UTF-8" in CliRunner().invoke(main, ["workflows", "check", str(bad)]).output


def test_a_step_that_reads_from_a_step_that_is_not_there_is_refused(casey):
    steps = [{"id": "a", "type": "transform", "config": {"value": {"x": "{{ steps.b.output }}"}}}]
    refused = casey.post_json(WORKFLOWS, {"definition": {**definition(), "steps": steps}}, status=400).json
    assert refused["errors"] == [{"pointer": "/steps/0/config", "detail": "There is no step 'b' to read from."}]


def test_keys_that_begin_with_x_are_kept_as_they_are_and_others_are_refused(casey):
    own = {"x-owner": "research", **definition()}
    own["steps"][0]["x-notes"] = ["kept"]
    made = casey.post_json(WORKFLOWS, {"definition": own}, status=201).json
    assert casey.get(at(made, "versions/1")).json["definition"] == own
    refused = casey.post_json(WORKFLOWS, {"definition": {**definition(), "owner": "research"}}, status=400).json
    assert [fault["pointer"] for fault in refused["errors"]] == ["/owner"]


def test_the_schema_accepts_expressions_where_values_of_other_types_stand(casey):
    import jsonschema

    schema = casey.get("/schemas/workflow.json").json
    step = {"id": "a", "type": "database.query", "config": {"credential": "c", "sql": "SELECT 1"}}
    for limit, fits in ((5, True), ("{{ inputs.limit }}", True), ("many", False), (0, False)):
        one = {**step, "config": {**step["config"], "row_limit": limit}}
        assert jsonschema.Draft202012Validator(schema).is_valid({"name": "x", "steps": [one]}) is fits


def test_inputs_that_would_take_long_to_check_are_refused_at_once(casey):
    many = {"type": "object", "properties": {f"p{number}": {"type": "string"} for number in range(20_000)}}
    refused = casey.post_json(WORKFLOWS, {"definition": {**definition(), "inputs": many}}, status=400).json
    assert [fault["pointer"] for fault in refused["errors"]] == ["/inputs"]
    assert "more than 1,000 parts" in refused["errors"][0]["detail"]


def test_the_page_of_a_workflow_says_who_did_what(app, workflow):
    page = app.as_browser("avery.owner@example.com").get(at(workflow))
    assert "created · version 1 by Casey Editor" in " ".join(
        page.html.find(class_="feed").find_next("ol", class_="feed").text.split()
    )


def test_a_megabyte_of_expressions_is_refused_as_a_whole(casey):
    steps = [
        {
            "id": f"s{n}",
            "type": "transform",
            "config": {"value": "".join(f"{{{{ inputs.x{n}_{i} }}}}" for i in range(50))},
        }
        for n in range(900)
    ]
    refused = casey.post_json(WORKFLOWS, {"definition": {**definition(), "steps": steps}}, status=400).json
    assert len(refused["errors"]) == 1


def test_a_publish_that_was_overtaken_is_refused_with_the_difference_to_what_is_published(casey, workflow):
    casey.post_json(at(workflow, "versions/1/publish"), {})
    for number in (2, 3):
        casey.post_json(at(workflow, "versions/1/duplicate"), {})
        casey.put_json(at(workflow, f"versions/{number}"), {"definition": definition(number)})
    casey.post_json(at(workflow, "versions/2/publish"), {})
    refused = casey.post_json(at(workflow, "versions/3/publish"), {}, status=409)
    assert refused.content_type == "application/problem+json"
    assert (refused.json["published_version"], refused.json["summary"]) == (2, "1 step changed")
    [field] = refused.json["difference"]["steps"][0]["fields"]
    assert (field["path"], field["before"], field["after"]) == ("config.value", 2, 3)
    casey.post_json(at(workflow, "versions/2/archive"), {})
    refused = casey.post_json(at(workflow, "versions/3/publish"), {}, status=409)
    assert "now it is nothing" in refused.json["detail"]
    assert "difference" not in refused.json
