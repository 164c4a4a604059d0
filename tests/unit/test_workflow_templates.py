"""The templates: each is right, and comes to what it promises when its steps are walked with samples of the world."""

import pytest
from jsonschema import Draft202012Validator

from releaseapp import expressions
from releaseapp.agents import runtimes
from releaseapp.seeds import AGENTS
from releaseapp.steps import step_types
from releaseapp.web.bodies import fit
from releaseapp.workflows.definition import check, needs_of
from releaseapp.workflows.templates import BLANK, find_template, list_templates, template_text

ALL = list_templates()
OFFERED = [one for one in ALL if one.key != BLANK]


class Ended(Exception):
    """A step of the type fail was reached."""


class World:
    """What is outside: every request, decision and task of an agent is kept, and answered from a table."""

    def __init__(self, **answers):
        self.answers = answers
        self.asked = []

    def answer(self, step, config, item):
        self.asked.append((step["id"], config))
        found = self.answers[step["id"]]
        answer = found(config, item) if callable(found) else found
        if isinstance(answer, Exception) and step.get("on_error") == "continue":
            return None
        return answer

    def told(self, step_id):
        return [config for name, config in self.asked if name == step_id]


def walk(definition, inputs, world, *, skipped_is_there=True):
    """Runs the steps in their order, as far as that can be done without effects; gives the workflow's output."""
    schema = definition.get("inputs", {})
    Draft202012Validator(schema).validate(inputs)
    outputs, done = {}, set()
    scope = {"inputs": inputs, "steps": outputs, "trigger": {"kind": "manual"}, "run": {"id": "run_1"}}
    for number, step in enumerate(definition["steps"]):
        assert set(needs_of(definition["steps"], number)) <= done, "a step stands before what it needs"
        done.add(step["id"])
        if "when" in step and not as_bool(expressions.render(step["when"], scope)):
            if skipped_is_there:
                outputs[step["id"]] = {"output": None}
        elif "for_each" in step:
            items = expressions.render(step["for_each"], scope)
            assert isinstance(items, list)
            outputs[step["id"]] = {"output": [run(step, {**scope, "item": item}, world) for item in items]}
        else:
            outputs[step["id"]] = {"output": run(step, scope, world)}
    return expressions.render(definition["output"], scope)


def as_bool(value):
    assert isinstance(value, bool), "a condition is true or false"
    return value


def run(step, scope, world):
    config = expressions.render(step["config"], scope)
    match step["type"]:
        case "transform":
            return config["value"]
        case "condition":
            return as_bool(config["test"])
        case "fail":
            raise Ended(config["message"])
    fit(config, step_types()[step["type"]].config)
    return world.answer(step, config, scope.get("item"))


def ok(body=None):
    return {"status": 200, "headers": {}, "body": body}


def decision(word="approved", by="casey.editor@example.com", **values):
    return {"decision": word, "by": by, "comment": "", "values": values}


@pytest.fixture(params=[True, False], ids=["skipped steps have no output", "skipped steps are not there"])
def go(request):
    """Walks a template with its sample inputs, some of them changed."""

    def walk_template(key, world=None, **changes):
        template = find_template(key)
        inputs = {name: value for name, value in {**template.sample_inputs, **changes}.items() if value is not None}
        return walk(template.definition, inputs, world or World(), skipped_is_there=request.param)

    return walk_template


def test_there_are_six_and_a_blank_one():
    assert [one.key for one in ALL] == [
        "blank", "daily-digest", "webhook-relay", "http-sync", "approval-before-sending", "fan-out-with-agents",
        "release-checklist",
    ]  # fmt: skip


@pytest.mark.parametrize("template", ALL, ids=lambda one: one.key)
def test_a_template_has_no_fault_and_says_what_it_is_for(template):
    assert check(template.definition) == []
    assert template.title == template.definition["name"]
    assert template.summary.endswith(".")
    assert template.step_types
    assert "credential" not in template_text(template.key)
    for step in template.definition["steps"]:
        assert step["name"]


