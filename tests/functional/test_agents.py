"""Agents, tasks and memory over JSON, as stories."""

import pytest

AURORA = "/workspaces/aurora/agents"


@pytest.fixture
def avery(app):
    return app.as_program("avery.owner@example.com")


@pytest.fixture
def nova(avery):
    return avery.post_json(AURORA, {"name": "Nova", "tags": ["one", "two", "one"]}, status=201).json


def test_an_agent_is_made_with_a_name_alone_and_found_where_the_answer_says(avery):
    answer = avery.post_json(AURORA, {"name": "  Nova "}, status=201)
    agent = avery.get(answer.headers["Location"]).json
    assert agent == answer.json
    assert (agent["name"], agent["status"], agent["tasks_completed"]) == ("Nova", "learning", 0)
    assert agent["runtime"]["type"] == "script"
    assert agent["created_at"].endswith("Z")
    assert len(agent["created_at"]) == 24


def test_a_change_touches_what_it_names_and_nothing_else(avery, nova):
    changed = avery.patch_json(f"{AURORA}/{nova['id']}", {"status": "active"}).json
    assert changed == {**nova, "status": "active", "updated_at": changed["updated_at"]}


def test_what_changed_is_in_the_activity_log_with_before_and_after(avery, nova):
    avery.patch_json(f"{AURORA}/{nova['id']}", {"status": "inactive", "instructions": "New."})
    event = avery.get("/workspaces/aurora/activity?limit=1").json["items"][0]
    assert event["type"] == "agent.updated"
    assert event["data"]["before"] == {"status": "learning"}
    assert event["data"]["after"] == {"status": "inactive"}
    assert event["data"]["changed"] == ["instructions", "status"]


def test_a_change_that_changes_nothing_leaves_no_trace(avery, nova):
    before = avery.get("/workspaces/aurora/activity?limit=1").json["items"][0]["id"]
    answer = avery.patch_json(f"{AURORA}/{nova['id']}", {"name": "Nova"})
    assert answer.json == nova
    assert avery.get("/workspaces/aurora/activity?limit=1").json["items"][0]["id"] == before


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, ["/name"]),
        ({"name": ""}, ["/name"]),
        ({"name": "   "}, ["/name"]),
        ({"name": 5}, ["/name"]),
        ({"name": None}, ["/name"]),
        ({"name": "x" * 121}, ["/name"]),
        ({"name": "x", "colour": "red"}, ["/colour"]),
        ({"name": "x", "status": "asleep"}, ["/status"]),
        ({"name": "x", "tags": "one"}, ["/tags"]),
        ({"name": "x", "tags": ["ok", ""]}, ["/tags/1"]),
        ({"name": "x", "tags": ["t"] * 21}, ["/tags"]),
        ({"name": "x", "limits": {"seconds": 0}}, ["/limits/seconds"]),
        ({"name": "x", "limits": {"hours": 1}}, ["/limits"]),
        ({"name": "", "status": "asleep", "tags": 1}, ["/name", "/status", "/tags"]),
        ({"name": "x", "runtime": {"type": "magic"}}, ["/runtime/type"]),
        ({"name": "x", "runtime": "script"}, ["/runtime"]),
        ({"id": "agt_mine", "name": "x"}, ["/id"]),
    ],
)
def test_bad_input_is_refused_with_every_fault_named_and_nothing_is_made(avery, body, pointers):
    before = len(avery.get(AURORA).json["items"])
    refused = avery.post_json(AURORA, body, status=400)
    assert refused.content_type == "application/problem+json"
    assert [fault["pointer"] for fault in refused.json["errors"]] == pointers
    assert all(fault["detail"].endswith(".") for fault in refused.json["errors"])
    assert len(avery.get(AURORA).json["items"]) == before


def test_names_may_be_in_any_script_and_are_never_markup(app, avery):
    name = "Ñandú <script>alert(1)</script> 狐 🦊"
    agent = avery.post_json(AURORA, {"name": name, "description": name}, status=201).json
    assert avery.get(f"{AURORA}/{agent['id']}").json["name"] == name
    page = app.as_browser("avery.owner@example.com").get(AURORA)
    assert "<script>alert" not in page.text
    assert "Ñandú" in page.text


