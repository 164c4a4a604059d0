"""The role matrix as operators see it, through the front door."""

import msgspec
import pytest

from releaseapp import clock

AVERY = "avery.owner@example.com"


@pytest.fixture
def frozen(app):
    """A release that froze the matrix when it started, and a member who came since."""
    db = app.app.registry.db
    program = app.as_program(AVERY)
    matrix = program.get("/release/roles").json["matrix"]
    with db.transaction() as tx:
        tx.run(
            """
            INSERT INTO releases (id, status, from_version, to_version, why, roles, started_at)
            VALUES ('rel_1', 'started', '0.1.0', '0.2.0', 'Better', :roles, :now)
            """,
            roles=msgspec.json.encode(matrix).decode(),
            now=clock.now_text(),
        )
    program.post_json("/workspaces/aurora/members", {"email": "devon.viewer@example.com", "role": "viewer"}, status=201)
    return app


def test_an_operator_sees_who_may_do_what_and_what_has_changed_since_the_release_began(frozen):
    page = frozen.as_browser(AVERY).get("/release/roles")
    assert "the start of release 0.2.0" in page.text
    assert "devon.viewer@example.com is now a viewer of Aurora Research Lab." in page.text
    assert page.html.find("table", class_="role-table")
    assert "More is allowed" in frozen.as_browser(AVERY).get("/release/roles?fragment=differences").text


def test_the_page_is_narrowed_by_person_and_route(app):
    page = app.as_browser(AVERY).get("/release/roles?person=casey&route=post")
    assert "casey.editor@example.com" in page.text
    shown = [li.text for people in page.html.find_all(class_="role-people") for li in people.find_all("li")]
    assert all("casey" in one for one in shown)
    routes = [one.text for one in page.html.find("table", class_="role-table").find_all(class_="role-route")]
    assert routes
    assert all(one.startswith("POST") for one in routes)
    assert [th.text for th in page.html.find("table", class_="role-table").thead.find_all("th")] == ["Route", "editor"]


def test_programs_get_matrix_and_differences_and_the_file_for_git(frozen):
    program = frozen.as_program(AVERY)
    found = program.get("/release/roles").json
    assert found["matrix"]["operators"] == [AVERY]
    assert found["compared"][0]["changes"][0]["kind"] == "person"
    text = program.get("/release/roles/expected.yaml")
    assert text.content_type == "application/yaml"
    assert text.text.startswith("# Who may do what")
