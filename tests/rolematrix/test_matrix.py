"""The role matrix: read from the server itself, and compared in sentences that name who may do what now."""

import copy
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from releaseapp.errors import Invalid
from releaseapp.permissions import Permission, Role
from releaseapp.rolematrix.expected import as_yaml, read_expected
from releaseapp.rolematrix.looking import views_of
from releaseapp.rolematrix.models import PERMISSIONS, ROLES, WHO, Way
from releaseapp.rolematrix.service import difference, matrix_now, routes_of
from releaseapp.web.view_table import declared_views
from releaseapp.workspaces.service import identify, set_permission

AVERY = "avery.owner@example.com"


@pytest.fixture
def matrix(app):
    def now():
        return matrix_now(app.app.registry.db, declared_views(app.app.registry))

    return now


def sentences(before, after):
    return [change.sentence for change in difference(before, after)]


def test_every_route_is_named_by_its_address_and_permission(app, settings):
    routes = routes_of(declared_views(app.app.registry))
    assert routes["POST /workspaces/{workspace}/agents"] == "agents.edit"
    assert routes["GET /workspaces/{workspace}/agents/{agent}/memory/{memory} (page)"] == "memory.edit"
    assert (routes["GET /healthz"], routes["GET /workspaces"]) == ("everybody", "signed-in")
    assert (routes["GET /release/roles"], routes["POST /auth/tokens"]) == ("operator", "person")
    assert not [route for route in routes if "…" in route], "a resource has no address"
    assert set(routes.values()) <= {*PERMISSIONS, *WHO}


def test_the_command_sees_the_same_routes_as_the_server(app, settings):
    assert routes_of(views_of(settings)) == routes_of(declared_views(app.app.registry))


def test_nothing_has_changed_where_nothing_changed(matrix):
    assert difference(matrix(), matrix()) == []


def test_a_permission_given_to_a_role_is_told_with_what_it_opens(app, seeded, settings, matrix):
    before = matrix()
    actor = identify(seeded, settings, app.as_program(AVERY).authorization[1])
    set_permission(seeded, "workspace-aurora", Role.VIEWER, Permission.AGENTS_EDIT, granted=True, actor=actor)
    (change,) = difference(before, matrix())
    assert change.sentence.startswith("Viewers of Aurora Research Lab may now POST /workspaces/aurora/agents and ")
    assert change.sentence.endswith("more (agents.edit).")
    assert (change.way, change.workspace) == (Way.MORE, "aurora")
    (back,) = difference(matrix(), before)
    assert "may no longer POST /workspaces/aurora/agents" in back.sentence


def test_members_operators_and_tokens_that_come_and_go_are_told(app, seeded, matrix):
    before = matrix()
    owner = app.as_program(AVERY)
    owner.post_json("/workspaces/aurora/members", {"email": "devon.viewer@example.com", "role": "viewer"}, status=201)
    token = {"workspace": "aurora", "name": "ci", "role": "editor"}
    owner.post_json("/auth/tokens", token, status=201)
    owner.post_json("/auth/tokens", token, status=201)
    with seeded.transaction() as tx:
        tx.run("UPDATE accounts SET is_operator = 1 WHERE email = 'casey.editor@example.com'")
    after = matrix()
    assert sentences(before, after) == [
        "casey.editor@example.com is now an operator of the server.",
        "devon.viewer@example.com is now a viewer of Aurora Research Lab.",
        f"The API token “ci” of {AVERY} now acts as an editor of Aurora Research Lab.",
        f"The API token “ci (2)” of {AVERY} now acts as an editor of Aurora Research Lab.",
    ]
    assert {change.way for change in difference(after, before)} == {Way.LESS}
    with seeded.transaction() as tx:
        tx.run("UPDATE accounts SET is_disabled = 1 WHERE email = 'casey.editor@example.com'")
    assert "casey.editor@example.com is no longer an editor of Aurora Research Lab." in sentences(after, matrix())


