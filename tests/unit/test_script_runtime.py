"""The script runtime, with a context that lives in memory, and over the real database."""

import re
from pathlib import Path

import msgspec
import pytest

from releaseapp import clock
from releaseapp.agents import runtimes
from releaseapp.agents.memory import service as memory
from releaseapp.agents.memory.models import MemoryType
from releaseapp.agents.models import Agent, AgentStatus, Limits
from releaseapp.agents.runtimes.api import TaskFailed
from releaseapp.agents.schemas import AgentCreate
from releaseapp.agents.service import create_agent
from releaseapp.agents.tasks import service
from releaseapp.agents.tasks.context import TaskContext
from releaseapp.agents.tasks.models import Task, TaskStatus
from releaseapp.auth.service import create_account
from releaseapp.workspaces.service import create_workspace


def an_agent(**changes) -> Agent:
    now = clock.now_text()
    values = {
        "id": "agt_1", "workspace_id": "wsp_1", "name": "Nova", "description": "", "status": AgentStatus.LEARNING,
        "runtime": {}, "instructions": "Be kind.", "tags": [], "limits": Limits(), "tasks_completed": 0,
        "memory_items": 0, "last_active": None, "created_at": now, "updated_at": now,
    }  # fmt: skip
    return Agent(**{**values, **changes})


def a_task(given) -> Task:
    return Task(
        id="tsk_1", agent_id="agt_1", workspace_id="wsp_1", title="Greet", input=given, status=TaskStatus.RUNNING,
        output=None, error=None, attempts=1, usage={}, log_lines=0, requested_by=None, created_at=clock.now_text(),
        started_at=None, finished_at=None,
    )  # fmt: skip


class Room:
    """A context that keeps everything in memory and lets no time pass."""

    def __init__(self, given=None, **known):
        self.task = a_task(given)
        self.agent = an_agent()
        self.known = known
        self.types, self.lines, self.waits, self.looks = {}, [], [], 0

    def log(self, text):
        self.lines.append(text)

    def memory(self):
        self.looks += 1
        return self.known

    def remember(self, key, value, item_type):
        self.known = {**self.known, key: value}
        self.types[key] = item_type

    def forget(self, key):
        self.known = {name: value for name, value in self.known.items() if name != key}

    def wait(self, seconds):
        self.waits.append(seconds)

    def check_alive(self):
        pass


def script(*steps, output=None) -> dict:
    return {"type": "script", "steps": list(steps), "output": output}


def play(room, *steps, output=None):
    runtime = script(*steps, output=output)
    assert runtimes.check(runtime) == []
    return runtimes.run(runtime, room)


def test_an_agent_made_with_a_name_alone_says_what_it_got_and_gives_it_back():
    room = Room({"n": 1})
    assert runtimes.check(runtimes.default_runtime()) == []
    assert runtimes.run(runtimes.default_runtime(), room) == {"n": 1}
    assert room.lines == ['Greet: {"n":1}']


def test_steps_are_done_in_order_and_what_they_name_is_seen_by_the_next():
    room = Room({"a": 2})
    output = play(
        room,
        {"let": {"twice": "{{ input.a * 2 }}", "list": ["{{ input.a }}", {"deep": "{{ task.title }}"}]}},
        {"log": "{{ twice }} and {{ vars.twice }} for {{ agent.name }}, told: {{ agent.instructions }}"},
        output={"sum": "{{ twice + 1 }}", "list": "{{ list }}"},
    )
    assert room.lines == ["4 and 4 for Nova, told: Be kind."]
    assert output == {"sum": 5, "list": [2, {"deep": "Greet"}]}


def test_a_step_is_skipped_unless_its_when_is_true():
    room = Room(5)
    play(room, {"when": "{{ input > 3 }}", "log": "large"}, {"when": "{{ input < 3 }}", "log": "small"})
    assert room.lines == ["large"]


