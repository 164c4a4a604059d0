"""A step gets another id: what reads it follows, and nothing else changes."""

import pytest

from releaseapp.workflows.editor.renaming import rename_step


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("{{ steps.a.output }}", "{{ steps.b.output }}"),
        ("{{steps['a'].output}} and {{ steps [ \"a\" ] }}", "{{steps['b'].output}} and {{ steps [ \"b\" ] }}"),
        ("steps.a {{ 'steps.a' ~ x.steps.a ~ steps.ab ~ steps.a }}", "steps.a {{ 'steps.a' ~ x.steps.a ~ steps.ab ~ steps.b }}"),
        ({"x": ["{{ steps . a }}\n ", 1], "y": "{{ inputs.a }}"}, {"x": ["{{ steps . b }}\n ", 1], "y": "{{ inputs.a }}"}),
        ("{{ steps.a | default(steps.a.b.a) }}", "{{ steps.b | default(steps.b.b.a) }}"),
        ("{{ steps.a }", "{{ steps.a }"),
        ("{{ steps.a }}\r\n", "{{ steps.a }}\r\n"),
        ("{# steps.a #}{{ 1 }}", "{# steps.a #}{{ 1 }}"),
    ],
)  # fmt: skip
def test_only_what_reads_the_step_follows(before, after):
    assert rename_step(before, "a", "b") == after
