"""The difference between two versions: at an address, by meaning, as text; who may see it, and what is refused."""

import pytest
from click.testing import CliRunner

from releaseapp.cli import main
from releaseapp.workflows import yaml_text

AURORA, COBALT = "/workspaces/aurora/workflows", "/workspaces/cobalt/workflows"
HOSTILE = "<script>alert(1)</script> & \"quoted\" {{ inputs.notes | join('<b>') }}"


def definition(**more):
    return {
        "name": "Digest",
        "inputs": {"type": "object", "properties": {"notes": {"type": "array"}}},
        "steps": [
            {"id": "keep", "type": "transform", "config": {"value": "{{ inputs.notes | select | list }}"}},
            {"id": "digest", "type": "transform", "config": {"value": "{{ steps.keep.output | join('; ') }}"}},
            {"id": "tell", "type": "http.request", "config": {"url": "https://example.com/hook", "method": "POST"}},
        ],
        "output": "{{ steps.digest.output }}",
        **more,
    }


def changed():
    after = definition()
    after["inputs"] = {**after["inputs"], "required": ["notes"]}
    after["steps"][1]["config"] = {"value": "{{ steps.keep.output | join(', ') }}"}
    after["steps"][2]["retry"] = {"max_attempts": 3}
    after["steps"].append({"id": "end", "type": "delay", "config": {"seconds": 5}})
    return after


@pytest.fixture
def casey(app):
    return app.as_program("casey.editor@example.com")


@pytest.fixture
def browser(app):
    return app.as_browser("casey.editor@example.com")


@pytest.fixture
def workflow(casey):
    """Published in version 1, with a changed draft after it."""
    made = casey.post_json(AURORA, {"definition": definition()}, status=201).json
    casey.post_json(at(made, 1, "publish"), {})
    casey.post_json(at(made, 1, "duplicate"), {}, status=201)
    casey.put_json(at(made, 2), {"definition": changed()})
    return made


@pytest.fixture
def foreign(app):
    """A workflow of a workspace that Casey is no member of."""
    bailey = app.as_program("bailey.admin@example.com")
    return bailey.post_json(COBALT, {"definition": definition(name="Elsewhere")}, status=201).json


def at(workflow, number, *rest, workspace=AURORA):
    return "/".join([workspace, workflow["id"], "versions", str(number), *rest])


def test_an_editor_compares_a_draft_with_what_is_published(browser, workflow):
    page = browser.get(f"{AURORA}/{workflow['id']}").click("Compare")
    assert "From version 1 to version 2" in page.html.h1.text
    assert page.html.find(id="summary").text == "2 steps changed, 1 added, 1 input changed."
    told = page.html.find(id="compared").text
    assert told.count("Casey") == 2
    assert [row.text for row in page.html.select("#steps-1 del, #steps-1 ins")] == ["removed: ; end", "added: , end"]
    steps = page.html.find("section", attrs={"aria-labelledby": "section-steps"}).text
    assert "retry" in steps
    assert "It is step 4, after tell." in steps
    assert "It must be given now." in page.html.find(id="inputs-1").text
    text = page.click("As text")
    assert "required" in text.html.find(class_="changed-line added").text
    assert text.request.url.endswith("&as=text")
    diff = text.click("Unified diff")
    assert diff.content_type == "text/plain"
    assert diff.text.startswith("--- Digest, version 1\t")


def test_swapping_turns_the_difference_round(browser, workflow):
    page = browser.get(at(workflow, 2, "difference")).click("Swap")
    assert "From version 2 to version 1" in page.html.h1.text
    assert "1 removed" in page.html.find(id="summary").text


def test_both_sides_are_chosen_in_one_form(browser, casey, workflow):
    other = casey.post_json(AURORA, {"definition": definition(name="Other")}, status=201).json
    form = browser.get(at(workflow, 2, "difference")).forms["compared"]
    form["against"], form["to"] = f"{workflow['id']}/1", f"{other['id']}/1"
    page = form.submit(status=303).follow()
    assert page.request.path_qs == at(other, 1, f"difference?against={workflow['id']}/1")
    assert "From Digest, version 1, to Other, version 1" in page.html.h1.text
    assert "Name changed" in page.html.find(id="summary").text


def test_without_against_it_is_the_published_version_else_the_one_before(casey, workflow):
    assert casey.get(at(workflow, 2, "difference")).json["before"]["number"] == 1
    assert casey.get(at(workflow, 1, "difference")).json["before"]["number"] == 2
    casey.post_json(at(workflow, 2, "duplicate"), {}, status=201)
    assert casey.get(at(workflow, 3, "difference")).json["before"]["number"] == 1
    casey.post_json(at(workflow, 1, "archive"), {})
    assert casey.get(at(workflow, 3, "difference")).json["before"]["number"] == 2