def test_what_a_script_names_never_hides_what_it_was_given():
    names = {"input": 1, "task": 1, "agent": 1, "memory": 1, "vars": 1}
    output = play(
        Room("mine", tea="green"),
        {"let": names},
        output="{{ [input, task.title, agent.name, memory.tea, vars.input] }}",
    )
    assert output == ["mine", "Greet", "Nova", "green", 1]


def test_memory_is_read_when_it_is_asked_for_and_is_fresh_after_remembering_and_forgetting():
    room = Room()
    play(room, {"log": "{{ input }}"}, {"let": {"a": 1}})
    assert room.looks == 0
    output = play(
        room,
        {"remember": {"key": "{{ 'te' ~ 'a' }}", "value": "{{ [1, 2] }}", "type": "preference"}},
        {"let": {"seen": "{{ memory.tea }}"}},
        {"forget": "tea"},
        output="{{ [seen, 'tea' in memory] }}",
    )
    assert output == [[1, 2], False]
    assert room.types == {"tea": MemoryType.PREFERENCE}


def test_for_each_does_its_steps_for_each_item_and_gives_the_name_back_afterwards():
    room = Room(["x", "y"])
    loop = {"items": "{{ input }}", "as": "one", "steps": [{"when": "{{ one != 'y' }}", "log": "{{ one }}"}]}
    assert play(room, {"let": {"one": "before"}}, {"for_each": loop}, output="{{ one }}") == "before"
    assert room.lines == ["x"]
    assert play(room, {"for_each": loop}, output="{{ one is defined }}") is False


def test_wait_takes_a_number_or_an_expression():
    room = Room(1)
    play(room, {"wait": 0.5}, {"wait": "{{ input + 1 }}"})
    assert room.waits == [0.5, 2]


@pytest.mark.parametrize(
    ("step", "sentence"),
    [
        ({"fail": "No {{ input }} here."}, "No 7 here."),
        ({"log": "{{ missing }}"}, "In step 2: {{ missing }}: There is no 'missing' here"),
        ({"when": "{{ input.a.b }}", "log": "x"}, "In step 2: {{ input.a.b }}: "),
        ({"wait": "{{ 'long' }}"}, "In step 2: wait must be a number of seconds."),
        ({"wait": "{{ true }}"}, "In step 2: wait must be a number of seconds."),
        ({"wait": "{{ 61 }}"}, "In step 2: wait must be from 0 to 60 seconds."),
        ({"for_each": {"items": "{{ input }}", "as": "i", "steps": []}}, "In step 2: for_each needs a list of items."),
        ({"for_each": {"items": "{{ range(1001) }}", "as": "i", "steps": []}}, "at most 1000 items, not 1001"),
        (
            {"for_each": {"items": [1, 0], "as": "i", "steps": [{"let": {"a": 1}}, {"log": "{{ 1 / i }}"}]}},
            "In step 2, item 2, step 2: {{ 1 / i }}: It divides by zero.",
        ),
    ],
)
def test_what_cannot_be_done_fails_the_task_with_the_step_and_the_expression(step, sentence):
    room = Room(7)
    with pytest.raises(TaskFailed) as failure:
        play(room, {"log": "first"}, step, {"log": "never"})
    assert sentence in str(failure.value)
    assert room.lines[0] == "first"
    assert "never" not in room.lines


def test_an_output_that_is_too_large_fails_the_task_with_both_sizes():
    with pytest.raises(TaskFailed, match=r"The output has 300,00\d bytes of JSON; it may have 262,144"):
        play(Room(), output="{{ 'x' * 300000 }}")


def test_a_runtime_that_this_server_does_not_know_fails_the_task_by_name():
    with pytest.raises(TaskFailed, match=r"no runtime 'magic'.*script"):
        runtimes.run({"type": "magic"}, Room())


