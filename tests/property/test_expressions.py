"""Whatever is written into an expression, it gives a value or says why not; and JSON goes through unharmed."""

import json

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from releaseapp.expressions import ExpressionError, check, names, references, rename_step, render
from releaseapp.expressions.filters import FILTERS
from releaseapp.expressions.methods import METHODS
from releaseapp.expressions.tests import TESTS

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=5), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip
ATOMS = st.sampled_from(
    [
        "x",
        "y",
        "1",
        "0",
        "2.5",
        "'a'",
        "''",
        "none",
        "true",
        "[1, 'b']",
        "{'k': x}",
        "x.k",
        "y[0]",
        "x['k']",
        "10 ** 30",
    ]
)
CHAINS = st.builds(lambda atom, name: f"{atom} | {name}", ATOMS, st.sampled_from(sorted(FILTERS)))
CALLS = st.builds(
    lambda atom, name, argument: f"({atom}) | {name}({argument})", ATOMS, st.sampled_from(sorted(FILTERS)), ATOMS
)
ASKED = st.builds(
    lambda atom, name, argument: f"{atom} is {name}({argument})", ATOMS, st.sampled_from(sorted(TESTS)), ATOMS
)
BINARY = st.builds(
    lambda left, operator, right: f"({left}) {operator} ({right})",
    ATOMS | CHAINS | CALLS | ASKED,
    st.sampled_from(["+", "-", "*", "/", "//", "%", "**", "~", "<", "==", "in", "and", "or", "not in"]),
    ATOMS | CHAINS | CALLS,
)


@settings(deadline=None)
@given(JSON)
def test_a_value_that_goes_through_an_expression_is_the_same_value(value):
    assert render("{{ value }}", {"value": value}) == value
    assert render({"a": ["{{ value }}"]}, {"value": value}) == {"a": [value]}


@settings(deadline=None)
@given(JSON)
def test_json_text_and_back_is_the_same_value(value):
    assert render("{{ value | tojson | fromjson }}", {"value": value}) == msgspec.json.decode(
        msgspec.json.encode(value)
    )


@settings(max_examples=400, deadline=None)
@given(st.text(max_size=60))
def test_any_text_renders_or_is_refused_with_a_sentence(text):
    for template in (text, "{{ " + text + " }}"):
        try:
            render(template, {"x": {"k": 1}, "y": [1]})
        except ExpressionError as error:
            assert str(error)
        check(template)


@settings(max_examples=600, deadline=None)
@given(BINARY, JSON, JSON)
def test_any_expression_on_any_data_gives_json_or_is_refused(expression, x, y):
    template = "{{ " + expression + " }}"
    faults = check(template)
    if not faults:
        names(template)
    try:
        result = render(template, {"x": x, "y": y})
    except ExpressionError as error:
        assert str(error)
    else:
        assert not faults
        msgspec.json.encode(result)


READS = st.sampled_from(["steps.a", "steps['a']", 'steps [ "b" ].x', "steps.b.a", "x.steps.a", "'steps.a'", "steps[a]"])
FULL = st.builds(
    lambda dash, inner, other: "{{" + dash + inner + dash + "}}" + other,
    st.sampled_from(["", " ", "- ", "\r\n", " -"]),
    READS | st.builds("{} ~ ({})".format, READS, READS) | st.text("a.'\"[](){}s ", max_size=8),
    st.text(" \r\n-😀{}", max_size=3),
)


@settings(deadline=None)
@given(st.lists(FULL, max_size=5).map("".join))
def test_renaming_a_step_there_and_back_changes_nothing_and_the_paths_follow(template):
    renamed = rename_step(template, "a", "much_longer")
    assert references(renamed) == {
        ("steps", "much_longer", *path[2:]) if path[:2] == ("steps", "a") else path for path in references(template)
    }
    assert rename_step(renamed, "much_longer", "a").replace('"', "'") == template.replace('"', "'")


LEAVES = ATOMS | st.sampled_from(
    [
        "nobody",
        "x.k.k",
        "1e300",
        "-1",
        "2 ** 255",
        "'😀' * 9",
        "range(9)",
        "y * 50",
        "'a b' * 99",
        "'\\ud800'",
        "[[]] * 9",
    ]
)
OPERATORS = ["+", "-", "*", "/", "//", "%", "**", "~", "<", "<=", "==", "!=", "in", "not in", "and", "or"]
NAMES = st.sampled_from(["k", "0", "k.k", *FILTERS, *TESTS])


def _grown(inner):
    named = st.builds(
        "{}={}".format, st.sampled_from(["attribute", "default", "reverse", "start", "boolean", "by"]), inner
    )
    arguments = st.lists(inner | named | NAMES.map("'{}'".format), max_size=3).map(", ".join)
    return st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from(OPERATORS), inner),
        st.builds("({} | {}({}))".format, inner, st.sampled_from(sorted(FILTERS)), arguments),
        st.builds("({} is {}({}))".format, inner, st.sampled_from(sorted(TESTS)), arguments),
        st.builds("({}).{}({})".format, inner, st.sampled_from(sorted(METHODS)), arguments),
        st.builds("({} if {} else {})".format, inner, inner, inner),
        st.builds("({})[{}]".format, inner, inner),
        st.builds("({})[{}:{}:{}]".format, inner, inner, inner, inner),
        st.builds("(not {})".format, inner),
        st.builds("(-{})".format, inner),
        st.builds("[{}, {}]".format, inner, inner),
        st.builds("{{'k': {}, {}: {}}}".format, inner, inner, inner),
    )


TEMPLATES = st.builds(
    lambda around, inner, more: around + "{{ " + inner + " }}" + more,
    st.sampled_from(["", "", "a", "{{ y }}", "{{- 1 -}}"]),
    st.recursive(LEAVES, _grown, max_leaves=12),
    st.sampled_from(["", "", "\n", "{% raw %}{{{% endraw %}", "{# x #}"]),
)


@settings(max_examples=500, deadline=None)
@given(TEMPLATES, JSON, JSON)
def test_whatever_the_grammar_allows_gives_plain_json_or_says_why_not(template, x, y):
    faults = check([template])
    references(template)
    rename_step(template, "k", "other")
    try:
        result = render([template], {"x": x, "y": y})
    except ExpressionError as error:
        assert len(str(error)) > 10
        str(error).encode()
    else:
        assert not faults
        # Nothing but JSON: no tuple, no set, no number that is none, no half of a character.
        text = json.dumps(result, allow_nan=False, ensure_ascii=False)
        text.encode()
        assert _plain(result)


def _plain(value):
    if type(value) is dict:
        return all(type(key) is str and _plain(one) for key, one in value.items())
    if type(value) is list:
        return all(map(_plain, value))
    return value is None or type(value) in (str, int, float, bool)
