"""What is typed into the fields of a form is what the step gets, whatever the form and whatever is typed."""

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from releaseapp.errors import Invalid
from releaseapp.runs.approvals.fields import fields_of, values_of
from releaseapp.runs.approvals.values import check_form, check_values

LINE = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30).filter(str.strip)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | LINE,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(LINE, inner, max_size=3),
    max_leaves=6,
)


def as_json(value):
    return msgspec.json.encode(value).decode()


def choices(values):
    numbers = st.integers(0, len(values) - 1)
    return st.tuples(st.just({"enum": values}), numbers.map(lambda number: (values[number], str(number))))


FIELD = st.one_of(
    st.tuples(st.just({"type": "string"}), LINE.map(lambda text: (text, text))),
    st.tuples(st.just({"type": "string", "maxLength": 900}), LINE.map(lambda text: (f"{text}\n{text}", f"{text}\r\n{text}"))),
    st.tuples(st.just({"type": "integer"}), st.integers(-(10**15), 10**15).map(lambda number: (number, str(number)))),
    st.tuples(
        st.just({"type": "number"}),
        st.floats(allow_nan=False, allow_infinity=False, width=32).map(lambda number: (number, repr(number))),
    ),
    st.tuples(st.just({"type": "boolean"}), st.sampled_from([(True, "yes"), (False, "")])),
    st.tuples(st.just({"type": "string", "format": "date"}), st.dates().map(lambda day: (str(day), str(day)))),
    st.tuples(st.just({"type": ["array", "object"]}), st.lists(JSON, max_size=3).map(lambda one: (one, as_json(one)))),
    st.lists(JSON, min_size=1, max_size=4, unique_by=as_json).flatmap(choices),
)  # fmt: skip


class Typed(dict):
    def getall(self, name):
        return [self[name]] if name in self else []


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(LINE, FIELD, min_size=1, max_size=5))
def test_what_is_typed_is_what_the_step_gets(asked):
    form = {"type": "object", "properties": {name: schema for name, (schema, _) in asked.items()}}
    form["required"] = list(asked)
    assert check_form(form) is None
    typed = Typed({field.key: asked[field.name][1][1] for field in fields_of(form)})
    values = check_values(form, values_of(form, typed))
    assert as_json(values) == as_json({name: value for name, (_, (value, _)) in asked.items()})


KIND = st.sampled_from(["string", "integer", "number", "boolean", "array", "object", "null"])
PART = st.fixed_dictionaries(
    {},
    optional={
        "type": KIND | st.lists(KIND, min_size=1, max_size=3, unique=True),
        "title": LINE,
        "description": LINE,
        "default": JSON,
        "enum": st.lists(JSON, max_size=3),
        "oneOf": st.lists(st.fixed_dictionaries({"const": JSON}, optional={"title": LINE}), min_size=1, max_size=3),
        "format": st.sampled_from(["date", "date-time", "email", "uri", "textarea", "ipv4", "other"]),
        "maxLength": st.integers(0, 300),
        "minimum": st.integers(-3, 3) | st.floats(-1, 1),
        "pattern": st.sampled_from(["^a", "b$", "."]),
    },
)
MORE = st.fixed_dictionaries(
    {},
    optional={
        "type": st.just("object"),
        "required": st.lists(LINE, max_size=2, unique=True),
        "additionalProperties": st.booleans() | PART,
        "allOf": st.lists(st.fixed_dictionaries({"properties": st.dictionaries(LINE, PART, max_size=1)}), min_size=1),
        "$ref": st.sampled_from(["#", "#/$defs/a", "#/properties", "https://example.com/"]),
        "minProperties": st.integers(0, 2),
        "properties": JSON,
    },
)
TYPED = (
    LINE
    | JSON.map(as_json)
    | st.sampled_from(["", " ", "0", "7", "-1", "1e999", "2030-01-31", "2030-01-31T08:00", "yes"])
)


@settings(max_examples=300, deadline=None)
@given(
    st.dictionaries(LINE, PART | st.booleans(), max_size=3), MORE, st.lists(TYPED, max_size=4)
)  # fmt: skip
def test_every_form_that_is_taken_can_be_shown_and_every_answer_is_taken_or_refused(properties, more, typed):
    form = {"properties": properties, **more}
    if check_form(form) is not None:
        return
    keys = [*(field.key for field in fields_of(form)), "others"]
    try:
        values = check_values(form, values_of(form, Typed(zip(keys, typed, strict=False))))
    except Invalid as error:
        assert all(fault.detail for fault in error.faults)
    else:
        assert isinstance(values, dict)
