"""Steps that work outside as parts of real runs: with credentials of the vault, retries, time limits and cancelling."""

import sqlite3
import threading
from contextlib import closing

import pytest
from running import Lab
from steps.context import soon
from steps.web_server import WebServer

from releaseapp.credentials.models import CredentialType
from releaseapp.credentials.schemas import CredentialCreate
from releaseapp.credentials.service import create_credential
from releaseapp.runs import service
from releaseapp.runs.models import TriggerType

KEY = "key-0123456789-secret"
HOME = "workspace-lab"


@pytest.fixture
def lab(tmp_path):
    one = Lab(
        tmp_path,
        outbound_allowed_networks="127.0.0.0/8",
        credentials_secret="another secret for tests, long and varied: 9876543210",
    )
    yield one
    one.close()


@pytest.fixture
def server():
    one = WebServer()
    yield one
    one.end()


def keep(lab, kind, name, fields, hosts=()):
    given = CredentialCreate(name=name, type=CredentialType(kind), fields=fields, allowed_hosts=list(hosts))
    create_credential(lab.db, lab.kit.vault, HOME, given, actor=lab.person.id)


def http(step_id, url, **more):
    about = {name: more.pop(name) for name in ("retry", "timeout_seconds") if name in more}
    return {"id": step_id, "type": "http.request", "config": {"url": url, **more}, **about}


def test_what_one_step_gets_another_uses_and_no_secret_is_in_the_run(lab, server):
    keep(lab, "api-key", "shop", {"key": KEY}, hosts=["127.0.0.1"])
    server.answers["/orders"] = (200, {"Content-Type": "application/json"}, b'{"open": [3, 4]}')
    server.answers["/echo"] = (200, {"Content-Type": "text/plain"}, f"you are {KEY}".encode())
    run = lab.run(
        lab.workflow(
            http("orders", f"{server.url}/orders", credential="shop"),
            http("echo", f"{server.url}/echo", credential="shop"),
            {"id": "sum", "type": "transform", "config": {"value": "{{ steps.orders.output.body.open | sum }}"}},
            output="{{ steps.sum.output }}",
        )
    )
    assert (run.status, run.error) == ("succeeded", None)
    assert run.output == 7
    assert server.asked[0]["headers"]["authorization"] == f"Bearer {KEY}"
    kept = str([lab.step(run, one) for one in ("orders", "echo")]) + str(lab.log(run)) + str(lab.events(run))
    assert KEY not in kept


def test_a_server_in_trouble_is_asked_again_with_the_same_key(lab, server):
    replies = [(503, {}, b"later"), (200, {}, b"")]
    server.answers = type("Replies", (), {"get": lambda *_: replies.pop(0)})()
    run = lab.run(lab.workflow(http("a", server.url, retry={"max_attempts": 3, "backoff": "none"})))
    assert run.status == "succeeded"
    assert lab.steps(run) == {("a", 1): "failed", ("a", 2): "succeeded"}
    assert "503" in lab.db.first("SELECT error FROM run_steps WHERE attempt = 1")["error"]
    keys = {asked["headers"]["idempotency-key"] for asked in server.asked}
    assert len(server.asked) == 2
    assert keys == {f"{run.id}/a/1"}


def test_what_will_not_get_better_is_not_tried_again(lab, server):
    server.answers["/"] = (404, {}, b"no such page")
    run = lab.run(lab.workflow(http("a", f"{server.url}/", retry={"max_attempts": 3, "backoff": "none"})))
    assert run.status == "failed"
    assert "404" in run.error
    assert len(server.asked) == 1


def test_a_credential_that_is_not_there_fails_the_step_with_its_name(lab, server):
    run = lab.run(lab.workflow(http("a", server.url, credential="gone")))
    assert run.status == "failed"
    assert "gone" in run.error
    assert not server.asked


@pytest.fixture
def hanging(server):
    """The address of a server that has begun to answer and goes no further; it tells when it has."""
    began, let_go = threading.Event(), threading.Event()

    class Body(bytes):
        def __len__(self):
            began.set()
            let_go.wait(20)
            return 0

    server.answers["/slow"] = (200, {}, Body())
    yield f"{server.url}/slow", began
    let_go.set()


def test_a_step_that_takes_too_long_is_given_up(lab, hanging):
    lab.worker.start()
    url, _ = hanging
    run = lab.start(lab.workflow(http("a", url, timeout_seconds=0.3)))
    soon(lambda: lab.now(run).status == "failed")
    assert lab.steps(run) == {("a", 1): "failed"}


def test_cancelling_ends_a_request_that_is_under_way(lab, hanging):
    lab.worker.start()
    url, began = hanging
    run = lab.start(lab.workflow(http("a", url)))
    assert began.wait(10)
    before = {thread for thread in threading.enumerate() if thread.name.startswith("step ")}
    assert before
    service.cancel_run(lab.kit, run, lab.person.id)
    soon(lambda: not any(thread.is_alive() for thread in before))
    assert lab.now(run).status == "cancelled"
    assert lab.steps(run) == {("a", 1): "cancelled"}


def test_rows_of_a_file_go_through_a_run(lab):
    folder = lab.settings.sqlite_databases
    folder.mkdir(parents=True)
    with closing(sqlite3.connect(folder / "orders.db")) as connection, connection:
        connection.execute("create table orders (id integer primary key, customer text)")
    keep(lab, "database", "orders", {"url": "sqlite:///orders.db"})
    insert = "insert into orders (customer) values (:who) returning id, customer"
    config = {"credential": "orders", "sql": insert, "parameters": {"who": "{{ item }}"}, "write": True}
    read = {"credential": "orders", "sql": "select customer from orders order by id"}
    run = lab.run(
        lab.workflow(
            {
                "id": "add",
                "type": "database.query",
                "config": config,
                "for_each": "{{ inputs.who }}",
                "max_parallel": 1,
            },
            {"id": "read", "type": "database.query", "config": read},
            output="{{ steps.read.output.rows | map(attribute='customer') | list }}",
        ),
        {"who": ["Ada", "x'); drop table orders; --"]},
    )
    assert run.status == "succeeded", run.error
    assert run.output == ["Ada", "x'); drop table orders; --"]


def test_a_test_run_without_effects_leaves_them_out(lab, server):
    workflow = lab.workflow(http("a", server.url), output="{{ steps.a.output.status }}")
    run = lab.run(workflow, trigger_type=TriggerType.TEST, by=lab.person.id, effects=False)
    assert (run.status, run.output) == ("succeeded", 200)
    assert not server.asked