@pytest.mark.parametrize("template", OFFERED, ids=lambda one: one.key)
def test_sample_inputs_fit_the_schema_and_every_input_has_a_title(template):
    inputs = template.definition["inputs"]
    Draft202012Validator(inputs).validate(template.sample_inputs)
    assert set(template.sample_inputs) == set(inputs["properties"])
    assert all(one["title"] for one in inputs["properties"].values())


def test_an_unknown_key_finds_nothing_and_reaches_no_file():
    assert find_template("nope") is None
    with pytest.raises(KeyError):
        template_text("../demo")


def test_the_blank_one_runs(go):
    assert go("blank") == "Hello"


def test_the_digest_leaves_out_what_is_blank(go):
    assert go("daily-digest") == "2 notes: The build is green again; Two customers asked for exports"


def test_the_digest_of_nothing_ends_with_its_reason(go):
    with pytest.raises(Ended, match="There are no notes"):
        go("daily-digest", notes=[" "])


def test_the_relay_posts_the_other_shape(go):
    world = World(send=ok())
    assert go("webhook-relay", world) == {"sent": True, "status": 200}
    (sent,) = world.told("send")
    assert (sent["method"], sent["url"]) == ("POST", "https://httpbin.org/post")
    assert sent["body"]["reference"] == 1042
    assert sent["body"]["text"] == "Ada: order paid"
    assert sent["body"]["original"]["order"]["total"] == 129.5


def test_the_relay_sends_no_ping_and_stands_a_payload_of_another_shape(go):
    world = World(send=ok())
    assert go("webhook-relay", world, payload={"event": "ping"}) == {"sent": False, "status": None}
    assert go("webhook-relay", world, payload={}) == {"sent": False, "status": None}
    assert world.asked == []
    go("webhook-relay", world, payload={"event": "user.left"})
    assert world.told("send")[0]["body"]["reference"] is None
    assert world.told("send")[0]["body"]["text"] == "Somebody: user left"


ITEMS = [
    {"id": 1, "name": " Old ", "updated_at": "2029-12-31T00:00:00Z"},
    {"id": 2, "name": " New ", "updated_at": "2030-01-02T00:00:00Z"},
]


@pytest.mark.parametrize("body", [ITEMS, {"items": ITEMS}], ids=["a list", "an object with items"])
def test_the_sync_posts_what_has_changed_as_one_batch(go, body):
    world = World(fetch=ok(body), send={"status": 202, "headers": {}, "body": None})
    assert go("http-sync", world) == {"found": 2, "sent": 1, "status": 202}
    (sent,) = world.told("send")
    assert sent["body"] == {"items": [{"external_id": 2, "name": "New", "updated_at": "2030-01-02T00:00:00Z"}]}


def test_the_sync_takes_everything_without_a_time_and_posts_nothing_when_nothing_changed(go):
    world = World(fetch=ok([{"id": 7}]), send=ok())
    assert go("http-sync", world, changed_since=None) == {"found": 1, "sent": 1, "status": 200}
    assert world.told("send")[0]["body"] == {"items": [{"external_id": 7, "name": "", "updated_at": None}]}
    quiet = World(fetch=ok([]))
    assert go("http-sync", quiet) == {"found": 0, "sent": 0, "status": None}


def test_the_sync_tries_again_with_growing_pauses_and_gives_up_in_time():
    steps = {step["id"]: step for step in find_template("http-sync").definition["steps"]}
    for name in ("fetch", "send"):
        assert steps[name]["retry"]["backoff"] == "exponential"
        assert steps[name]["retry"]["max_attempts"] > 1
        assert steps[name]["timeout_seconds"] > 0


