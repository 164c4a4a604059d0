"""What holds of the difference of any two definitions, right ones and faulty ones."""

import copy
import random
import re

import msgspec
from hostile_texts import data, texts
from hypothesis import assume, given
from hypothesis import strategies as st

from releaseapp.workflows.differences import compare, rows_of, summary, text_rows, unified
from releaseapp.workflows.differences.effort import Effort
from releaseapp.workflows.differences.shown import sections_of
from releaseapp.workflows.differences.words import pieces

IDS = ["a", "b", "c", "keep", "load", "send"]
values = st.one_of(
    data,
    st.sampled_from(["{{ steps.a.output }}", "{{ steps['b'].output.x }} and {{ inputs.n }}", "one two three four"]),
)
steps = st.fixed_dictionaries(
    {"id": st.sampled_from(IDS), "type": st.sampled_from(["transform", "delay", "http.request"])},
    optional={
        "name": texts,
        "config": st.dictionaries(st.sampled_from(["value", "url", "x y", ""]), values, max_size=3),
        "needs": st.lists(st.sampled_from(IDS), max_size=3, unique=True),
        "when": texts,
        "retry": st.fixed_dictionaries({"max_attempts": st.integers(1, 9)}),
        "x-note": data,
    },
)
schemas = st.fixed_dictionaries(
    {"type": st.just("object")},
    optional={
        "properties": st.dictionaries(
            st.sampled_from(["n", "who", "a.b"]),
            st.one_of(st.booleans(), st.fixed_dictionaries({"type": st.sampled_from(["string", "array"])})),
        ),
        "required": st.lists(st.sampled_from(["n", "who", "gone"]), unique=True),
    },
)
definitions = st.fixed_dictionaries(
    {"name": texts, "steps": st.lists(steps, max_size=7, unique_by=lambda step: step["id"])},
    optional={"inputs": schemas, "output": values, "description": texts, "x-owner": data},
)
broken = st.dictionaries(
    st.one_of(st.sampled_from(["name", "steps", "inputs", "output"]), texts),
    st.one_of(data, st.lists(st.one_of(steps, data), max_size=5), st.dictionaries(texts, data, max_size=3)),
    max_size=5,
)
anything = st.one_of(definitions, broken)


def shuffled(value, source):
    if isinstance(value, dict):
        keys = list(value)
        source.shuffle(keys)
        return {key: shuffled(value[key], source) for key in keys}
    return [shuffled(item, source) for item in value] if isinstance(value, list) else value


@given(anything, st.randoms(use_true_random=False))
def test_a_definition_is_not_different_from_itself_whatever_the_order_of_its_keys(definition, source):
    other = shuffled(copy.deepcopy(definition), random.Random(source.random()))
    assert compare(definition, other).same
    assert summary(compare(definition, other)) == "No change in meaning"


@given(anything, anything)
def test_any_two_can_be_compared_told_encoded_and_shown(before, after):
    difference = compare(before, after)
    assert msgspec.json.encode(difference) == msgspec.json.encode(compare(before, after))
    assert 0 < len(summary(difference)) <= 500
    sections_of(difference)


@given(definitions, definitions)
def test_what_is_told_of_steps_agrees_with_the_two_lists(before, after):
    difference = compare(before, after)
    told = {step.id: step for step in difference.steps if step.words != ["removed"]}
    ids, other_ids = [[step["id"] for step in one["steps"]] for one in (before, after)]
    renamed = {step.renamed_from: step.id for step in difference.steps if step.renamed_from}
    removed = {step.id for step in difference.steps if step.words == ["removed"]}
    added = {step.id for step in difference.steps if step.words == ["added"]}
    assert removed == set(ids) - set(other_ids) - set(renamed)
    assert added == set(other_ids) - set(ids) - set(renamed.values())
    for step_id in set(ids) & set(other_ids):
        one, other = [next(s for s in side["steps"] if s["id"] == step_id) for side in (before, after)]
        needless = [{key: value for key, value in s.items() if key != "needs"} for s in (one, other)]
        if msgspec.json.encode(needless[0], order="sorted") != msgspec.json.encode(needless[1], order="sorted"):
            assert {"changed", "follows"} & set(told[step_id].words)
    for step in told.values():
        assert (step.moved is not None) is ("moved" in step.words)
        if step.moved:
            was = next(old for old, new in [*renamed.items(), (step.id, step.id)] if new == step.id)
            assert (ids[step.moved.before - 1], other_ids[step.moved.after - 1]) == (was, step.id)


@given(definitions, definitions)
def test_swapped_what_was_added_is_removed(before, after):
    there, back = compare(before, after), compare(after, before)
    for one, other in ((there, back), (back, there)):
        assert {s.id for s in one.steps if "added" in s.words} == {s.id for s in other.steps if "removed" in s.words}
        assert {i.name for i in one.inputs if i.kind == "added"} == {
            i.name for i in other.inputs if i.kind == "removed"
        }
        assert {f.path for f in one.metadata if f.kind == "added"} == {
            f.path for f in other.metadata if f.kind == "removed"
        }


