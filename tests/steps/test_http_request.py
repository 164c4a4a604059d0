"""``http.request`` to real servers on this machine, well-behaved and not."""

import base64
import gzip
import json
import socket
import ssl
import threading
import zlib

import msgspec
import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st
from steps.context import Abandoning, secret
from steps.web_server import WebServer

from releaseapp.steps.api import Abandoned, StepFailed
from releaseapp.steps.http_request import HttpRequest, run
from releaseapp.steps.web_call import Answered

KEY = "key-0123456789"


@pytest.fixture
def start():
    running = []

    def start(**options):
        running.append(WebServer(**options))
        return running[-1]

    yield start
    for server in running:
        server.end()


@pytest.fixture
def server(start):
    return start()


def failure(config, context):
    with pytest.raises(StepFailed) as caught:
        run(config, context)
    assert KEY not in str(caught.value)
    return caught.value


def test_json_comes_back_as_json_with_status_and_headers(server, context):
    server.answers["/orders"] = (
        200,
        {"Content-Type": "application/json; charset=utf-8", "X-One": "1"},
        b'{"a": [1, 2.5]}',
    )
    output = run(HttpRequest(url=f"{server.url}/orders"), context()).output
    assert output["status"] == 200
    assert output["body"] == {"a": [1, 2.5]}
    assert output["headers"]["x-one"] == "1"
    assert server.asked[0]["method"] == "GET"


def test_cookies_are_left_out_and_other_headers_that_come_twice_are_joined(server, context):
    headers = [("Set-Cookie", "session=s3cret"), ("Set-Cookie", "b=2"), ("Warning", "one"), ("Warning", "two")]
    server.answers["/"] = (200, headers, b"")
    output = run(HttpRequest(url=server.url), context()).output
    assert "set-cookie" not in output["headers"]
    assert "s3cret" not in json.dumps(output)
    assert output["headers"]["warning"] == "one, two"
    assert output["body"] is None


@pytest.mark.parametrize(
    ("kind", "body", "expected"),
    [
        ("text/plain", "Grüße".encode(), "Grüße"),
        ("text/plain; charset=latin-1", "Grüße".encode("latin-1"), "Grüße"),
        ("text/plain; charset=no-such", "Grüße".encode(), "Grüße"),
        ("text/plain; charset=unicode_escape", b"\\ud800", "\\ud800"),
        ("text/plain; charset=punycode", b"x" * 900_000, "x" * 900_000),
        ("text/plain; Charset=UTF-16", "hi".encode("utf-16"), "hi"),
        ("text/html", b"<p>hi</p>", "<p>hi</p>"),
        ("application/xml", b"<a/>", "<a/>"),
        ("application/problem+json", b'{"title": "no"}', {"title": "no"}),
        ("application/json", b"null", None),
        ("application/json", b"", None),
        ("application/json", b"{broken", "{broken"),
        ("application/json", b"[" * 5000, "[" * 5000),
        ("application/json", b"\xef\xbb\xbf[1]", [1]),
        ("application/x-ndjson", b'{"a":1}\n{"a":2}\n', '{"a":1}\n{"a":2}\n'),
        ("image/png", b"\x89PNG\x00", {"base64": "iVBORwA="}),
        ("text/plain", b"\xff\xfe\x00", {"base64": "//4A"}),
        ("", b"plain", "plain"),
        ("", b"\x00\xff", {"base64": "AP8="}),
    ],
)
def test_a_body_is_json_text_or_base64_as_the_answer_says(server, context, kind, body, expected):
    server.answers["/"] = (200, {"Content-Type": kind} if kind else {}, body)
    assert run(HttpRequest(url=server.url), context()).output["body"] == expected


@pytest.mark.parametrize(
    ("body", "sent", "kind"),
    [
        ({"a": [1, "ü"]}, '{"a":[1,"ü"]}', "application/json"),
        ([], "[]", "application/json"),
        (0, "0", "application/json"),
        (False, "false", "application/json"),
        ("Grüße", "Grüße", "text/plain; charset=utf-8"),
        ("", "", "text/plain; charset=utf-8"),
    ],
)
def test_a_body_is_sent_as_json_or_as_the_text_it_is(server, context, body, sent, kind):
    run(HttpRequest(url=server.url, method="POST", body=body), context())
    assert server.asked[0]["body"].decode() == sent
    assert server.asked[0]["headers"]["content-type"] == kind


def test_headers_of_the_writer_come_before_ours(server, context):
    headers = {"content-type": "text/csv", "IDEMPOTENCY-KEY": "mine", "X-Trace": "1"}
    run(HttpRequest(url=server.url, method="POST", body="a,b", headers=headers), context())
    asked = server.asked[0]["headers"]
    assert (asked["content-type"], asked["idempotency-key"], asked["x-trace"]) == ("text/csv", "mine", "1")


