"""A server that is killed while people write: what was answered with 2xx is there afterwards, whole."""

import json
import threading
import time
import urllib.error
import urllib.request

from servers import RunningServer


def call(server, path, body=None, token=None, key=None):
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    if key:
        headers["Idempotency-Key"] = key
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(server.url + path, data, headers), timeout=10) as answer:
        return json.load(answer)


def sign_in(server):
    return call(server, "/auth/login", {"email": "avery.owner@example.com", "password": "password123"})["token"]


def test_nothing_that_was_answered_is_lost_and_a_repeated_request_is_done_once(tmp_path):
    server = RunningServer(tmp_path, DATABASE_SYNCHRONOUS="full", WORKER_THREADS="0").start()
    answered: dict[str, str] = {}
    sent: list[str] = []
    stop = threading.Event()
    token = sign_in(server)

    def write(writer):
        number = 0
        while not stop.is_set():
            name = f"{writer}-{number}"
            sent.append(name)
            try:
                # The same key until it is answered, as a careful client does.
                made = call(server, "/workspaces/aurora/agents", {"name": name}, token, key=name)
            except urllib.error.HTTPError as error:
                assert error.code in {409, 503}, error.read()
                time.sleep(0.02)
            except OSError:
                time.sleep(0.02)
            else:
                answered[name] = made["id"]
                number += 1

    threads = [threading.Thread(target=write, args=(writer,)) for writer in "abcd"]
    for thread in threads:
        thread.start()
    for _ in range(3):
        enough = len(answered) + 40
        while len(answered) < enough:
            time.sleep(0.005)
        server.kill()
        server.start()
    stop.set()
    for thread in threads:
        thread.join()
    found: dict[str, list[str]] = {}
    cursor = ""
    while cursor is not None:
        page = call(server, f"/workspaces/aurora/agents?limit=200{cursor and '&cursor=' + cursor}", token=token)
        for agent in page["items"]:
            found.setdefault(agent["name"], []).append(agent["id"])
        cursor = page["next"]
    for name, agent_id in answered.items():
        assert found[name] == [agent_id]
    made = {name: ids for name, ids in found.items() if name in sent}
    assert all(len(ids) == 1 for ids in made.values())
    events = {}
    cursor = ""
    while cursor is not None:
        page = call(server, f"/workspaces/aurora/activity?limit=200{cursor and '&cursor=' + cursor}", token=token)
        for event in page["items"]:
            if event["type"] == "agent.created":
                events[event["subject"]] = event["data"]["name"]
        cursor = page["next"]
    assert {events[ids[0]] for ids in made.values()} == set(made)
    assert server.stop() == 0