def test_programs_get_it_as_json_and_as_unified_text(casey, workflow):
    told = casey.get(at(workflow, 2, "difference?against=1")).json
    assert told["summary"] == "2 steps changed, 1 added, 1 input changed"
    assert (told["same"], told["before"]["author_name"], told["after"]["status"]) == (False, "Casey Editor", "draft")
    digest, tell, end = told["difference"]["steps"]
    assert digest["fields"][0]["path"] == "config.value"
    assert {"kind": "removed", "text": ";"} in digest["fields"][0]["words"]
    assert tell["fields"] == [{"path": "retry", "pointer": "/retry", "kind": "added", "after": {"max_attempts": 3}}]
    assert (end["words"], end["place"], end["waits_for"]) == (["added"], 4, ["tell"])
    assert told["difference"]["inputs"] == [
        {"name": "notes", "kind": "changed", "required": True, "became": "required"}
    ]
    diff = casey.get(at(workflow, 2, "difference?against=1&format=text"))
    assert (diff.status_int, diff.content_type) == (200, "text/plain")
    lines = diff.text.splitlines()
    assert lines[0].startswith("--- Digest, version 1\t")
    assert lines[1].startswith("+++ Digest, version 2\t")
    assert lines[2].startswith("@@ -")
    assert "+    - notes" in lines or "+  required:" in lines


def test_versions_that_mean_the_same_say_so(casey, browser, workflow):
    casey.post_json(at(workflow, 1, "duplicate"), {}, status=201)
    told = casey.get(at(workflow, 3, "difference?against=1")).json
    assert (told["same"], told["summary"]) == (True, "No change in meaning")
    page = browser.get(at(workflow, 3, "difference?against=1"))
    assert "Both mean the same." in page.text
    assert "letter for letter" in page.click("As text").text
    assert casey.get(at(workflow, 3, "difference?against=1&format=text")).text == ""


def test_comments_are_a_difference_of_the_text_alone(casey, browser, workflow):
    casey.post_json(at(workflow, 1, "duplicate"), {}, status=201)
    for number, comment in ((2, "# why\n"), (3, "# why not\n")):
        casey.put_json(at(workflow, number), {"yaml": comment + yaml_text.dump(definition())})
    page = browser.get(at(workflow, 3, "difference?against=2"))
    assert "only how they are written is different" in page.text
    assert page.click("As text").html.find("ins").text.split() == ["added:", "not", "end"]
    assert "+# why not" in casey.get(at(workflow, 3, "difference?against=2&format=text")).text


def test_two_workflows_are_compared_with_their_tags(casey, workflow):
    body = {"definition": definition(name="Other"), "tags": ["weekly"]}
    other = casey.post_json(AURORA, body, status=201).json
    told = casey.get(at(workflow, 1, f"difference?against={other['id']}/1")).json
    assert [field["path"] for field in told["difference"]["metadata"]] == ["name", "tags"]
    assert told["before"]["workflow_id"] == other["id"]


def test_a_workflow_of_another_workspace_of_mine_can_be_named(app, foreign):
    avery, bailey = app.as_program("avery.owner@example.com"), app.as_program("bailey.admin@example.com")
    lumen = "/workspaces/lumen/workflows"
    mine = avery.post_json(lumen, {"definition": definition()}, status=201).json
    theirs = avery.post_json(AURORA, {"definition": definition()}, status=201).json
    path = f"{lumen}/{mine['id']}/versions/1/difference?against={theirs['id']}/1"
    assert avery.get(path).json["before"]["workspace"] == "aurora"
    assert "Other workflows of Aurora" in app.as_browser("avery.owner@example.com").get(path.partition("?")[0]).text
    bailey.get(path, status=404)


def test_what_is_foreign_looks_like_what_does_not_exist(app, casey, browser, workflow, foreign):
    path = at(workflow, 2, "difference?against=")
    missing = casey.get(path + "wfl_000000000000000000000000/1", status=404)
    assert casey.get(path + f"{foreign['id']}/1", status=404).body == missing.body
    assert casey.get(path + f"{foreign['id']}/9", status=404).body == missing.body
    assert casey.get(path + "77", status=404).body == missing.body
    browser.get(path + f"{foreign['id']}/1", status=404)
    assert "Elsewhere" not in browser.get(at(workflow, 2, "difference")).text
    nowhere = casey.get("/workspaces/nowhere/workflows/x/versions/1/difference", status=404)
    elsewhere = casey.get(at(foreign, 1, "difference", workspace=COBALT), status=404)
    assert elsewhere.body == nowhere.body