def test_a_token_does_no_more_than_its_owner(app, seeded, matrix):
    app.as_program(AVERY).post_json("/auth/tokens", {"workspace": "aurora", "name": "ci", "role": "owner"}, status=201)
    with seeded.transaction() as tx:
        tx.run("UPDATE memberships SET role = 'viewer' WHERE workspace_id = 'workspace-aurora'")
    assert matrix()["workspaces"]["aurora"]["tokens"] == {AVERY: {"ci": "viewer"}}


ROUTES = [
    (
        "agents.edit",
        "workspace.view",
        "Viewers may now {}: it asks for workspace.view, and asked for agents.edit.",
        "more",
    ),
    ("agents.view", "memory.view", "Viewers and editors may no longer {}: it asks for memory.view, and", "less"),
    ("agents.edit", "agents.run", "{} is now for editors, admins and owners: it asks for agents.run", "other"),
    ("operator", "signed-in", "Viewers, editors, admins and owners may now {}", "more"),
    (None, "agents.edit", "{} is new, for editors, admins and owners (agents.edit).", "more"),
    (None, "everybody", "{} is new, for everybody, without signing in (everybody).", "more"),
    ("agents.edit", None, "{} is gone (agents.edit).", "less"),
]


@pytest.mark.parametrize(("then", "now", "said", "way"), ROUTES)
def test_code_that_asks_for_another_permission_is_told_by_who_gains_or_loses(matrix, then, now, said, way):
    route = "POST /workspaces/{workspace}/labels"
    before, after = matrix(), matrix()
    for one, asked in ((before, then), (after, now)):
        if asked:
            one["routes"][route] = asked
    (change,) = difference(before, after)
    assert change.sentence.startswith(said.format(route))
    assert change.way == way


def test_a_route_that_opens_in_one_workspace_alone_names_it(matrix):
    before = matrix()
    before["workspaces"]["aurora"]["roles"]["viewer"].append("memory.view")
    after = copy.deepcopy(before)
    before["routes"]["GET /workspaces/{workspace}/x"] = "memory.edit"
    after["routes"]["GET /workspaces/{workspace}/x"] = "memory.view"
    (change,) = difference(before, after)
    assert change.sentence.startswith("Viewers of Aurora Research Lab may now GET")


def test_the_file_for_git_comes_back_as_the_matrix_it_was_written_from(matrix):
    text = as_yaml(matrix())
    assert read_expected(text) == matrix()
    assert as_yaml(read_expected(text)) == text
    assert text.startswith("# Who may do what on this server.")


def test_what_a_file_leaves_out_is_not_compared(matrix):
    some = read_expected("workspaces:\n  aurora:\n    people:\n      casey.editor@example.com: viewer\n")
    found = sentences(some, matrix())
    assert "casey.editor@example.com is now an editor of Aurora Research Lab, no longer a viewer." in found
    assert not [one for one in found if "may now" in one or "operator" in one]


@pytest.mark.parametrize(
    ("then", "now", "way"), [("agents.edit", "everybody", "more"), ("everybody", "agents.edit", "less")]
)
def test_that_strangers_may_come_or_no_longer_is_said_besides_the_roles_that_gain_or_lose(matrix, then, now, way):
    route = "POST /workspaces/{workspace}/labels"
    before, after = matrix(), matrix()
    before["routes"][route], after["routes"][route] = then, now
    who = {"more": "everybody, without signing in", "less": "editors, admins and owners"}[way]
    found = difference(before, after)
    assert found[0].sentence.startswith(f"{route} is now for {who}: it asks for {now}")
    assert found[1].sentence.startswith("Viewers may ")
    assert {change.way for change in found} == {way}


