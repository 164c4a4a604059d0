"""``/readyz`` shouts where everybody who read the documentation may sign in."""

import pytest
from conftest import settings_for
from webtest import TestApp

from releaseapp import make_app
from releaseapp.auth.people.service import disable, list_people, set_password
from releaseapp.auth.service import find_account_by_email
from releaseapp.settings import Mode

GOOD = "plum-kettle-orbit-49"


@pytest.fixture
def ready(tmp_path, seeded):
    """The parts of ``/readyz`` of a production server on the demo's accounts, and its status."""
    app = TestApp(make_app(settings_for(tmp_path, mode=Mode.PRODUCTION, public_url="https://work.example.com")))

    def look():
        answer = app.get("/readyz", status="*")
        return answer.status_int, answer.json["parts"]["demo"]

    yield look
    app.app.registry.db.close()


def test_a_demo_password_outside_development_makes_the_server_unready_until_it_opens_nothing(ready, seeded, settings):
    status, told = ready()
    assert (status, "the demo's password opens accounts" in told) == (503, True)
    assert "example.com" not in told
    emails = [one.email for one in list_people(seeded)]
    for email in emails[1:]:
        disable(seeded, find_account_by_email(seeded, email).id, force=True)
    assert "opens accounts" in ready()[1]
    set_password(seeded, settings, find_account_by_email(seeded, emails[0]), GOOD, must_change=True)
    assert ready()[1] == "ok"


def test_in_development_the_demo_may_be_there(app):
    assert app.get("/readyz", status="*").json["parts"]["demo"] == "ok"
