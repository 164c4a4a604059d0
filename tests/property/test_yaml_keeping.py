"""A text with comments follows its definition: it says what it should, or is given up."""

from hypothesis import given
from hypothesis import strategies as st

from releaseapp.workflows import yaml_text
from releaseapp.workflows.yaml_keeping import keep, worth_keeping

SOURCE = """\
# Who reads this: the night shift.
name: Orders   # as in the shop
inputs: {type: object, properties: {amount: {type: number}}}

steps:
  # Large ones are looked at.
  - id: large
    type: condition
    config:
      test: "{{ inputs.amount > 100 }}"   # euros
  # Nobody likes this one.
  - id: stop
    type: fail
    when: "{{ steps.large.output }}"
    config: {message: 'Too much'}
output: >-
  {{ steps.large.output }}
"""
DEFINITION = yaml_text.load(SOURCE)[0]


def changed(**more):
    return {**DEFINITION, **more}


def steps(*changes):
    return changed(steps=[{**step, **change} for step, change in zip(DEFINITION["steps"], changes, strict=False)])


def test_a_change_of_one_value_leaves_every_other_character():
    text = keep(SOURCE, DEFINITION, steps({}, {"config": {"message": "Enough"}}))
    assert text == SOURCE.replace("config: {message: 'Too much'}", "config:\n      message: Enough")
    assert keep(SOURCE, DEFINITION, changed(name="Sales")) == SOURCE.replace("name: Orders ", "name: Sales ")


def test_steps_that_come_go_and_move_leave_the_comments_of_the_others():
    new = {"id": "new", "type": "transform", "config": {"value": ["a", {"b": "c\nd"}]}}
    first, second = DEFINITION["steps"]
    added = keep(SOURCE, DEFINITION, changed(steps=[first, new, second]))
    assert added.count("#") == SOURCE.count("#")
    assert added.index("id: new") < added.index("# Nobody likes")
    removed = keep(SOURCE, DEFINITION, changed(steps=[second], output=None))
    assert "# Nobody likes this one.\n  - id: stop" in removed
    assert "euros" not in removed
    back = keep(added, changed(steps=[first, new, second]), DEFINITION)
    assert back == SOURCE


def test_keys_are_added_at_the_end_of_their_step_and_taken_away_with_their_line():
    text = keep(SOURCE, DEFINITION, steps({"timeout_seconds": 5, "x-own": {"a": [1]}}, {}))
    assert 'output > 100 }}"   # euros' not in text
    assert "# euros\n    timeout_seconds: 5\n    x-own:\n      a:\n        - 1\n  # Nobody" in text  # fmt: skip
    first = {"id": "large", "type": "condition", "config": DEFINITION["steps"][0]["config"]}
    second = {key: value for key, value in DEFINITION["steps"][1].items() if key != "when"}
    without = keep(SOURCE, DEFINITION, changed(steps=[first, second]))
    assert without == SOURCE.replace('    when: "{{ steps.large.output }}"\n', "")


def test_a_text_that_says_no_more_than_its_definition_is_not_kept():
    assert worth_keeping(yaml_text.dump(DEFINITION), DEFINITION) is None
    assert worth_keeping(SOURCE, DEFINITION) == SOURCE


def test_a_comment_that_would_become_text_is_lost_rather_than_taken_for_data():
    source = "a: b  # why\nc: 1\n"
    assert keep(source, {"a": "b", "c": 1}, {"a": "x", "c": 1}) == "a: x  # why\nc: 1\n"
    assert keep(source, {"a": "b", "c": 1}, {"a": "x\ny", "c": 1}) is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=12).filter(lambda text: text.isprintable()),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abcd", min_size=1, max_size=2), inner, max_size=3)
    ),
    max_leaves=12,
)
documents = st.dictionaries(st.text("abcd", min_size=1, max_size=2), json_values, min_size=1, max_size=4)


@given(documents, documents)
def test_what_is_kept_always_says_what_it_should(before, after):
    source = "# begin\n" + yaml_text.dump(before) + "# end\n"
    text = keep(source, before, after)
    if text is not None:
        assert yaml_text.load(text)[0] == after


@given(documents, json_values)
def test_changing_one_key_is_always_possible_and_keeps_the_comments(before, value):
    source = "# begin\n" + yaml_text.dump(before)
    after = {**before, next(iter(before)): value}
    assert keep(source, before, after).startswith("# begin\n")