FAULTS = {
    "": "The document is empty.",
    "~": "Line 1, the file: the file is a mapping of names, not nothing.",
    "- a": "the file is a mapping of names, not a list.",
    "{}": "the file is empty",
    "operatosr: []": "there is no part 'operatosr' (did you mean operators?)",
    "operators: x": "Line 1, /operators: operators is a list of e-mails.",
    "operators:\n- AVERY@example.com": "Line 2, /operators/0: AVERY@example.com must be in small letters",
    "operators:\n- 7": "'7' is not an e-mail address",
    "workspaces:\n  aurora:\n    people:\n      a@b.c: reader": "Line 4, /workspaces/aurora/people/a@b.c: there is no role 'reader'",
    "workspaces:\n  aurora:\n    roles:\n      viewer: [agents.edti]": "did you mean agents.edit?",
    "workspaces:\n  aurora:\n    roles:\n      veiwer: []": "there is no role 'veiwer' (did you mean viewer?)",
    "workspaces:\n  aurora:\n    roles: []": "roles is a mapping of names, not a list.",
    "workspaces:\n  aurora:\n    persons: {}": "a workspace has no part 'persons'",
    "workspaces:\n  Aurora X: {}": "is no slug of a workspace",
    "workspaces:\n  aurora:\n    tokens:\n      a@b.c: {ci: [1]}": "there is no role '[1]'",
    "routes:\n  /agents: agents.view": "write a method and a path",
    "routes:\n  GET /agents: {a: b}": "there is no permission",
    "a: &a [1]\nb: *a": "anchors and aliases are not accepted",
    "operators: [" + "[" * 50: "nested more than 6 deep",
    "operators:\n" + "- a@b.c\n" * 100_001: "more than 100,000 values",
    "x" * 2_100_000: "",
    "operators: []\noperators: []": "stands twice",
    "workspaces: !!python/object:os.system {}": "is not accepted here",
}


@pytest.mark.parametrize("text", FAULTS, ids=lambda text: text[:30])
def test_a_bad_file_is_refused_with_the_place_and_the_cure(text):
    with pytest.raises(Invalid) as refused:
        read_expected(text)
    assert FAULTS[text] in str(refused.value)


_NAMES = st.sampled_from(["a@example.com", "b@example.com", "c@example.com"])
_SPACES = st.dictionaries(
    st.sampled_from(["aurora", "cobalt"]),
    st.fixed_dictionaries(
        {
            "name": st.text("abc é:#'\"", max_size=6),
            "roles": st.dictionaries(
                st.sampled_from(ROLES), st.lists(st.sampled_from(PERMISSIONS), unique=True, max_size=3).map(sorted)
            ),
            "people": st.dictionaries(_NAMES, st.sampled_from(ROLES)),
            "tokens": st.dictionaries(
                _NAMES, st.dictionaries(st.text("ab: \n", max_size=4), st.sampled_from(ROLES), min_size=1)
            ),
        }
    ),
)
_MATRICES = st.fixed_dictionaries(
    {
        "operators": st.lists(_NAMES, unique=True).map(sorted),
        "workspaces": _SPACES,
        "routes": st.dictionaries(
            st.sampled_from(
                [f"{method} /workspaces/{{workspace}}/{n}" for method, n in itertools.product(("GET", "POST"), "ab")]
            ),
            st.sampled_from((*PERMISSIONS[:4], *WHO)),
        ),
    }
)


@given(_MATRICES, _MATRICES)
def test_two_matrices_differ_in_sentences_exactly_when_they_are_not_the_same(one, other):
    full = [
        {
            **m,
            "workspaces": {
                s: {**w, "roles": {r: w["roles"].get(r, []) for r in ROLES}} for s, w in m["workspaces"].items()
            },
        }
        for m in (one, other)
    ]
    assert bool(difference(*full)) == (full[0] != full[1])
    assert bool(difference(*full)) == bool(difference(*reversed(full)))


@given(_MATRICES)
def test_any_matrix_goes_through_the_file_and_back(one):
    assert read_expected(as_yaml(one)) == one