def test_a_message_goes_out_when_it_is_approved_as_drafted_or_as_corrected(go):
    world = World(ask=decision(), send=ok())
    expected = {"sent": True, "decided_by": "casey.editor@example.com"}
    assert go("approval-before-sending", world) == expected
    assert world.told("ask")[0]["description"] == world.told("send")[0]["body"]["text"]
    assert "the office is closed on Friday" in world.told("send")[0]["body"]["text"]
    corrected = World(ask=decision(text=" Closed on Friday! "), send=ok())
    assert go("approval-before-sending", corrected) == expected
    assert corrected.told("send")[0]["body"] == {"text": "Closed on Friday!"}


def test_a_message_that_was_refused_is_not_sent(go):
    world = World(ask=decision("refused"))
    assert go("approval-before-sending", world)["sent"] is False
    assert world.told("send") == []


def seeded_agent(name):
    return next(agent for agents in AGENTS.values() for agent in agents if agent.name == name)


class Desk:
    """Where a script works, in memory."""

    def __init__(self, given):
        self.task = type("Task", (), {"id": "tsk_1", "title": "One", "input": given, "attempts": 1})()
        self.agent = type(
            "Agent", (), {"id": "agt_1", "name": "Nova", "description": "", "instructions": "", "tags": []}
        )()

    def memory(self):
        return {}

    def log(self, text): ...

    def remember(self, key, value, item_type): ...

    def wait(self, seconds): ...

    def check_alive(self): ...


def with_the_agents_own_script(config, _item):
    return runtimes.run(seeded_agent(config["agent"]).runtime, Desk(config["input"]))


def test_an_agent_of_the_demo_answers_for_each_item(go):
    world = World(ask=with_the_agents_own_script)
    came = go("fan-out-with-agents", world)
    assert came["report"] == "Data Collector answered 3 of 3"
    assert [answer["sum"] for answer in came["answers"]] == [6, 30, 5]
    assert len(world.told("ask")) == 3


def test_what_one_task_fails_at_does_not_lose_the_other_answers(go):
    world = World(ask=lambda _config, item: ValueError() if item == 2 else {"got": item})
    came = go("fan-out-with-agents", world, items=[1, 2, 3])
    assert came == {"report": "Data Collector answered 2 of 3", "answers": [{"got": 1}, {"got": 3}]}


def test_a_fan_out_over_nothing_or_with_no_answer_ends_with_its_reason(go):
    with pytest.raises(Ended, match="The list is empty"):
        go("fan-out-with-agents", items=[])
    with pytest.raises(Ended, match="Data Collector answered none of 1 tasks"):
        go("fan-out-with-agents", World(ask=lambda *_: ValueError()), items=[1])


def both(**more):
    return World(ready=decision(snapshot="snap-7"), go=decision(by="avery.owner@example.com"), **more)


def test_a_release_that_two_people_approve_is_summed_up(go):
    world = both(health=ok())
    assert go("release-checklist", world) == {
        "version": "1.4.0",
        "snapshot": "snap-7",
        "summary": "1.4.0 with 2 changes: ready says casey.editor@example.com, go says avery.owner@example.com.",
    }
    assert world.told("ready")[0]["description"] == "Exports as CSV; Faster search"
    assert "snap-7" in world.told("go")[0]["description"]
    assert world.told("go")[0]["not_the_requester"] is True


def test_a_release_without_an_address_to_ask_asks_people_alone(go):
    world = both()
    assert go("release-checklist", world, health_url=None, changes=None)["snapshot"] == "snap-7"
    assert world.told("health") == []


@pytest.mark.parametrize("health", [ValueError(), {"status": 503, "headers": {}, "body": ""}])
def test_a_release_stops_when_the_service_is_not_well(go, health):
    with pytest.raises(Ended, match="does not say that the service is well"):
        go("release-checklist", both(health=health))


def test_a_release_stops_when_one_of_the_two_refuses(go):
    refused = World(health=ok(), ready=decision("refused"))
    with pytest.raises(Ended, match=r"1\.4\.0 was not approved"):
        go("release-checklist", refused)
    assert refused.told("go") == [], "the second is not asked"
    with pytest.raises(Ended, match=r"1\.4\.0 was not approved"):
        go("release-checklist", World(health=ok(), ready=decision(), go=decision("refused")))
