"""The test button, against real servers on this machine: what it says, and that it says no secret."""

import asyncio
import base64
import select
import socket
import sqlite3
import threading
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from aiosmtpd.smtp import SMTP, AuthResult
from conftest import settings_for
from databases import postgres  # noqa: F401 - a fixture

AURORA = "/workspaces/aurora/credentials"
SECRET = "s3cret-pass-do-not-tell"


@pytest.fixture
def settings(tmp_path):
    """Of a server from which this machine may be reached."""
    return settings_for(tmp_path, outbound_allowed_networks="127.0.0.0/8")


@pytest.fixture
def avery(app):
    return app.as_program("avery.owner@example.com")


def add(avery, kind, fields, hosts=()):
    body = {"name": f"{kind} {len(avery.get(AURORA).json['items'])}", "type": kind, "fields": fields}
    return f"{AURORA}/{avery.post_json(AURORA, {**body, 'allowed_hosts': list(hosts)}, status=201).json['id']}"


def outcome(avery, path, **body):
    answer = avery.post_json(f"{path}/test", body, status=200)
    assert SECRET not in answer.text
    return answer.json["ok"], answer.json["detail"]


@pytest.fixture
def web():
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            seen.append({name.lower(): value for name, value in self.headers.items()})
            status = {"/denied": 401, "/broken": 500, "/away": 302}.get(self.path, 200)
            self.send_response(status)
            if status == 302:
                self.send_header("Location", "http://localhost:1/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    seen = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.seen = seen
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("kind", "fields", "header", "value"),
    [
        ("api-key", {"key": SECRET}, "Authorization", f"Bearer {SECRET}"),
        ("api-key", {"key": SECRET, "header": "X-API-Key", "prefix": ""}, "X-API-Key", SECRET),
        ("oauth-token", {"access_token": SECRET}, "Authorization", f"Bearer {SECRET}"),
        (
            "basic",
            {"username": "ada", "password": SECRET},
            "Authorization",
            "Basic " + base64.b64encode(f"ada:{SECRET}".encode()).decode(),
        ),
    ],
)
def test_what_goes_over_http_is_sent_to_the_address_given(avery, web, kind, fields, header, value):
    path = add(avery, kind, fields, [f"127.0.0.1:{web.server_port}"])
    base = f"http://127.0.0.1:{web.server_port}"
    assert outcome(avery, path, url=f"{base}/me") == (True, "127.0.0.1 answered 200.")
    assert web.seen[-1][header.lower()] == value
    assert outcome(avery, path, url=f"{base}/denied")[0] is False
    ok, detail = outcome(avery, path, url=f"{base}/broken")
    assert (ok, "500" in detail) == (False, True)
    shown = avery.get(path).json
    assert shown["last_used_by"] == "a test"


def test_a_secret_is_sent_nowhere_else_not_even_by_a_redirect(avery, web):
    base = f"http://127.0.0.1:{web.server_port}"
    for hosts in ([], ["api.example.com"], ["127.0.0.1:1"]):
        path = add(avery, "api-key", {"key": SECRET}, hosts)
        refused = avery.post_json(f"{path}/test", {"url": f"{base}/me"}, status=400)
        assert "not among the allowed hosts" in refused.json["detail"]
        for url in (
            "",
            "ftp://127.0.0.1/x",
            "nonsense",
            "http://ada:pw@127.0.0.1/",
            f"http://127.0.0.1:{web.server_port}/a b",
        ):
            refused = avery.post_json(f"{path}/test", {"url": url}, status=400)
            assert refused.json["errors"][0]["pointer"] == "/url"
    assert web.seen == []
    path = add(avery, "api-key", {"key": SECRET}, [f"127.0.0.1:{web.server_port}"])
    assert outcome(avery, path, url=f"{base}/away")[0] is False


def test_a_page_of_a_credential_has_the_button_and_shows_the_outcome(app, avery, web):
    path = add(avery, "api-key", {"key": SECRET}, ["127.0.0.1"])
    form = app.as_browser("avery.owner@example.com").get(path).forms["test"]
    form["url"] = f"http://127.0.0.1:{web.server_port}/me"
    page = form.submit(status=200)
    assert "The test succeeded." in page.html.find(id="outcome").text
    assert SECRET not in page.text
    form["url"] = "http://example.com/"
    page = form.submit(status=400)
    assert "allowed hosts" in page.html.find(id="url-error").text


