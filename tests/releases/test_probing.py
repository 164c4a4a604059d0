"""A promotion for which accounts sign in at the new process: what they find counts, and stands in the log."""

from importlib import import_module

import msgspec
import pytest
from click.testing import CliRunner
from releases.world import AVERY, PLAN, WELL

from releaseapp.checks.person import Account
from releaseapp.cli import main
from releaseapp.releases import service
from releaseapp.releases.models import Finding, Status
from releaseapp.releases.promoting import Wish
from releaseapp.releases.service import log_as_markdown, perform, promote, start
from releaseapp.releases.working import Refused
from releaseapp.server.aside import served_aside

commands = import_module("releaseapp.cli.release")
CASEY = Account("casey@example.com", "a password of hers")
DEAF = Finding("live", "The live channel, as casey@example.com", "error", ok=False, sentence="Silent.", cure="Why?")


def test_what_an_account_misses_holds_up_the_promotion_until_a_reason_is_given(ground, world, started):
    world.probed = [WELL, DEAF]
    with pytest.raises(Refused, match=r"Not promoted\. The live channel, as casey@example\.com: Silent\. Why\?"):
        perform(ground, promote(ground, AVERY, Wish("http://x", accounts=(CASEY,))))
    wish = Wish("http://x", accounts=(CASEY,), despite="She is on leave.")
    assert perform(ground, promote(ground, AVERY, wish)).status is Status.PROMOTED
    assert world.visitors == [("http://x", ("casey@example.com", "a password of hers"))] * 2


def test_what_accounts_found_is_in_the_log_and_no_password_is_anywhere(ground, world, started):
    world.probed = [WELL, DEAF]
    release = perform(ground, promote(ground, AVERY, Wish("http://x", accounts=(CASEY,), despite="On leave.")))
    told = log_as_markdown(ground.db)
    assert "## Probe" in told
    assert "Signed in at http://x as casey@example.com: 1 fault." in told
    assert "| error | The live channel, as casey@example.com | Silent. Why? |" in told
    entries = msgspec.json.encode(service.list_entries(ground.db, release.id)).decode()
    assert CASEY.password not in told + entries


def test_nobody_signs_in_unless_asked(ground, world, promoted):
    assert world.visitors == []
    assert "## Probe" not in log_as_markdown(ground.db)


def test_the_command_reads_the_password_from_the_environment_or_asks(ground, world, tmp_path, monkeypatch):
    ini = tmp_path / "server.ini"
    ini.write_text("[server:main]\nuse = egg:releaseapp\nport = 7001\n")
    monkeypatch.setattr(commands, "open_releases", lambda _ini: ground)
    perform(ground, start(ground, AVERY, PLAN))
    words = ["release", "promote", str(ini), "--account", "casey@example.com", "--account", "b@example.com"]
    world.probed = [DEAF]
    refused = CliRunner().invoke(main, [*words, "--wait", "0"], env={"RELEASEAPP_PASSWORD": "of the environment"})
    assert (refused.exit_code, "Silent." in refused.output) == (1, True)
    world.probed = [WELL]
    asked = CliRunner().invoke(main, words, input="typed one\ntyped two\n", env={"RELEASEAPP_PASSWORD": ""})
    assert asked.exit_code == 0, asked.output
    assert "typed" not in asked.output
    assert world.visitors == [
        ("http://127.0.0.1:7001", ("casey@example.com", "of the environment"), ("b@example.com", "of the environment")),
        ("http://127.0.0.1:7001", ("casey@example.com", "typed one"), ("b@example.com", "typed two")),
    ]


def test_a_real_server_is_visited_as_its_people_meet_it(app, seeded, settings):
    probe = app.app.registry.release_ground.probe
    with served_aside(settings) as url:
        well = probe(url, (Account("casey.editor@example.com", "password123"),))
        wrong = probe(url, (Account("casey.editor@example.com", "not hers"),))
    assert [(one.name, one.ok) for one in well] == [("sign-in", True), ("me", True), ("agents", True), ("live", True)]
    assert [(one.name, one.severity, one.ok) for one in wrong] == [("sign-in", "error", False)]
