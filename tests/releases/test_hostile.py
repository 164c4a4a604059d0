"""What people and other servers say of a release may be anything; log and terminal stay what they are."""

from dataclasses import replace

import pytest
from click.testing import CliRunner
from releases.world import AVERY, PLAN, ground_of

from releaseapp.cli import main
from releaseapp.cli import release_looking as looking
from releaseapp.errors import Invalid
from releaseapp.releases.markdown import plain_text
from releaseapp.releases.models import HookAnswer
from releaseapp.releases.promoting import Wish
from releaseapp.releases.service import (
    find_newest,
    find_open,
    finish,
    list_entries,
    log_as_markdown,
    note,
    perform,
    promote,
    roll_back,
    start,
)
from releaseapp.releases.starting import Plan, read_moment


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("![x](http://evil.example/t.png)", r"!\[x](http://evil.example/t.png)"),
        ("[here](javascript:alert(1))", r"\[here](javascript:alert(1))"),
        ("<script>", "&lt;script>"),
        ("&lt;b>, R&D", r"\&lt;b>, R&D"),
        ("*bold* `code` ~~gone~~", r"\*bold\* \`code\` \~\~gone\~\~"),
        ("_so_ but server_state", r"\_so\_ but server_state"),
        (r"C:\temp", r"C:\\temp"),
        ("one\n\n# two\r\nthree", "one # two three"),
    ],
)
def test_what_is_typed_reads_in_markdown_as_it_was_typed(typed, written):
    assert plain_text(typed) == written


def test_a_note_makes_no_heading_no_rule_and_no_table_of_its_own(ground, started):
    note(ground.db, AVERY, "# Outcome\n=====\n---\na | b\n--- | ---\n> quoted\n- a point")
    told = log_as_markdown(ground.db)
    lines = ["\\# Outcome", "\\=====", "\\---", "a | b", "\\--- | ---", "\\> quoted", "- a point"]
    assert "\n".join(f"> {one}" for one in lines) in told


def test_no_cell_of_a_table_can_be_ended_from_within(ground):
    perform(ground, start(ground, AVERY, Plan("0.2.0", "left \\| right | over")))
    assert "left \\\\\\| right \\| over |" in log_as_markdown(ground.db)


def test_why_is_one_line_and_a_terminal_is_told_nothing_that_moves_it(ground, monkeypatch, tmp_path):
    ini = tmp_path / "server.ini"
    ini.write_text("[server:main]\n")
    monkeypatch.setattr(looking, "open_releases", lambda _ini: ground)
    release = perform(ground, start(ground, AVERY, Plan("0.2.0", "Two\nlines \x1b[31mred\x1b[0m \u202egnp")))
    note(ground.db, AVERY, "well\x9b2J\n06:53:41  Promoted: 0.2.0 answers.")
    assert release.why == "Two lines \ufffd[31mred\ufffd[0m \ufffdgnp"
    shown = CliRunner().invoke(main, ["release", "status", str(ini)]).output
    assert not {"\x1b", "\x9b", "\u202e"} & set(shown)
    assert "\n06:53:41" not in shown, "a note cannot pass for a line of the log"
    assert "\x1b" not in log_as_markdown(ground.db)


def test_what_a_hook_answers_is_text_in_the_log(db, settings, world):
    ground = ground_of(db, replace(settings, release_hook_url="https://cdn.example.com/clear"), world)
    world.answers = [HookAnswer(200, "The hook answered 200: \x1b]0;x\x07\x00done", 0.1)]
    perform(ground, start(ground, AVERY, PLAN))
    perform(ground, promote(ground, AVERY, Wish()))
    release = perform(ground, finish(ground, AVERY, Wish()))
    said = list_entries(db, release.id)[-2].sentence
    assert said == "The hook answered 200: \ufffd]0;x\ufffd\ufffddone"


@pytest.mark.parametrize(
    ("verb", "field"),
    [
        (lambda ground, text: promote(ground, AVERY, Wish(despite=text)), "/despite"),
        (lambda ground, text: finish(ground, AVERY, Wish(despite=text)), "/despite"),
        (lambda ground, text: finish(ground, AVERY, Wish(note=text)), "/note"),
        (lambda ground, text: roll_back(ground, AVERY, text), "/why"),
    ],
)
def test_a_text_that_is_too_long_for_the_log_is_refused_by_its_field_before_anything_is_done(
    ground, promoted, verb, field
):
    before = len(list_entries(ground.db, promoted.id))
    with pytest.raises(Invalid) as told:
        verb(ground, "x" * 4001)
    assert told.value.faults[0].pointer == field
    assert len(list_entries(ground.db, promoted.id)) == before
    assert find_newest(ground.db) == find_open(ground.db) == promoted


@pytest.mark.parametrize("typed", ["0001-01-01T00:00+14:00", "9999-12-31T23:59-14:00", "10000-01-01"])
def test_a_time_beyond_the_calendar_is_refused_in_a_sentence(typed):
    with pytest.raises(Invalid, match="Give a time such as"):
        read_moment(typed, "window_start")
