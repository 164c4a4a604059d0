"""What a difference by meaning tells of steps, inputs, fields and texts."""

import copy
import random

import pytest

from releaseapp.workflows.differences import Surroundings, compare, rows_of, sections_of, summary, with_surroundings
from releaseapp.workflows.differences.effort import Effort
from releaseapp.workflows.differences.words import pieces


def step(step_id, value=None, **more):
    config = {"value": f"the value of {step_id} alone"} if value is None else {"value": value}
    return {"id": step_id, "type": "transform", "config": config, **more}


def definition(*steps, **more):
    return {"name": "Digest", "steps": list(steps), **more}


def chain(order, **needs):
    return definition(*(step(one, **({"needs": needs[one]} if one in needs else {})) for one in order))


def told(before, after):
    return {one.id: one for one in compare(before, after).steps}


def moves(before, after):
    return {
        name: (one.moved.before, one.moved.after, one.moved.waits_after)
        for name, one in told(before, after).items()
        if one.moved
    }


def marked(before, after):
    signs = {"same": "{}", "removed": "[-{}-]", "added": "{{+{}+}}"}
    return "".join(signs[piece.kind].format(piece.text) for piece in pieces(before, after, Effort()))


@pytest.mark.parametrize(
    ("before", "after", "moved"),
    [
        ("abcd", "bcda", {"a": (1, 4, ["d"])}),
        ("abcd", "dabc", {"d": (4, 1, [])}),
        ("abcde", "acdbe", {"b": (2, 4, ["d"])}),
        ("abcdefg", "efgabcd"[:7], {"e": (5, 1, []), "f": (6, 2, ["e"]), "g": (7, 3, ["f"])}),
        ("abc", "abxc", {}),
        ("abcd", "abd", {}),
    ],
)
def test_the_fewest_steps_have_moved(before, after, moved):
    assert moves(chain(before), chain(after)) == moved


def test_a_place_means_nothing_where_steps_say_what_they_need():
    needs = {"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"]}
    assert compare(chain("abcd", **needs), chain("dcab", **needs)).same


def test_a_step_with_needs_has_moved_when_another_followed_it():
    assert set(moves(chain("abcd", b=["a"]), chain("acdb", b=["a"]))) == {"b"}


def test_the_order_of_needs_is_no_change_but_another_need_is():
    one, other = chain("abc", c=["a", "b"]), chain("abc", c=["b", "a"])
    assert compare(one, other).same
    field = told(one, chain("abc", c=["a"]))["c"].fields[0]
    assert (field.path, field.before, field.after) == ("needs", ["a", "b"], ["a"])


def test_a_step_that_took_the_place_of_a_removed_one_is_not_told_as_moved():
    difference = compare(chain("xab"), chain("ab"))
    assert [(one.id, one.words) for one in difference.steps] == [("x", ["removed"])]


def test_a_renamed_step_is_told_once_and_what_follows_its_name_apart():
    long = "{{ inputs.notes | map('trim') | select | list }} and some more words"
    before = definition(
        step("keep", long), step("tell", "{{ steps.keep.output }}"), step("end", "{{ steps['keep'] }} x")
    )
    after = definition(
        step("hold", long + "!"), step("tell", "{{ steps.hold.output }}"), step("end", "{{ steps['hold'] }} y")
    )
    before["output"], after["output"] = "{{ steps.keep.output }}", "{{ steps.hold.output }}"
    found = told(before, after)
    assert (found["hold"].words, found["hold"].renamed_from) == (["renamed", "changed"], "keep")
    assert found["tell"].words == ["follows"]
    assert found["end"].words == ["changed"]
    assert summary(compare(before, after)) == "2 steps changed, 1 renamed"


@pytest.mark.parametrize(
    ("other", "renamed"),
    [
        (step("b", "one two three four five six"), True),
        (step("b", "one two three four five seven"), True),
        (step("b", "something else altogether, I would say"), False),
        ({"id": "b", "type": "delay", "config": {"value": "one two three four five six"}}, False),
        ({"id": "b", "type": "transform"}, False),
    ],
)
def test_a_step_is_renamed_when_it_is_of_the_same_type_and_says_nearly_the_same(other, renamed):
    found = compare(definition(step("a", "one two three four five six")), definition(other)).steps
    assert [one.renamed_from for one in found if one.renamed_from] == (["a"] if renamed else [])
    assert len(found) == (1 if renamed else 2)


def test_fields_are_told_by_their_paths():
    before = step("a", {"to": ["x", "y"], "n": 1, "same": {"k": [1]}}, retry={"max_attempts": 1}, timeout_seconds=5)
    after = step("a", {"to": ["x", "z", "y"], "n": True, "same": {"k": [1]}, "X-Id": "7"}, retry={"max_attempts": 3})
    after["x-owner"] = "me"
    fields = told(definition(before), definition(after))["a"].fields
    assert [(one.kind, one.path, one.pointer) for one in fields] == [
        ("added", "config.value.to[1]", "/config/value/to/1"),
        ("changed", "config.value.n", "/config/value/n"),
        ("added", "config.value.X-Id", "/config/value/X-Id"),
        ("changed", "retry.max_attempts", "/retry/max_attempts"),
        ("added", "x-owner", "/x-owner"),
        ("removed", "timeout_seconds", "/timeout_seconds"),
    ]