def test_an_etag_spares_the_body_and_guards_a_write(avery, nova):
    path = f"{AURORA}/{nova['id']}"
    etag = avery.get(path).headers["ETag"]
    avery.get(path, headers={"If-None-Match": etag}, status=304)
    changed = avery.patch_json(path, {"name": "Nova 2"}, headers={"If-Match": etag})
    assert changed.headers["ETag"] != etag
    avery.get(path, headers={"If-None-Match": etag}, status=200)
    avery.patch_json(path, {"name": "Nova 3"}, headers={"If-Match": etag}, status=412)
    avery.delete(path, headers={"If-Match": etag}, status=412)
    assert avery.get(path).json["name"] == "Nova 2"
    avery.delete(path, headers={"If-Match": changed.headers["ETag"]}, status=204)
    avery.get(path, status=404)


def test_lists_are_paged_without_gap_or_double_also_while_others_add(avery):
    made = [avery.post_json(AURORA, {"name": f"A{number}"}).json["id"] for number in range(7)]
    seen, cursor = [], ""
    while cursor is not None:
        page = avery.get(f"{AURORA}?limit=3{'&cursor=' + cursor if cursor else ''}").json
        assert len(page["items"]) <= 3
        seen += [agent["id"] for agent in page["items"]]
        cursor = page["next"]
        avery.post_json(AURORA, {"name": "late"})
    assert len(seen) == len(set(seen)) == 10
    assert [one for one in seen if one in made] == made[::-1]


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=201", "limit=x", "limit=-1", "limit=1e3", "limit=%D9%A3", "limit=", "limit=99999999999999999999",
     "cursor=%20", "cursor=a", "cursor=%C3%A4", "cursor=_w", "status=asleep"],
)  # fmt: skip
def test_bad_paging_is_refused_by_name(avery, query):
    refused = avery.get(f"{AURORA}?{query}", status=400)
    assert refused.json["errors"][0]["pointer"] == "/" + query.split("=")[0]


def test_search_finds_by_name_description_and_tag_and_takes_signs_literally(avery):
    avery.post_json(AURORA, {"name": "Percent", "description": "does 100% of it", "tags": ["odd_tag"]})
    find = lambda text: [agent["name"] for agent in avery.get(AURORA, {"q": text}).json["items"]]  # noqa: E731
    assert find("PERCENT") == ["Percent"]
    assert find("100%") == ["Percent"]
    assert find("odd_tag") == ["Percent"]
    assert find("oddxtag") == []
    assert find("!") == []
    assert find("%") == ["Percent"]


def test_agents_of_all_workspaces_are_those_of_the_callers_own(app, avery):
    workspaces = {agent["workspace_id"] for agent in avery.get("/agents").json["items"]}
    assert workspaces == {"workspace-aurora", "workspace-lumen"}
    devon = app.as_program("devon.viewer@example.com")
    names = {agent["name"] for agent in devon.get("/agents").json["items"]}
    assert names == {"Support Sentinel", "Feedback Whisperer"}


def test_a_task_waits_for_a_worker_and_can_be_cancelled_once(avery, nova):
    tasks = f"{AURORA}/{nova['id']}/tasks"
    answer = avery.post_json(tasks, {"title": "Try", "input": {"a": [1, None, "ü"]}}, status=201)
    task = avery.get(answer.headers["Location"]).json
    assert (task["status"], task["input"], task["log"]) == ("pending", {"a": [1, None, "ü"]}, [])
    cancelled = avery.post_json(f"{tasks}/{task['id']}/cancel", {}).json
    assert cancelled["status"] == "cancelled"
    assert cancelled["finished_at"]
    refused = avery.post_json(f"{tasks}/{task['id']}/cancel", {}, status=409)
    assert "cancelled already" in refused.json["detail"]
    assert [one["id"] for one in avery.get(f"{tasks}?status=cancelled").json["items"]] == [task["id"]]


def test_an_inactive_agent_takes_no_task(avery, nova):
    avery.patch_json(f"{AURORA}/{nova['id']}", {"status": "inactive"})
    refused = avery.post_json(f"{AURORA}/{nova['id']}/tasks", {"title": "Try"}, status=409)
    assert "inactive" in refused.json["detail"]


@pytest.mark.parametrize(
    "body", [{}, {"title": " "}, {"title": 1}, {"title": "x", "prio": 1}, {"title": "x" * 201}, []]
)
def test_a_bad_task_is_refused(avery, nova, body):
    avery.post_json(f"{AURORA}/{nova['id']}/tasks", body, status=400)
    assert avery.get(f"{AURORA}/{nova['id']}/tasks").json["items"] == []


