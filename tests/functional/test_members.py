"""Members and their roles: nobody raises anybody above the own role, and a workspace keeps an owner."""

import pytest

MEMBERS = "/workspaces/aurora/members"


@pytest.fixture
def people(app):
    names = ("avery.owner", "bailey.admin", "casey.editor", "devon.viewer", "emery.owner")
    programs = {name.split(".")[0]: app.as_program(f"{name}@example.com") for name in names}
    for name, email, role in (("bailey", "bailey.admin", "admin"), ("devon", "devon.viewer", "viewer")):
        programs["avery"].post_json(MEMBERS, {"email": f"{email}@example.com", "role": role}, status=201)
        assert programs[name].get(MEMBERS, status=200)
    return programs


def id_of(program):
    return program.get("/auth/me").json["user"]["id"]


def test_an_admin_adds_changes_and_removes_people_below_owner(people):
    bailey = people["bailey"]
    added = bailey.post_json(MEMBERS, {"email": "EMERY.owner@example.com", "role": "viewer"}, status=201)
    assert added.json["role"] == "viewer"
    path = added.headers["Location"]
    assert bailey.patch_json(path, {"role": "admin"}).json["role"] == "admin"
    people["emery"].get(MEMBERS, status=200)
    bailey.delete(path, status=204)
    people["emery"].get(MEMBERS, status=404)


def test_nobody_raises_anybody_above_the_own_role(people):
    bailey = people["bailey"]
    bailey.post_json(MEMBERS, {"email": "emery.owner@example.com", "role": "owner"}, status=403)
    bailey.patch_json(f"{MEMBERS}/{id_of(bailey)}", {"role": "owner"}, status=403)
    bailey.patch_json(f"{MEMBERS}/{id_of(people['avery'])}", {"role": "viewer"}, status=403)
    bailey.delete(f"{MEMBERS}/{id_of(people['avery'])}", status=403)
    people["casey"].post_json(MEMBERS, {"email": "emery.owner@example.com", "role": "viewer"}, status=403)


def test_a_workspace_keeps_an_owner(people):
    avery = people["avery"]
    mine = f"{MEMBERS}/{id_of(avery)}"
    assert "at least one owner" in avery.patch_json(mine, {"role": "admin"}, status=409).json["detail"]
    avery.delete(mine, status=409)
    avery.patch_json(f"{MEMBERS}/{id_of(people['bailey'])}", {"role": "owner"}, status=200)
    avery.patch_json(mine, {"role": "editor"}, status=200)


def test_strangers_and_doubles_are_told_so(people):
    avery = people["avery"]
    refused = avery.post_json(MEMBERS, {"email": "nobody@example.com", "role": "viewer"}, status=400)
    assert refused.json["errors"][0]["pointer"] == "/email"
    avery.post_json(MEMBERS, {"email": "casey.editor@example.com", "role": "viewer"}, status=409)
    avery.post_json(MEMBERS, {"email": "casey.editor@example.com", "role": "king"}, status=400)
    avery.patch_json(f"{MEMBERS}/acc_nobody", {"role": "viewer"}, status=404)


def test_a_role_that_is_lowered_counts_at_once(people):
    avery, casey = people["avery"], people["casey"]
    casey.post_json("/workspaces/aurora/agents", {"name": "x"}, status=201)
    avery.patch_json(f"{MEMBERS}/{id_of(casey)}", {"role": "viewer"}, status=200)
    casey.post_json("/workspaces/aurora/agents", {"name": "x"}, status=403)
