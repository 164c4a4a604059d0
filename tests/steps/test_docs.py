"""``docs/steps.md`` tells of every type and of every field of its config, and of none that is not there."""

import re
from pathlib import Path

import msgspec
import pytest

from releaseapp.steps import step_types

TEXT = (Path(__file__).parent.parent.parent / "docs" / "steps.md").read_text()
SECTIONS = dict(re.findall(r"^### (\S+)\n(.*?)(?=^##)", TEXT, re.MULTILINE | re.DOTALL))


def test_every_type_has_a_section_and_every_section_a_type():
    assert set(SECTIONS) == set(step_types())


@pytest.mark.parametrize("name", sorted(SECTIONS))
def test_the_fields_of_a_type_are_those_that_its_section_lists(name):
    listed = re.findall(r"^\| `(\w+)` \| ", SECTIONS[name].split("| credential |")[0], re.MULTILINE)
    assert listed == [field.name for field in msgspec.structs.fields(step_types()[name].config)]