def test_a_task_input_that_is_too_large_is_refused_with_the_limit(avery, nova):
    refused = avery.post_json(f"{AURORA}/{nova['id']}/tasks", {"title": "x", "input": "x" * 300_000}, status=400)
    assert refused.json["errors"] == [{"pointer": "/input", "detail": "input must be at most 262,144 bytes of JSON."}]


def test_a_body_over_the_limit_is_413(avery):
    avery.post_json(AURORA, {"name": "x", "instructions": "x" * 1_100_000}, status=413)


def test_deleting_an_agent_takes_its_tasks_and_memory_and_cancels_what_is_open(avery, nova):
    base = f"{AURORA}/{nova['id']}"
    task = avery.post_json(f"{base}/tasks", {"title": "Try"}).json
    item = avery.post_json(f"{base}/memory", {"key": "k", "value": 1}).json
    avery.delete(base, status=204)
    for path in (base, f"{base}/tasks/{task['id']}", f"{base}/memory/{item['id']}"):
        avery.get(path, status=404)
    types = [event["type"] for event in avery.get("/workspaces/aurora/activity?limit=2").json["items"]]
    assert types == ["agent.deleted", "task.cancelled"]


def test_memory_is_kept_changed_searched_and_forgotten(avery, nova):
    memory = f"{AURORA}/{nova['id']}/memory"
    answer = avery.post_json(memory, {"key": "tea", "value": {"green": True}, "type": "preference"}, status=201)
    item = answer.json
    assert avery.get(f"{AURORA}/{nova['id']}").json["memory_items"] == 1
    avery.post_json(memory, {"key": "tea", "value": 1}, status=409)
    changed = avery.patch_json(
        f"{memory}/{item['id']}", {"value": None}, headers={"If-Match": answer.headers["ETag"]}
    ).json
    assert (changed["value"], changed["type"], changed["key"]) == (None, "preference", "tea")
    avery.patch_json(f"{memory}/{item['id']}", {"value": 2}, headers={"If-Match": answer.headers["ETag"]}, status=412)
    assert [one["key"] for one in avery.get(memory, {"q": "TE"}).json["items"]] == ["tea"]
    assert avery.get(memory, {"type": "fact"}).json["items"] == []
    avery.delete(f"{memory}/{item['id']}", status=204)
    assert avery.get(f"{AURORA}/{nova['id']}").json["memory_items"] == 0


@pytest.mark.parametrize(
    "body", [{}, {"key": "k"}, {"key": " ", "value": 1}, {"key": "k", "value": 1, "type": "dream"}]
)
def test_bad_memory_is_refused(avery, nova, body):
    avery.post_json(f"{AURORA}/{nova['id']}/memory", body, status=400)


def test_a_viewer_sees_agents_and_tasks_but_no_memory_and_changes_nothing(app):
    bailey, devon = app.as_program("bailey.admin@example.com"), app.as_program("devon.viewer@example.com")
    cobalt = "/workspaces/cobalt/agents"
    agent = bailey.get(cobalt).json["items"][0]
    task = bailey.post_json(f"{cobalt}/{agent['id']}/tasks", {"title": "Try"}).json
    devon.get(f"{cobalt}/{agent['id']}/tasks/{task['id']}", status=200)
    devon.get(f"{cobalt}/{agent['id']}/memory", status=403)
    devon.post_json(f"{cobalt}/{agent['id']}/tasks", {"title": "x"}, status=403)
    devon.patch_json(f"{cobalt}/{agent['id']}", {"name": "x"}, status=403)
    types = {event["type"] for event in devon.get("/workspaces/cobalt/activity").json["items"]}
    bailey.post_json(f"{cobalt}/{agent['id']}/memory", {"key": "k", "value": 1}, status=201)
    after = {event["type"] for event in devon.get("/workspaces/cobalt/activity").json["items"]}
    assert "task.created" in types
    assert after == types


def test_a_thing_of_another_agent_or_workspace_is_not_found_below_this_one(app, avery, nova):
    item = avery.post_json(f"{AURORA}/{nova['id']}/memory", {"key": "k", "value": 1}).json
    other = avery.post_json(AURORA, {"name": "Other"}).json
    avery.get(f"{AURORA}/{other['id']}/memory/{item['id']}", status=404)
    avery.get(f"/workspaces/lumen/agents/{nova['id']}", status=404)
    emery = app.as_program("emery.owner@example.com")
    emery.get(f"/workspaces/cobalt/agents/{nova['id']}", status=404)