def test_keys_that_are_no_names_are_quoted_in_paths_and_escaped_in_pointers():
    field = told(definition(step("a", {"a/b ~": 1})), definition(step("a", {"a/b ~": 2})))["a"].fields[0]
    assert (field.path, field.pointer) == ('config.value["a/b ~"]', "/config/value/a~1b ~0")


def test_inputs_are_told_one_by_one_also_inner_ones():
    def schema(**properties):
        return {"type": "object", "properties": properties, "required": []}

    customer = schema(email={"type": "string"}, phone={"type": "string"})
    rows = {"type": "array", "items": schema(id={"type": "integer"})}
    before = {
        **schema(customer=customer, rows=rows, gone={"type": "string"}, n={"type": "integer"}),
        "required": ["gone"],
    }
    after = copy.deepcopy(before)
    del after["properties"]["gone"]
    after["required"] = ["n", "new"]
    after["properties"]["new"] = {"type": "boolean"}
    after["properties"]["customer"]["required"] = ["email"]
    after["properties"]["rows"]["items"]["properties"]["id"]["type"] = "string"
    after["additionalProperties"] = False
    found = compare(definition(step("a"), inputs=before), definition(step("a"), inputs=after)).inputs
    assert {(one.name, one.kind, one.required, one.became) for one in found} == {
        ("", "changed", False, None),
        ("customer.email", "changed", True, "required"),
        ("rows[].id", "changed", False, None),
        ("n", "changed", True, "required"),
        ("new", "added", True, None),
        ("gone", "removed", True, None),
    }


def test_between_workflows_tags_agent_and_triggers_count():
    hourly = {"kind": "cron", "active": True, "config": {"schedule": "0 * * * *"}}
    daily = {"kind": "cron", "active": True, "config": {"schedule": "0 8 * * *"}}
    hook = {"kind": "webhook", "active": True, "config": {}}
    same = compare(definition(step("a")), definition(step("a")))
    before, after = Surroundings(["b", "a"], None, [hourly, hook]), Surroundings(["a", "b"], "Nova", [hook, daily])
    found = with_surroundings(same, before, after)
    assert [(one.path, one.kind, one.after) for one in found.metadata] == [("agent", "added", "Nova")]
    assert [(one.trigger, one.kind, one.fields[0].path) for one in found.triggers] == [
        ("cron", "changed", "config.schedule")
    ]
    assert summary(found) == "1 trigger changed, agent changed"


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("join('; ')", "join(', ')", "join('[-;-]{+,+} ')"),
        ("one two three four", "one 2 three four", "one [-two-]{+2+} three four"),
        ("quite another text", "nothing of it remains", "[-quite another text-]{+nothing of it remains+}"),
        ("今天是好日子", "今天是坏日子", "今天是[-好-]{+坏+}日子"),
        ("", "new", "{+new+}"),
        ("one\ntwo\nthree\n", "one\n2\nthree\n", "one\n[-two\n-]{+2\n+}three\n"),
        ("Hello,\nyou\n", "Hello all,\nyou\n", "Hello{+ all+},\nyou\n"),
    ],
)
def test_texts_are_told_by_words(before, after, expected):
    assert marked(before, after) == expected


def test_far_lines_that_are_the_same_are_folded():
    lines = [f"line {number}\n" for number in range(30)]
    rows = rows_of(pieces("".join(lines), "".join([*lines[:15], "new\n", *lines[15:]]), Effort()))
    assert [(row.kind, row.count) for row in rows if row.kind != "same"] == [("gap", 12), ("added", 0), ("gap", 12)]
    assert sum(row.kind == "same" for row in rows) == 6


def test_when_the_effort_is_used_up_texts_are_told_whole():
    assert [piece.kind for piece in pieces("a b c d e", "a b x d e", Effort(0))] == ["removed", "added"]


@pytest.mark.parametrize(
    ("before", "after"),
    [(1, "1"), (True, "true"), (None, ""), ({"a": 1}, {"a": "1"}), ([1], "[1]"), (1, 1.0)],
)
def test_what_a_value_was_and_is_can_be_told_apart(before, after):
    found = compare(definition(step("a", {"is": before})), definition(step("a", {"is": after})))
    field = sections_of(found)[0].entries[0].fields[0]
    was, now = ("".join(piece.text for piece in side) for side in (field.before, field.after))
    assert was != now


def test_the_work_is_bounded_however_large_the_definitions_are():
    """Counted, not timed: a thousand texts of a thousand words, all different, cost no more looks than are allowed."""
    source = random.Random(7)
    words = ["".join(source.choices("abcdefgh", k=5)) for _ in range(2000)]

    def text():
        return " ".join(source.choices(words, k=300))

    effort = Effort()
    for _ in range(200):
        pieces(text(), text(), effort)
    assert effort.left > -1000
