"""A web server on this machine that answers as it is told."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    """Answers as the server's ``answers`` say, and keeps what it was asked."""

    protocol_version = "HTTP/1.1"

    def answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        asked = {
            "method": self.command,
            "path": self.path,
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "body": self.rfile.read(length),
        }
        self.server.asked.append(asked)
        path = self.path.partition("?")[0]
        status, headers, body = self.server.answers.get(path, (200, {}, b""))
        self.send_response(status)
        for name, value in headers if isinstance(headers, list) else headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = answer  # noqa: N815 - the library's names

    def log_message(self, *_):
        pass


class WebServer(ThreadingHTTPServer):
    """A web server on a free port of this machine."""

    daemon_threads = True

    def __init__(self, tls=None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers, self.asked = {}, []
        scheme = "http"
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_side=True)
            scheme = "https"
        self.port = self.server_address[1]
        self.url = f"{scheme}://localhost:{self.port}" if tls else f"{scheme}://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def handle_error(self, *_):
        pass

    def end(self):
        self.shutdown()
        self._thread.join()
        self.server_close()
