"""A secret is planted in every kind of credential, used in every type of step, which succeeds and fails; then
everything that is kept, shown, told and logged is searched for it, in every form."""

import base64
import json
import logging
import socketserver
import sqlite3
import threading
from contextlib import closing
from urllib.parse import quote

import pytest
from conftest import settings_for
from steps.web_server import WebServer

from releaseapp.events.queries import list_events_after
from releaseapp.masking import forms_of

HOME = "/workspaces/aurora"
SECRET = 'Pl4nted"Secret/with+signs&more=0'
PLAIN = "Pl4ntedInAnAddress0123456789"


@pytest.fixture
def settings(tmp_path):
    (tmp_path / "databases").mkdir()
    return settings_for(tmp_path, outbound_allowed_networks="127.0.0.0/8", sqlite_folder=str(tmp_path / "databases"))


@pytest.fixture
def echo():
    """Says back what it was sent, in every form that servers say things back in."""
    one = WebServer()

    header = f"Bearer {SECRET} {PLAIN} Basic {base64.b64encode(f'user:{SECRET}'.encode()).decode()}"
    told = {
        "header": header,
        "base64": base64.b64encode(f"prefix {header}".encode()).decode(),
        "quoted": quote(SECRET, safe=""),
        "json": json.dumps(SECRET),
        "plain": SECRET,
        "address": PLAIN,
        SECRET: "as a key",
    }

    def answer(status):
        return status, {"Content-Type": "application/json", "X-Echo": PLAIN}, json.dumps(told).encode()

    one.answers |= {"/ok": answer(200), "/bad": answer(500), f"/hook/{PLAIN}": answer(500)}
    yield one
    one.end()


@pytest.fixture
def mail():
    """A mail server that refuses everybody, and repeats the password while it does."""

    class Rude(socketserver.StreamRequestHandler):
        def handle(self):
            self.wfile.write(b"220 here\r\n")
            while line := self.rfile.readline():
                if line.upper().startswith(b"EHLO"):
                    self.wfile.write(b"250-here\r\n250 AUTH PLAIN LOGIN\r\n")
                elif line.upper().startswith(b"AUTH"):
                    self.wfile.write(f"535 no: {SECRET} {base64.b64encode(SECRET.encode()).decode()}\r\n".encode())
                else:
                    self.wfile.write(b"221 bye\r\n")

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Rude)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