def test_every_fault_of_a_script_is_listed_with_its_place():
    inner = [{"for_each": {"items": [], "as": "x", "steps": []}}, {"wait": True}]
    faults = runtimes.check(
        {
            "type": "script",
            "colour": "red",
            "steps": [
                {"log": "{{ 1 +"},
                {"wait": 61, "when": "{{ }}"},
                {"log": "a", "fail": "b"},
                {},
                {"shout": 1},
                "x",
                {"remember": {"type": "odd", "colour": 1}},
                {"let": {"1x": "{{ a b }}"}},
                {"for_each": {"items": "{{ x", "as": "a b", "steps": inner}},
                {"for_each": 5},
            ],
            "output": {"a": ["{{ nope("]},
        }
    )
    assert sorted({fault.pointer for fault in faults}) == sorted(
        [
            "/colour", "/output/a/0", "/steps/0/log", "/steps/1/when", "/steps/1/wait", "/steps/2", "/steps/3",
            "/steps/4", "/steps/4/shout", "/steps/5", "/steps/6/remember/type", "/steps/6/remember/colour",
            "/steps/6/remember/key", "/steps/6/remember/value", "/steps/7/let/1x", "/steps/8/for_each/as",
            "/steps/8/for_each/items", "/steps/8/for_each/steps/0/for_each", "/steps/8/for_each/steps/1/wait",
            "/steps/9/for_each",
        ]
    )  # fmt: skip
    assert all(fault.detail.endswith(".") for fault in faults)


@pytest.mark.parametrize(
    ("runtime", "pointer"),
    [
        ({}, "/type"),
        ({"type": "magic"}, "/type"),
        ({"type": ["script"]}, "/type"),
        ({"type": "script", "steps": "x"}, "/steps"),
        ({"type": "script", "steps": None}, "/steps"),
        ({"type": "script", "steps": [{"log": "x"}] * 201}, "/steps"),
    ],
)
def test_what_is_no_runtime_at_all_is_refused_by_place(runtime, pointer):
    faults = runtimes.check(runtime)
    assert [fault.pointer for fault in faults] == [pointer]
    if pointer == "/type":
        assert "script" in faults[0].detail


@pytest.fixture
def held(db, settings):
    """A task of an agent, claimed, over the real database: gives a function that makes its context."""
    person = create_account(db, settings, "a@example.com", "A", "a long password")
    create_workspace(db, "lab", "Lab", person, workspace_id="workspace-lab")

    def make(status=AgentStatus.LEARNING, given=None, **limits) -> TaskContext:
        wanted = AgentCreate(name="Nova", status=status, limits=Limits(**limits))
        agent = create_agent(db, "workspace-lab", wanted, actor=None).agent
        task = service.give_task(db, lambda _id: None, agent, "Greet", given, actor=None)
        claimed = service.claim_task(db, task.id, "wrk_test", 15, 3)
        assert claimed is not None
        return TaskContext(db, claimed, agent, 15)

    return make


def test_a_learning_agent_keeps_what_a_script_remembers_and_can_read_and_forget_it(db, held):
    context = held()
    keep = {"remember": {"key": "tea", "value": {"kind": "green"}, "type": "fact"}}
    assert play(context, keep, output="{{ memory.tea.kind }}") == "green"
    item = memory.recall(db, context.agent.id, "tea")
    assert (item.value, item.type) == ({"kind": "green"}, MemoryType.FACT)
    play(context, {"forget": "tea"}, {"forget": "never known"})
    assert memory.recall(db, context.agent.id, "tea") is None


@pytest.mark.parametrize("step", [{"remember": {"key": "tea", "value": 1}}, {"forget": "tea"}])
def test_an_active_agent_is_refused_memory_with_the_cure(db, held, step):
    context = held(AgentStatus.ACTIVE)
    with pytest.raises(TaskFailed, match="active, so its memory is read-only to it; set its status to learning"):
        play(context, step)
    assert memory.recall(db, context.agent.id, "tea") is None


def test_a_script_logs_to_its_task_in_order(db, held):
    context = held(given=[1, 2, 3])
    loop = {"items": "{{ input }}", "as": "n", "steps": [{"log": "line {{ n }}"}]}
    play(context, {"for_each": loop})
    lines = service.list_log(db, context.task.id, 0, 10)
    assert [(line.seq, line.text) for line in lines] == [(1, "line 1"), (2, "line 2"), (3, "line 3")]