@given(st.permutations(IDS), st.permutations(IDS))
def test_of_steps_that_follow_one_another_those_that_moved_put_in_their_places_give_the_new_order(before, after):
    one, other = [{"name": "x", "steps": [{"id": i, "type": "t"} for i in ids]} for ids in (before, after)]
    moves = {step.id: step.moved for step in compare(one, other).steps}
    order = [step_id for step_id in before if step_id not in moves]
    for step_id in sorted(moves, key=lambda step_id: moves[step_id].after):
        order.insert(moves[step_id].after - 1, step_id)
    # Steps in the middle of a block that goes along are told too, so that nothing but the order is left to say.
    assert order == list(after)


@given(st.permutations(IDS), st.permutations(IDS), st.data())
def test_of_steps_that_say_what_they_need_the_order_is_no_difference(before, after, choose):
    needs = {step_id: choose.draw(st.lists(st.sampled_from(IDS), unique=True)) for step_id in IDS}
    one, other = [
        {"name": "x", "steps": [{"id": i, "type": "t", "needs": needs[i]} for i in ids]} for ids in (before, after)
    ]
    assert compare(one, other).same


@given(definitions, st.permutations(range(7)))
def test_a_new_order_is_told_exactly_when_a_step_waits_for_others(definition, order):
    from releaseapp.workflows.definition import needs_of

    given_steps = definition["steps"]
    steps_after = [given_steps[place] for place in order if place < len(given_steps)]
    waits, waits_after = [
        {step["id"]: set(needs_of(side, place)) for place, step in enumerate(side)}
        for side in (given_steps, steps_after)
    ]
    moved = [s for s in compare(definition, {**definition, "steps": steps_after}).steps if "moved" in s.words]
    assert bool(moved) is (waits != waits_after)


long_texts = st.one_of(texts, st.text("ab \n.", max_size=300), st.lists(texts, max_size=6).map("\n".join))


@given(long_texts, long_texts, st.integers(0, 3000))
def test_pieces_joined_give_both_texts_back_whatever_the_effort(before, after, looks):
    found = pieces(before, after, Effort(looks))
    assert "".join(piece.text for piece in found if piece.kind != "added") == before
    assert "".join(piece.text for piece in found if piece.kind != "removed") == after
    assert all(piece.text for piece in found)
    if before == after:
        assert all(piece.kind == "same" for piece in found)


@given(long_texts, long_texts)
def test_rows_without_folding_give_both_texts_back(before, after):
    assume(before != after)
    rows = rows_of(pieces(before, after, Effort()), context=10_000)
    for left_out, text in (("added", before), ("removed", after)):
        assert "".join(piece.text for row in rows if row.kind != left_out for piece in row.pieces) == text


@given(st.lists(st.sampled_from("abcdef"), max_size=12), st.lists(st.sampled_from("abcdef"), max_size=12))
def test_runs_cover_both_and_keep_as_much_as_can_be(before, after):
    runs = Effort().runs(before, after)
    assert [item for same, a, b, _, _ in runs for item in before[a:b]] == before
    assert [item for same, _, _, a, b in runs for item in after[a:b]] == after
    kept = sum(run[2] - run[1] for run in runs if run[0])
    assert all(before[a:b] == after[c:d] for same, a, b, c, d in runs if same)
    longest = [[0] * (len(after) + 1) for _ in range(len(before) + 1)]
    for i, one in enumerate(before):
        for j, other in enumerate(after):
            longest[i + 1][j + 1] = longest[i][j] + 1 if one == other else max(longest[i][j + 1], longest[i + 1][j])
    assert kept == longest[-1][-1]


@given(long_texts, long_texts)
def test_a_unified_text_applied_to_the_text_before_gives_the_text_after(before, after):
    diff = unified(before, after, ("before", "after"))
    assert (diff == "") is (before == after)
    assert patched(before, diff) == after
    assert bool(text_rows(before, after)) is (before != after)


def patched(text, diff):
    lines, result, at = re.findall(r"[^\n]*\n|[^\n]+", text), [], 0
    diff = diff.replace("\n\\ No newline at end of file\n", "\0")
    for found in re.findall(r"[^\n\0]*[\n\0]", diff)[2:]:
        line = found.removesuffix("\0")
        if line.startswith("@@"):
            start, count = re.match(r"@@ -(\d+)(?:,(\d+))?", line).groups()
            begin = int(start) - (count != "0")
            result += lines[at:begin]
            at = begin
        elif line[0] == "+":
            result.append(line[1:])
        else:
            assert lines[at] == line[1:]
            result += [line[1:]] if line[0] == " " else []
            at += 1
    return "".join([*result, *lines[at:]])