def test_a_planted_secret_is_nowhere(app, tmp_path, settings, echo, mail, caplog):
    caplog.set_level(logging.DEBUG)
    avery = app.as_program("avery.owner@example.com")
    with closing(sqlite3.connect(tmp_path / "databases" / "shop.db")) as shop, shop:
        shop.execute("CREATE TABLE notes (text)")
        shop.execute("INSERT INTO notes VALUES (?)", (f"row with {SECRET}",))
    for name, kind, fields, hosts in (
        ("key", "api-key", {"key": SECRET, "header": "X-Key", "prefix": ""}, ["127.0.0.1"]),
        ("basic", "basic", {"username": "user", "password": SECRET}, ["127.0.0.1"]),
        ("token", "oauth-token", {"access_token": PLAIN}, ["127.0.0.1"]),
        ("mail", "smtp", {"host": "127.0.0.1", "port": mail, "username": "u", "password": SECRET, "security": "none", "sender": "a@example.com"}, []),
        ("hook", "webhook-secret", {"url": f"{echo.url}/hook/{PLAIN}"}, []),
        ("shop", "database", {"url": "sqlite:///shop.db"}, []),
        ("other", "custom", {"fields": SECRET}, []),
    ):  # fmt: skip
        given = {"name": name, "type": kind, "fields": fields, "allowed_hosts": hosts}
        avery.post_json(f"{HOME}/credentials", given, status=201)

    def http(step_id, path, credential):
        config = {"url": f"{echo.url}{path}", "credential": credential}
        return {"id": step_id, "type": "http.request", "config": config, "on_error": "continue", "needs": []}

    steps = [
        http("ok_key", "/ok", "key"), http("bad_key", "/bad", "key"), http("ok_basic", "/ok", "basic"),
        http("bad_basic", "/bad", "basic"), http("bad_token", "/bad", "token"),
        {"id": "mail", "type": "message.send", "config": {"credential": "mail", "to": ["b@example.com"], "text": "x"}, "on_error": "continue", "needs": []},
        {"id": "hook", "type": "message.send", "config": {"credential": "hook", "text": "x"}, "on_error": "continue", "needs": []},
        {"id": "query", "type": "database.query", "config": {"credential": "shop", "sql": "select text from notes"}, "on_error": "continue", "needs": []},
        {"id": "wrong", "type": "database.query", "config": {"credential": "shop", "sql": "select * from nothing"}, "on_error": "continue", "needs": []},
        {"id": "all", "type": "transform", "config": {"value": "{{ steps }}"}, "on_error": "continue", "needs": ["ok_key", "bad_key", "ok_basic", "bad_basic", "bad_token", "mail", "hook", "query", "wrong"]},
        {"id": "is", "type": "condition", "config": {"test": "{{ steps.ok_key.output.body.plain }}"}},
        {"id": "queue", "type": "queue.publish", "config": {"queue": "q", "message": "{{ steps.all.output }}"}},
        {"id": "agent", "type": "agent.task", "config": {"agent": "Task Automator", "title": "{{ steps.ok_key.output.body.plain }}", "input": "{{ steps.all.output }}"}, "on_error": "continue", "needs": ["queue"]},
        {"id": "ask", "type": "approval", "config": {"title": "{{ steps.ok_key.output.body.plain }}", "description": "{{ steps.query.output.rows[0].text }}"}, "needs": ["queue"]},
        {"id": "end", "type": "fail", "needs": ["ask", "agent"], "config": {"message": "{{ steps.all.output }}"}},
    ]  # fmt: skip
    made = avery.post_json(f"{HOME}/workflows", {"definition": {"name": "Leaky", "steps": steps}}).json
    there = f"{HOME}/workflows/{made['id']}"
    avery.post_json(f"{there}/versions/1/publish", {})
    run = avery.post_json(f"{there}/run", {}, status=201).json["id"]
    work = app.app.registry.worker
    settle(work.runs)
    task = next(event.subject for event in events(app) if event.type == "task.created")
    work.tasks._take_up(task)
    approval = avery.get(f"{HOME}/approvals").json["items"][0]
    avery.post_json(f"{HOME}/approvals/{approval['id']}/approve", {})
    settle(work.runs)
    address = f"{HOME}/runs/{run}"
    ended = avery.get(address).json
    assert (ended["status"], ended["failed_step"]) == ("failed", "end")
    stood = {step["step_id"]: step["status"] for step in ended["steps"]}
    assert stood["ok_key"] == stood["ok_basic"] == stood["query"] == "succeeded"
    assert {stood[name] for name in ("bad_key", "bad_basic", "bad_token", "mail", "hook", "wrong")} == {"failed"}

    seen = {"log": caplog.text}
    browser = app.as_browser("avery.owner@example.com")
    paths = [address, f"{address}/log", f"{address}/definition", f"{HOME}/runs", f"{HOME}/queues", f"{HOME}/queues/q",
             f"{HOME}/approvals/{approval['id']}", f"{HOME}/approvals", f"{HOME}/activity", HOME, there, f"{HOME}/credentials"]  # fmt: skip
    for path in [*paths, *(f"{address}/steps/{step['id']}" for step in steps)]:
        seen[f"JSON of {path}"] = avery.get(path, status="*").text
        seen[f"page of {path}"] = browser.get(path, status="*").text
    for step in steps:
        seen[f"page of the step {step['id']}"] = browser.get(f"{address}?step={step['id']}").text
    seen["events"] = repr(events(app))
    seen["metrics"] = avery.get("/metrics").text
    for row in app.app.registry.db.all("SELECT * FROM runs") + app.app.registry.db.all("SELECT * FROM run_steps"):
        seen[f"row {row.get('step_id', row.get('id'))}"] = repr(row)
    for file in tmp_path.rglob("*"):
        if file.is_file() and file.parent.name != "databases":
            seen[str(file)] = file.read_bytes().decode("latin-1")
    assert "***" in seen[f"JSON of {address}/steps/ok_key"]
    forms = forms_of(SECRET) | forms_of(PLAIN) | {SECRET.encode().decode("latin-1")}
    leaks = [(place, form) for place, text in seen.items() for form in forms if form in text]
    assert leaks == []


def settle(worker):
    while True:
        worker.tick()
        worker.sweep()
        if not worker.work_off():
            return


def events(app):
    return list_events_after(app.app.registry.db, 0, 10_000)