def test_the_key_of_the_step_is_sent_along_and_nothing_without_a_body_has_a_type(server, context):
    run(HttpRequest(url=server.url, method="DELETE"), context(key="run_9/charge/1"))
    assert server.asked[0]["headers"]["idempotency-key"] == "run_9/charge/1"
    assert "content-type" not in server.asked[0]["headers"]


@pytest.mark.parametrize(
    "headers",
    [
        {"X-One": "1\r\nX-Two: 2"},
        {"X-One\r\nX-Two": "1"},
        {"X One": "1"},
        {"": "1"},
        {"X-One": "☃"},
        {"Host": "other.example.com"},
        {"Content-Length": "7"},
        {"Transfer-Encoding": "chunked"},
    ],
)
def test_a_header_that_would_change_the_request_is_refused_by_name(server, context, headers):
    error = failure(HttpRequest(url=server.url, headers=headers), context())
    assert "header" in str(error)
    assert not error.retryable
    assert not server.asked


def test_a_query_is_encoded_and_added_to_what_the_address_has(server, context):
    query = {"q": "a&b=ü", "id": [1, 2], "on": True, "off": None}
    run(HttpRequest(url=f"{server.url}/find?page=1#top", query=query), context())
    assert server.asked[0]["path"] == "/find?page=1&q=a%26b%3D%C3%BC&id=1&id=2&on=true"


# ── credentials ──────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("kind", "fields", "header", "value"),
    [
        ("api-key", {"key": KEY, "header": "Authorization", "prefix": "Bearer"}, "authorization", f"Bearer {KEY}"),
        ("api-key", {"key": KEY, "header": "X-API-Key", "prefix": ""}, "x-api-key", KEY),
        ("oauth-token", {"access_token": KEY, "refresh_token": ""}, "authorization", f"Bearer {KEY}"),
        (
            "basic",
            {"username": "bot", "password": KEY},
            "authorization",
            "Basic " + base64.b64encode(f"bot:{KEY}".encode()).decode(),
        ),
    ],
)
def test_a_credential_signs_in_by_its_type(server, context, kind, fields, header, value):
    given = context(secret(kind, fields))
    output = run(HttpRequest(url=server.url, credential="door"), given).output
    assert server.asked[0]["headers"][header] == value
    assert KEY not in json.dumps(output) + given.log_text


@pytest.fixture
def door():
    return secret("api-key", {"key": KEY, "header": "Authorization", "prefix": "Bearer"})


def test_a_header_of_the_writer_does_not_stand_beside_that_of_the_credential(server, context, door):
    run(HttpRequest(url=server.url, credential="door", headers={"authorization": "Bearer mine"}), context(door))
    assert server.asked[0]["headers"]["authorization"] == f"Bearer {KEY}"


def test_a_host_that_the_credential_does_not_allow_gets_nothing_and_is_named(server, context):
    door = secret("api-key", {"key": KEY, "header": "Authorization", "prefix": "Bearer"}, hosts=["api.example.com"])
    error = failure(HttpRequest(url=server.url, credential="door"), context(door))
    assert "'door'" in str(error)
    assert "127.0.0.1" in str(error)
    assert "allowed hosts" in str(error)
    assert not error.retryable
    assert not server.asked


def test_a_redirect_does_not_carry_a_credential_to_a_host_that_it_does_not_allow(server, start, context):
    other = start()
    server.answers["/"] = (302, {"Location": f"{other.url}/stolen"}, b"")
    door = secret("api-key", {"key": KEY, "header": "X-Key", "prefix": ""}, hosts=[f"127.0.0.1:{server.port}"])
    with pytest.raises(StepFailed) as caught:
        run(HttpRequest(url=server.url, credential="door"), context(door))
    assert "'door'" in str(caught.value)
    assert all("x-key" not in asked["headers"] for asked in other.asked)


def test_a_redirect_does_not_carry_the_secret_to_another_origin_even_where_it_is_allowed(server, start, context):
    other = start()
    server.answers["/"] = (307, {"Location": f"{other.url}/next"}, b"")
    door = secret("api-key", {"key": KEY, "header": "X-Key", "prefix": ""}, hosts=["127.0.0.1"])
    config = HttpRequest(url=server.url, credential="door", headers={"Authorization": "mine", "X-Trace": "1"})
    assert run(config, context(door)).output["status"] == 200
    assert server.asked[0]["headers"]["x-key"] == KEY
    assert not {"x-key", "authorization"} & set(other.asked[0]["headers"])
    assert other.asked[0]["headers"]["x-trace"] == "1"


