"""What is written as YAML is read back as it was, by us and by readers of YAML 1.1."""

import pytest
import yaml
from hostile_texts import HOSTILE, data
from hypothesis import given, settings
from hypothesis import strategies as st

from releaseapp.errors import Invalid
from releaseapp.workflows import yaml_text


@settings(max_examples=300, deadline=None)
@given(data)
def test_data_written_as_yaml_is_read_back_as_it_was(value):
    text = yaml_text.dump(value)
    read, lines = yaml_text.load(text)
    assert read == value
    assert kinds(read) == kinds(value)
    assert kinds(yaml.load(text, Loader=yaml.CSafeLoader)) == kinds(value)
    assert max(lines.values()) <= text.count("\n")


@pytest.mark.parametrize("text", HOSTILE)
def test_each_hostile_text_survives_as_key_and_as_value(text):
    for value in (text, [text], {text: text}, [[text]], [{text: [text]}], {"a": {text: None, "b": text}}):
        assert yaml_text.load(yaml_text.dump(value))[0] == value


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(), st.text("ab: \n-[]{},&*!|>'\"%#?", max_size=40)))
def test_any_text_is_read_or_refused_in_a_sentence(text):
    try:
        value, _ = yaml_text.load(text)
    except Invalid as error:
        assert str(error).endswith(".")
    else:
        assert yaml_text.load(yaml_text.dump(value))[0] == value


def kinds(value):
    """The data with the type of each part: True is no 1, and 1.0 is neither."""
    if isinstance(value, dict):
        return [(key, kinds(item)) for key, item in value.items()]
    if isinstance(value, list):
        return [kinds(item) for item in value]
    return type(value), value