def test_a_viewer_is_refused(app, foreign):
    devon = app.as_program("devon.viewer@example.com")
    devon.get(at(foreign, 1, "difference", workspace=COBALT), status=403)


@pytest.mark.parametrize("bad", ["x", "-1", "1.5", "1/2/3", "wfl_1/", "/1", "%D9%A3", "9999999999", "<b>", "1%00"])
def test_an_against_that_names_nothing_is_refused_by_name(casey, browser, workflow, bad):
    refused = casey.get(at(workflow, 2, f"difference?against={bad}"), status=400).json
    assert [fault["pointer"] for fault in refused["errors"]] == ["/against"]
    assert "against must be a version" in browser.get(at(workflow, 2, f"difference?against={bad}"), status=400).text


def test_other_bad_words_in_the_address_are_refused_by_name(casey, browser, workflow):
    refused = casey.get(at(workflow, 2, "difference?format=xml"), status=400).json
    assert refused["errors"][0]["pointer"] == "/format"
    assert "to must be" in browser.get(at(workflow, 2, "difference?to=x"), status=400).text


def test_a_workflow_with_one_version_asks_for_another_workflow(casey, browser):
    made = casey.post_json(AURORA, {"definition": definition()}, status=201).json
    assert casey.get(at(made, 1, "difference"), status=400).json["errors"][0]["pointer"] == "/against"
    assert "one version so far" in browser.get(at(made, 1, "difference")).text


def test_hostile_text_is_shown_as_text(casey, browser):
    before, after = definition(), definition(name=HOSTILE, description=f"{HOSTILE}\n" * 3)
    after["steps"][0]["config"] = {"value": HOSTILE}
    after["steps"][0]["name"] = HOSTILE
    after["steps"][0]["x-<i>"] = {HOSTILE: HOSTILE}
    made = casey.post_json(AURORA, {"definition": before}, status=201).json
    casey.post_json(at(made, 1, "duplicate"), {}, status=201)
    casey.put_json(at(made, 2), {"definition": after})
    for view in ("", "&as=text"):
        page = browser.get(at(made, 2, f"difference?against=1{view}"))
        assert "<script>alert" not in page.text
        assert "<i>" not in page.text
        assert "alert(1)" in page.html.find("main").text


def test_publishing_that_is_refused_leads_to_the_difference(casey, browser, workflow):
    casey.post_json(at(workflow, 1, "duplicate"), {}, status=201)
    casey.post_json(at(workflow, 3, "publish"), {})
    page = browser.get(at(workflow, 2, "difference"))
    form = next(
        form for form in browser.get(f"{AURORA}/{workflow['id']}").forms.values() if form.action.endswith("/2/publish")
    )
    page = form.submit(status=303).follow()
    assert "From version 3 to version 2" in page.html.h1.text
    assert "another version was published" in page.text


def test_files_are_compared_from_the_shell_as_diff_would(tmp_path):
    old, new = tmp_path / "old.yaml", tmp_path / "new.json"
    old.write_text(yaml_text.dump(definition()))
    new.write_text(yaml_text.dump(changed()))

    def run(*words):
        return CliRunner().invoke(main, ["workflows", "diff", *map(str, words)])

    told = run(old, new)
    assert told.exit_code == 1
    assert told.output.startswith("2 steps changed, 1 added, 1 input changed")
    assert "config.value: {{ steps.keep.output | join('[-;-]{+,+} ') }}" in told.output
    assert "\x1b" not in told.output
    assert run(old, old).exit_code == 0
    assert run(old, old).output == "No change in meaning\n"
    text = run(old, new, "--text")
    assert (text.exit_code, text.output.splitlines()[0]) == (1, f"--- {old}")
    assert run(old, old, "--text").output == ""
    assert '"summary":' in run(old, new, "--json").output
    assert run(old, tmp_path / "none").exit_code == 2
    (tmp_path / "bad").write_text("a: [")
    refused = run(old, tmp_path / "bad")
    assert (refused.exit_code, "bad" in refused.output) == (2, True)
    (tmp_path / "list").write_text("- 1")
    assert run(tmp_path / "list", old).exit_code == 2
    assert run(old, new, "--text", "--json").exit_code == 2
