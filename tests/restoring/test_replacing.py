"""What a restore puts back, what it keeps, and what it carries over: through the replacement itself."""

from releaseapp import clock
from releaseapp.auth import queries as auth
from releaseapp.events.queries import last_event_id, list_events_after


def test_what_was_changed_added_and_deleted_since_is_as_it_was(place):
    before = place.rows("agents"), place.rows("workspaces"), place.rows("memberships")
    there = place.copy()
    place.do("UPDATE agents SET name = 'Somebody else' WHERE id IN (SELECT id FROM agents LIMIT 1)")
    place.do("DELETE FROM memberships WHERE role = 'editor'")
    place.do("DELETE FROM agents WHERE id IN (SELECT MAX(id) FROM agents)")
    place.put_back(there)
    assert (place.rows("agents"), place.rows("workspaces"), place.rows("memberships")) == before


def test_sessions_ended_and_tokens_revoked_since_stay_so(place):
    db = place.db
    owner = place.account("avery.owner@example.com")["id"]
    workspace = db.first("SELECT id FROM workspaces LIMIT 1")["id"]
    place.do(
        "INSERT INTO sessions VALUES ('ses_1', :a, '', '', :now, :now, '2099', NULL)",
        a=owner,
        now=clock.now_text(),
    )
    place.do(
        "INSERT INTO api_tokens VALUES ('tok_1', :a, :w, 'CI', 'viewer', 'hash', '2026', '2099', NULL, NULL)",
        a=owner,
        w=workspace,
    )
    there = place.copy()
    with db.transaction() as tx:
        auth.end_session(tx, owner, "ses_1", "2026-11-24T10:00:00.000Z")
        auth.revoke_api_token(tx, owner, "tok_1", "2026-11-24T10:00:00.000Z")
    place.put_back(there)
    assert db.first("SELECT ended_at FROM sessions")["ended_at"] == "2026-11-24T10:00:00.000Z"
    assert db.first("SELECT revoked_at FROM api_tokens")["revoked_at"] == "2026-11-24T10:00:00.000Z"


def test_a_revoked_token_stays_revoked_through_a_state_in_which_it_did_not_exist(place):
    db = place.db
    owner = place.account("avery.owner@example.com")["id"]
    workspace = db.first("SELECT id FROM workspaces LIMIT 1")["id"]
    without = place.copy()
    place.do(
        "INSERT INTO api_tokens VALUES ('tok_1', :a, :w, 'CI', 'viewer', 'hash', '2026', '2099', NULL, NULL)",
        a=owner,
        w=workspace,
    )
    alive = place.copy()
    place.do("UPDATE api_tokens SET revoked_at = '2026-11-24T10:00:00.000Z'")
    place.put_back(without)
    assert place.rows("api_tokens") == []
    place.put_back(alive)
    assert db.first("SELECT revoked_at FROM api_tokens")["revoked_at"] == "2026-11-24T10:00:00.000Z"


def test_a_newer_password_stays_and_tokens_given_before_it_stay_ended(place):
    db = place.db
    there = place.copy()
    avery = place.account("avery.owner@example.com")
    with db.transaction() as tx:
        auth.set_password(tx, avery["id"], "a newer hash", clock.now_text())
    place.do("UPDATE accounts SET name = 'Avery Newname' WHERE id = :id", id=avery["id"])
    place.put_back(there)
    now = place.account("avery.owner@example.com")
    assert (now["password_hash"], now["token_version"]) == ("a newer hash", avery["token_version"] + 1)
    assert now["name"] == avery["name"]


def test_an_account_disabled_since_stays_disabled(place):
    there = place.copy()
    place.do("UPDATE accounts SET is_disabled = 1 WHERE email = 'casey.editor@example.com'")
    place.put_back(there)
    assert place.account("casey.editor@example.com")["is_disabled"] == 1


def test_an_account_made_since_stays_without_a_place_in_any_workspace(place):
    db = place.db
    there = place.copy()
    workspace = db.first("SELECT id FROM workspaces LIMIT 1")["id"]
    place.do(
        "INSERT INTO accounts (id, email, name, password_hash, created_at, updated_at)"
        " VALUES ('acc_new', 'new@example.com', 'New', 'x', '2026', '2026')",
    )
    place.do("INSERT INTO memberships VALUES (:w, 'acc_new', 'admin', '2026', '2026')", w=workspace)
    place.do("INSERT INTO sessions VALUES ('ses_new', 'acc_new', '', '', '2026', '2026', '2099', NULL)")
    place.put_back(there)
    assert place.account("new@example.com") is not None
    assert db.first("SELECT 1 AS yes FROM memberships WHERE account_id = 'acc_new'") is None
    assert db.first("SELECT 1 AS yes FROM sessions WHERE id = 'ses_new'") is not None


def test_an_account_whose_address_belongs_to_another_in_the_snapshot_gives_way(place):
    db = place.db
    there = place.copy()
    place.do("UPDATE accounts SET email = 'moved@example.com' WHERE email = 'casey.editor@example.com'")
    place.do(
        "INSERT INTO accounts (id, email, name, password_hash, created_at, updated_at)"
        " VALUES ('acc_rival', 'casey.editor@example.com', 'Rival', 'x', '2026', '2026')",
    )
    place.do("INSERT INTO sessions VALUES ('ses_rival', 'acc_rival', '', '', '2026', '2026', '2099', NULL)")
    place.put_back(there)
    assert place.account("casey.editor@example.com")["id"] != "acc_rival"
    assert db.first("SELECT 1 AS yes FROM sessions WHERE id = 'ses_rival'") is None


def test_ids_of_events_are_never_used_again_and_what_the_server_did_stays_in_the_log(place):
    db = place.db
    there = place.copy()
    then = last_event_id(db)
    insert = (
        "INSERT INTO events (workspace_id, type, subject, actor, at, data) VALUES (:w, :t, 's', NULL, '2026', '{}')"
    )
    workspace = db.first("SELECT id FROM workspaces LIMIT 1")["id"]
    place.do(insert, w=workspace, t="agent.created")
    place.do(insert, w=None, t="operation.started")
    place.do(insert, w=workspace, t="agent.updated")
    highest = last_event_id(db)
    place.put_back(there)
    since = list_events_after(db, then, 100)
    assert [event.type for event in since] == ["operation.started", "snapshot.restored"]
    assert since[-1].id > highest
    assert since[-1].data["name"] == "copy-1"


def test_the_workflow_file_is_as_it_was_with_a_revision_that_was_never_there(place):
    from releaseapp.workflows.file import Document

    then = place.file.read()
    there = place.copy()
    for _ in range(3):
        place.file.change(lambda document: (Document(document.schema, document.revision, []), None))
    place.put_back(there)
    now = place.file.read()
    assert now.workflows == then.workflows
    assert now.revision == then.revision + 4