@pytest.mark.parametrize(
    ("entry", "url", "allowed"),
    [
        ("api.example.com:443", "https://api.example.com/x", True),
        ("api.example.com:80", "http://api.example.com/x", True),
        ("api.example.com:443", "http://api.example.com/x", False),
        ("api.example.com:8443", "https://api.example.com/x", False),
        ("*.example.com", "HTTPS://api.example.com/x", True),
    ],
)
def test_an_address_without_a_port_means_the_usual_one(context, entry, url, allowed):
    given = context(secret("oauth-token", {"access_token": KEY}, hosts=[entry]))
    # Nobody answers to that name: whether it would have been asked is what the error tells.
    given.outbound._look_up = lambda *_: ["10.0.0.1"]
    error = failure(HttpRequest(url=url, credential="door"), given)
    assert ("not a public address" in str(error)) is allowed
    assert ("may not be sent to api.example.com" in str(error)) is not allowed


@pytest.mark.parametrize("kind", ["database", "smtp", "webhook-secret", "custom"])
def test_a_credential_that_cannot_sign_in_is_refused(server, context, kind):
    error = failure(HttpRequest(url=server.url, credential="door"), context(secret(kind, {"url": "x"})))
    assert "cannot sign a request in" in str(error)
    assert not error.retryable


# ── failures ─────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("status", "retryable"),
    [
        (400, False),
        (401, False),
        (404, False),
        (408, True),
        (409, False),
        (425, True),
        (429, True),
        (500, True),
        (503, True),
    ],
)
def test_a_status_from_400_up_is_a_failure_with_the_beginning_of_the_answer(server, context, status, retryable):
    server.answers["/"] = (status, {"Content-Type": "text/plain"}, b"no such order " + b"x" * 1000 + b"END")
    error = failure(HttpRequest(url=server.url), context())
    assert str(status) in str(error)
    assert "no such order" in str(error)
    assert "END" not in str(error)
    assert error.retryable is retryable


def test_an_answer_that_repeats_the_secret_does_not_get_it_into_the_error(server, context, door):
    server.answers["/"] = (401, {"Content-Type": "text/plain"}, f"bad key {KEY}".encode())
    assert "bad key ***" in str(failure(HttpRequest(url=server.url, credential="door"), context(door)))


def test_when_to_come_back_is_told(server, context):
    server.answers["/"] = (429, {"Retry-After": "30"}, b"")
    assert "30" in str(failure(HttpRequest(url=server.url), context()))


def test_a_status_may_be_looked_at_instead(server, context):
    server.answers["/"] = (404, {"Content-Type": "text/plain"}, b"none")
    output = run(HttpRequest(url=server.url, fail_on_status=False), context()).output
    assert (output["status"], output["body"]) == (404, "none")


def test_redirects_are_followed_unless_told_not_to(server, context):
    server.answers["/old"] = (302, {"Location": "/new"}, b"")
    server.answers["/new"] = (200, {"Content-Type": "text/plain"}, b"here")
    assert run(HttpRequest(url=f"{server.url}/old"), context()).output["body"] == "here"
    output = run(HttpRequest(url=f"{server.url}/old", follow_redirects=False), context()).output
    assert (output["status"], output["headers"]["location"]) == (302, "/new")


def test_redirects_that_never_end_are_given_up(server, context):
    server.answers["/"] = (302, {"Location": "/"}, b"")
    error = failure(HttpRequest(url=server.url), context())
    assert "sends on and on" in str(error)
    assert not error.retryable


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_compressed_answer_is_read(server, context, encoding):
    pack = gzip.compress if encoding == "gzip" else zlib.compress
    body = pack(b'{"a": 1}')
    server.answers["/"] = (200, {"Content-Type": "application/json", "Content-Encoding": encoding}, body)
    assert run(HttpRequest(url=server.url), context()).output["body"] == {"a": 1}


@pytest.mark.parametrize("packed", [False, True])
def test_an_answer_over_the_limit_is_a_failure_that_names_it(server, context, packed):
    body = gzip.compress(b"x" * 20_000_000) if packed else b"x" * 1_000_001
    headers = {"Content-Type": "text/plain", **({"Content-Encoding": "gzip"} if packed else {})}
    server.answers["/"] = (200, headers, body)
    error = failure(HttpRequest(url=server.url), context())
    assert "1 MB" in str(error) or "1,000,000" in str(error)
    assert not error.retryable


def test_an_answer_of_exactly_the_limit_is_kept(server, context):
    server.answers["/"] = (200, {"Content-Type": "text/plain"}, b"x" * 1_000_000)
    assert len(run(HttpRequest(url=server.url), context()).output["body"]) == 1_000_000


