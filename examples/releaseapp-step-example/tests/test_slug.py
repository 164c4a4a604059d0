"""A step type is a function: it is tested by calling it."""

import pytest
from releaseapp_step_example.slug import TYPE, Slug, run

from releaseapp.steps.api import StepFailed


class Log:
    """As much of a Context as this type asks for."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def log(self, text: str) -> None:
        self.lines.append(text)


def test_a_title_becomes_a_name() -> None:
    assert run(Slug(text="  Über-Release: Notes, 2!  "), Log()).output == {"slug": "uber-release-notes-2"}
    assert run(Slug(text="Release notes", separator="_"), Log()).output == {"slug": "release_notes"}


def test_words_that_do_not_fit_are_left_out_and_logged() -> None:
    log = Log()
    assert run(Slug(text="one two three", max_length=8), log).output == {"slug": "one-two"}
    assert log.lines == ["Left out from 'three' on."]


def test_a_text_without_letters_fails_for_good() -> None:
    with pytest.raises(StepFailed, match="Nothing of") as caught:
        run(Slug(text="☃ …"), Log())
    assert not caught.value.retryable


def test_the_presets_fit_the_config() -> None:
    for preset in TYPE.presets:
        Slug(**preset.config)