@pytest.fixture
def mail():
    def accept(_server, _session, _envelope, _mechanism, data):
        return AuthResult(success=data.password == SECRET.encode(), handled=False)

    loop = asyncio.new_event_loop()
    made = loop.create_server(
        lambda: SMTP(object(), loop=loop, hostname="mail", authenticator=accept, auth_require_tls=False), "127.0.0.1", 0
    )
    # In a thread of its own: tests in a browser may have a loop running in this one.
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(made, loop).result(10)
    yield server.sockets[0].getsockname()[1]

    async def end():
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    server.close()
    asyncio.run_coroutine_threadsafe(end(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def test_a_mail_server_is_signed_in_to(avery, mail):
    base = {"host": "127.0.0.1", "port": mail, "sender": "r@example.com", "security": "none"}
    right = {**base, "username": "ada", "password": SECRET}
    assert outcome(avery, add(avery, "smtp", right)) == (True, "127.0.0.1 answers and accepts the user.")
    ok, detail = outcome(avery, add(avery, "smtp", {**right, "password": f"{SECRET}-wrong"}))
    assert (ok, "refused the user and password" in detail) == (False, True)
    assert outcome(avery, add(avery, "smtp", base)) == (True, "127.0.0.1 answers.")
    ok, detail = outcome(avery, add(avery, "smtp", {**right, "security": "starttls"}))
    assert (ok, "could not be used" in detail) == (False, True)
    ok, detail = outcome(avery, add(avery, "smtp", {**right, "security": "tls"}))
    assert (ok, "could not be used" in detail) == (False, True)


def test_a_server_that_is_not_there_is_told_in_a_sentence(avery):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    mail = {"host": "127.0.0.1", "port": port, "sender": "r@example.com"}
    database = {"url": f"postgresql://ada:{SECRET}@127.0.0.1:{port}/shop"}
    for kind, fields in (("smtp", mail), ("database", database)):
        ok, detail = outcome(avery, add(avery, kind, fields))
        assert (ok, "127.0.0.1" in detail) == (False, True)
        assert detail.endswith(".")
    path = add(avery, "api-key", {"key": SECRET}, ["127.0.0.1"])
    assert outcome(avery, path, url=f"http://127.0.0.1:{port}/")[0] is False


def test_a_sqlite_file_is_looked_into_and_left_as_it_is(avery, settings):
    folder = Path(settings.sqlite_databases)
    folder.mkdir()
    with closing(sqlite3.connect(folder / "shop.db")) as connection:
        connection.execute("CREATE TABLE t (a)")
    before = (folder / "shop.db").read_bytes()
    assert outcome(avery, add(avery, "database", {"url": "sqlite:///shop.db"}))[0] is True
    assert (folder / "shop.db").read_bytes() == before
    ok, detail = outcome(avery, add(avery, "database", {"url": "sqlite:///none.db"}))
    assert (ok, detail) == (False, "There is no file none.db in this server's folder for databases.")
    assert not (folder / "none.db").exists()
    (folder / "text.db").write_text("This is no database, but long enough to be looked at as one." * 50)
    assert outcome(avery, add(avery, "database", {"url": "sqlite:///text.db"}))[0] is False


@pytest.fixture
def port_of_postgres(postgres):  # noqa: F811
    """PostgreSQL by TCP: what listens on a socket of the file system is brought to a port."""
    path = f"{parse_qs(urlsplit(postgres.get_uri()).query)['host'][0]}/.s.PGSQL.5432"
    listener = socket.create_server(("127.0.0.1", 0))

    def carry():
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with client, socket.socket(socket.AF_UNIX) as server:
                server.connect(path)
                other = {client: server, server: client}
                while all(_moved(one, other[one]) for one in select.select([client, server], [], [])[0]):
                    pass

    thread = threading.Thread(target=carry)
    thread.start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


def _moved(one, other):
    data = one.recv(65536)
    if data:
        other.sendall(data)
    return bool(data)


@pytest.mark.xdist_group("postgresql")
def test_a_postgresql_server_is_asked_the_smallest_question(avery, port_of_postgres):
    base = f"postgresql://postgres:{SECRET}@127.0.0.1:{port_of_postgres}"
    ok, detail = outcome(avery, add(avery, "database", {"url": f"{base}/postgres?sslmode=prefer"}))
    assert (ok, detail) == (True, "127.0.0.1 answers and accepts the user.")
    ok, detail = outcome(avery, add(avery, "database", {"url": f"{base}/none"}))
    assert (ok, "none" in detail) == (False, True)


def test_what_cannot_be_tried_tells_that_it_opens(avery):
    for kind, fields in (("custom", {"a": SECRET}), ("webhook-secret", {"secret": SECRET})):
        ok, detail = outcome(avery, add(avery, kind, fields))
        assert (ok, "decrypts" in detail) == (True, True)


def test_a_test_takes_no_other_field(avery):
    path = add(avery, "custom", {"a": SECRET})
    refused = avery.post_json(f"{path}/test", {"host": "x"}, status=400)
    assert refused.json["errors"][0]["pointer"] == "/host"
    assert outcome(avery, path) == (True, "It decrypts. Whether it is right shows when it is used.")


@pytest.mark.parametrize("host", ["10.1.2.3", "169.254.169.254", "192.168.0.1", "::1"])
def test_nothing_is_sent_to_addresses_that_are_not_public(avery, host):
    shown = f"[{host}]" if ":" in host else host
    for kind, fields in (
        ("smtp", {"host": host, "sender": "r@example.com", "username": "ada", "password": SECRET}),
        ("database", {"url": f"postgresql://ada:{SECRET}@{shown}/shop"}),
    ):
        ok, detail = outcome(avery, add(avery, kind, fields))
        assert (ok, "not a public address" in detail) == (False, True)
    path = add(avery, "api-key", {"key": SECRET}, [shown])
    ok, detail = outcome(avery, path, url=f"http://{shown}/")
    assert (ok, "not a public address" in detail) == (False, True)