def test_head_has_no_body(server, context):
    server.answers["/"] = (200, {"Content-Type": "application/json", "X-Size": "9"}, b'{"a": 1}')
    output = run(HttpRequest(url=server.url, method="HEAD"), context()).output
    assert (output["body"], output["headers"]["x-size"]) == (None, "9")


@pytest.fixture
def raw():
    """A server that sends these bytes to whoever connects, and then closes or goes silent."""
    made = []

    def start(data, *, close=True):
        listener = socket.create_server(("127.0.0.1", 0))
        sent, done = threading.Event(), threading.Event()

        def serve():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(65536)
                connection.sendall(data)
                sent.set()
                if not close:
                    done.wait(20)

        thread = threading.Thread(target=serve)
        thread.start()
        made.append((listener, done, thread))
        return f"http://127.0.0.1:{listener.getsockname()[1]}", sent

    yield start
    for listener, done, thread in made:
        done.set()
        listener.close()
        thread.join(10)


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
        b"",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope",
    ],
)
def test_an_answer_that_breaks_off_is_a_failure_and_not_half_an_answer(raw, context, data):
    url, _ = raw(data)
    failure(HttpRequest(url=url), context())


def test_a_server_that_answers_too_slowly_is_given_up(raw, context):
    url, _ = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nslow", close=False)
    error = failure(HttpRequest(url=url), context(seconds=0.3))
    assert error.retryable


def test_an_abandoned_step_leaves_a_server_that_hangs_at_once(raw, context):
    url, sent = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nslow", close=False)
    step = Abandoning(run, HttpRequest(url=url), context())
    assert sent.wait(10)
    error, seconds = step.abandon()
    assert isinstance(error, Abandoned)
    assert seconds < 1


def test_nobody_at_the_port_may_be_tried_again(context):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert failure(HttpRequest(url=f"http://127.0.0.1:{port}"), context()).retryable


@pytest.mark.parametrize(
    "url", ["example", "ftp://127.0.0.1/x", "http://", "http://[::1", "file:///etc/passwd", "https://"]
)
def test_an_address_that_is_none_is_told_and_not_tried_again(context, url):
    assert not failure(HttpRequest(url=url), context()).retryable


def test_a_certificate_must_be_good(start, context, tmp_path):
    authority = trustme.CA()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(tls)
    server = start(tls=tls)
    server.answers["/"] = (200, {"Content-Type": "text/plain"}, b"safe")
    assert "certificate" in str(failure(HttpRequest(url=server.url), context())).lower()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    given = context(ca_file=tmp_path / "ca.pem")
    assert run(HttpRequest(url=server.url), given).output["body"] == "safe"


@pytest.mark.parametrize(
    "part",
    [{"body": "\ud800"}, {"body": {"a": "\ud800"}}, {"query": {"a": "\ud800"}}, {"query": {"a": {"b": "\ud800"}}}],
)
def test_half_a_character_is_a_failure(server, context, part):
    assert "half" in str(failure(HttpRequest(url=server.url, method="POST", **part), context()))
    assert not server.asked


def test_what_no_page_can_show_is_not_in_an_error(server, context):
    server.answers["/"] = (500, {"Retry-After": "soon"}, b"\x00 \x1b[31mred\x07 \xff\r\nnext line")
    text = str(failure(HttpRequest(url=server.url), context()))
    assert text.isprintable()
    assert "next line" in text


@given(
    kind=st.text(max_size=60) | st.sampled_from(["application/json", "text/plain; charset=utf-16"]), body=st.binary()
)
def test_whatever_comes_back_can_be_kept_as_json(kind, body):
    content = Answered(200, {"content-type": kind}, body).content()
    assert msgspec.json.decode(msgspec.json.encode(content)) == content


def test_json_that_is_none_is_noted_in_the_log(server, context):
    server.answers["/"] = (200, {"Content-Type": "application/json"}, b"{broken")
    given_context = context()
    run(HttpRequest(url=server.url), given_context)
    assert "kept as text" in given_context.log_text


def test_this_servers_own_network_is_out_of_reach_unless_allowed(server, context):
    error = failure(HttpRequest(url=server.url), context(allowed=""))
    assert "not a public address" in str(error)
    assert not error.retryable
    assert not server.asked


@pytest.mark.parametrize(
    ("said", "seconds"), [("120", 120), ("soon", 0), ("-5", 0), ("Wed, 21 Oct 2015 07:28:00 GMT", 0)]
)
def test_when_to_come_back_is_passed_on_as_seconds(said, seconds):
    from releaseapp.steps.web_call import Answered, failure_of

    assert failure_of(Answered(503, {"retry-after": said}, b""), None).retry_after == seconds