def test_a_task_that_logs_too_much_fails_with_the_ceiling_named(db, held):
    context = held(log_lines=2)
    with pytest.raises(TaskFailed, match=r"more than 2 lines.*limits\.log_lines"):
        play(context, *[{"log": "x"}] * 5)
    assert len(service.list_log(db, context.task.id, 0, 10)) == 2


def test_a_task_that_takes_too_long_fails_with_the_ceiling_named(held, monkeypatch):
    context = held(seconds=3)
    later = clock.monotonic() + 4
    monkeypatch.setattr(clock, "monotonic", lambda: later)
    with pytest.raises(TaskFailed, match=r"longer than 3 seconds.*limits\.seconds"):
        play(context, {"log": "too late"})


@pytest.mark.parametrize(
    ("item", "sentence"),
    [
        ({"key": "{{ 'k' * 201 }}", "value": 1}, "1 to 200 characters, not 201"),
        ({"key": " ", "value": 1}, "blank"),
        ({"key": "k", "value": "{{ 'x' * 70000 }}"}, "at most 65,536 bytes"),
    ],
)
def test_memory_that_cannot_be_kept_fails_the_task_with_the_limit(db, held, item, sentence):
    context = held()
    with pytest.raises(Exception, match=sentence):
        play(context, {"remember": item})
    assert list(memory.list_memory(db, context.agent.id, "~", 10)) == []


def test_a_script_that_is_kept_as_json_is_the_same_script():
    runtime = script({"wait": 1}, output="{{ input }}")
    again = msgspec.json.decode(msgspec.json.encode(runtime))
    assert runtimes.run(again, Room("same")) == "same"


def documented() -> list[dict]:
    text = (Path(__file__).parents[2] / "docs" / "agents.md").read_text()
    return [msgspec.json.decode(block) for block in re.findall(r"```json\n(.*?)```", text, re.DOTALL)]


@pytest.mark.parametrize(
    ("number", "given", "known", "output", "lines"),
    [
        (0, "hello", {}, "hello", ["Greet: hello"]),
        (1, [3, 1, 2], {}, {"total": 6, "largest": 3}, ["3 of 6", "1 of 6", "2 of 6"]),
        (2, None, {"times": 4}, "Asked 5 times.", []),
    ],
)
def test_an_example_of_the_documentation_does_what_it_says(number, given, known, output, lines):
    room = Room(given, **known)
    assert runtimes.check(documented()[number]) == []
    assert runtimes.run(documented()[number], room) == output
    assert room.lines == lines


def test_every_example_of_the_documentation_is_tried_and_the_first_is_the_default():
    assert len(documented()) == 3
    assert documented()[0] == runtimes.default_runtime()
    with pytest.raises(TaskFailed, match="no numbers"):
        runtimes.run(documented()[1], Room([]))


def test_a_script_cannot_fill_the_memory_of_the_server_with_many_variables():
    many = [{"let": {f"v{step}_{number}": "{{ 'x' * 900000 }}" for number in range(50)}} for step in range(10)]
    with pytest.raises(TaskFailed, match="the variables are over 8,388,608 bytes"):
        play(Room(), *many)
    again = {"for_each": {"items": "{{ range(50) }}", "as": "i", "steps": [{"let": {"v": "{{ 'x' * 900000 }}"}}]}}
    assert play(Room(), again, output="{{ v | length }}") == 900_000


def test_one_step_makes_at_most_a_hundred_variables():
    faults = runtimes.check(script({"let": {f"v{number}": 1 for number in range(101)}}))
    assert [(fault.pointer, fault.detail) for fault in faults] == [
        ("/steps/0/let", "let must have at most 100 entries.")
    ]


def test_a_nul_that_an_expression_makes_is_never_logged_nor_a_key():
    room = Room()
    play(room, {"log": '{{ "a\\x00b" }}'}, {"remember": {"key": '{{ "k\\x00" }}', "value": 1}})
    assert room.lines == ["a\ufffdb"]
    assert room.known == {"k\ufffd": 1}
