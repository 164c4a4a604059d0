"""Reading files, finding lines, naming authors, and what a plan depends on."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from releaseapp.errors import Conflict, Invalid, TooLarge
from releaseapp.workflows import yaml_text
from releaseapp.workflows.file import WorkflowFile
from releaseapp.workflows.store import By, Store
from releaseapp.workflows.transfer import service
from releaseapp.workflows.transfer.authors import Author, taken_apart
from releaseapp.workflows.transfer.checking import effort_of
from releaseapp.workflows.transfer.export import file_name
from releaseapp.workflows.transfer.places import places
from releaseapp.workflows.transfer.plan import Surroundings
from releaseapp.workflows.transfer.reading import OVER_HTTP, Limits, read_file

FEW = Limits(1000, 10, 10, 2, 20)


def definition(name="Digest", value=1):
    return {"name": name, "steps": [{"id": "a", "type": "transform", "config": {"value": value}}]}


@pytest.fixture
def store(db, tmp_path):
    file = WorkflowFile(tmp_path / "workflows.json")
    file.ensure()
    return Store(db, file)


@pytest.fixture
def into():
    return Surroundings("w", {}, lambda _names: {}, lambda _names: frozenset())


def incoming(value, limits=OVER_HTTP):
    return service.read_incoming(json.dumps(value).encode(), "json", limits)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"x" * 1001, "larger than 1,000 bytes"),
        (b"[1,2,3,4,5,6,7,8,9,10,11,12]", "more than 10 values"),
        (b"- 1\n" * 11, "Line 10: these are more than 10 values"),
        (json.dumps([definition()] * 1).encode(), "a name and steps"),
        (json.dumps({"name": "n", "steps": "{{ a }}" * 80}).encode(), "too many expressions"),
    ],
)
def test_every_limit_says_what_to_do(data, told):
    with pytest.raises((Invalid, TooLarge), match=told):
        service.read_incoming(data, None, FEW)


def test_commas_and_brackets_in_texts_are_not_counted():
    assert read_file(json.dumps(["[,{" * 300]).encode(), None, FEW).value == ["[,{" * 300]


def test_a_byte_order_mark_and_line_ends_of_other_systems_change_nothing():
    for text in ("\ufeffname: x\nsteps: []\n", "name: x\r\nsteps: []\r\n", "name: x\rsteps: []\r"):
        assert read_file(text.encode(), None, FEW).value == {"name": "x", "steps": []}


json_data = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(10**30), 10**30), st.floats(allow_nan=False, allow_infinity=False), st.text()),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text("ab/~\"\\{}[]:, é", max_size=4), inner, max_size=4)),
    max_leaves=20,
)  # fmt: skip


@settings(deadline=None)
@given(json_data, st.sampled_from([None, 0, 2]))
def test_the_places_of_a_json_text_are_those_of_its_values(value, indent):
    text = json.dumps(value, indent=indent)
    found = places(text)
    for pointer, line in found.items():
        one = value
        for part in pointer.split("/")[1:]:
            one = one[int(part)] if isinstance(one, list) else one[part.replace("~1", "/").replace("~0", "~")]
        assert json.dumps(one)[0] in text.splitlines()[line - 1]
    assert len(found) == count(value)


def count(value):
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + sum(map(count, inner))


def test_a_key_that_stands_twice_is_found_in_its_own_object_alone():
    assert places('{"a": {"a": 1}, "b": {"a": 1}}')["/b/a"] == 1
    with pytest.raises(Invalid, match="Line 3: the key 'a' stands twice"):
        places('{"b": [{"a": 1},\n{"a": 1,\n"\\u0061": 2}]}')


@pytest.mark.parametrize("summary", ["", "Shorter", "by hand", "Shorter — by someone", " x "])
@pytest.mark.parametrize("name", ["ada@example.com", "Cy (gone)", "é"])
def test_a_name_kept_in_a_text_is_found_again(summary, name):
    assert taken_apart(Author(name, None).told(summary)) == (summary, name)
    assert Author(name, "acc_1").told(summary) == summary
    assert Author(None, None).told(summary) == summary


def test_a_text_without_a_name_stays_as_it_is():
    for summary in ("", "Shorter", "written by hand", "— by "):
        assert taken_apart(summary) == (summary, None)


def test_files_are_called_what_every_system_takes():
    assert file_name("Täglicher Überblick / Neu", "yaml", 3) == "taglicher-uberblick-neu-v3.yaml"
    assert file_name('"; rm -rf\r\n', "json") == "rm-rf.json"
    assert file_name("日本語", "yaml") == "workflow.yaml"


def test_the_effort_grows_with_expressions_and_inputs_and_not_with_plain_values():
    plain = effort_of(definition(value=list(range(1000))))
    assert plain == effort_of(definition())
    assert effort_of(definition(value=["{{ a }}"] * 10)) > plain + 10
    assert effort_of({**definition(), "inputs": {"properties": {str(n): {} for n in range(10)}}}) > plain + 20


def test_a_plan_that_was_overtaken_is_not_carried_out(store, into):
    file = incoming(definition())
    plan = service.plan_import(store, file, into, publish=False)
    service.import_workflows(store, incoming(definition(value=2)), into, By(None), publish=False)
    before = store.file.read()
    with pytest.raises(Conflict, match="look at it again"):
        service.import_workflows(store, file, into, By(None), publish=False, digest=plan.digest)
    assert store.file.read() == before


def test_one_file_is_one_write_and_an_unchanged_one_is_none(store, into):
    names = [f"W{number}" for number in range(5)]
    bundle = {
        "releaseapp": {"format": 1, "kind": "workflows"},
        "workflows": [{"versions": [{"number": 1, "definition": definition(name)}]} for name in names],
    }
    service.import_workflows(store, incoming(bundle), into, By(None), publish=True)
    assert store.file.read().revision == 1
    assert [one.shown.name for one in store.file.read().workflows] == names
    service.import_workflows(store, incoming(bundle), into, By(None), publish=True)
    assert store.file.read().revision == 1


def test_secrets_of_triggers_stay_behind(store, into):
    config = {
        "path": "x",
        "secret": "s3cret",
        "signing": {"kind": "github", "webhook_secret": "s3cret"},
        "api_key": "s3cret",
    }
    bundle = {
        "releaseapp": {"format": 1, "kind": "workflow"},
        "workflows": [
            {
                "versions": [{"number": 1, "definition": definition()}],
                "triggers": [{"kind": "webhook", "config": config, "active": True}],
            }
        ],
    }
    service.import_workflows(store, incoming(bundle), into, By(None), publish=False)
    text = yaml_text.dump(service.export_all(store, "w"))
    assert "s3cret" not in text
    assert "github" in text


def test_the_example_of_the_documentation_is_a_file_that_can_be_imported_and_is_told_as_it_is(store, into):
    page = (Path(__file__).parent.parent.parent / "docs" / "transfer.md").read_text()
    example = re.search(r"```yaml\n(.+?)```", page, re.DOTALL)[1]
    file = service.read_incoming(example.encode(), "yaml", OVER_HTTP)
    done = service.import_workflows(store, file, into, By(None), publish=True)
    assert done.items[0].here.published_version == 2
    assert service.export_all(store, "w")["workflows"][0]["history"] == file.file.value["workflows"][0]["history"]
    for limit in (OVER_HTTP, service.FROM_THE_SHELL):
        for number in (limit.json_values, limit.yaml_values, limit.workflows):
            assert f" {number:,} |" in page


def test_an_archived_version_may_hold_what_is_not_right_any_more_but_not_another_shape(store, into):
    old = definition()
    old["steps"][0]["type"] = "of.old"

    def bundle(archived):
        versions = [
            {"number": 1, "status": "archived", "definition": archived},
            {"number": 2, "definition": definition()},
        ]
        return {"releaseapp": {"format": 1, "kind": "workflow"}, "workflows": [{"versions": versions}]}

    assert service.plan_import(store, incoming(bundle(old)), into, publish=False).faults == []
    for wrong in ({**old, "steps": {}}, {**old, "steps": [{"id": "a"}]}, {**old, "nonsense": 1}, {"steps": []}):
        faults = service.plan_import(store, incoming(bundle(wrong)), into, publish=False).faults
        assert faults
        assert all(fault.pointer.startswith("/workflows/0/versions/0/definition") for fault in faults)
