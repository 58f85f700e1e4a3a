"""A server in a thread that answers as it is told: adapters and SDKs speak to a real socket."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs


@dataclass
class Provider:
    """What it answers next, and what it was asked."""

    url: str
    status: int = 201
    content_type: str = "application/json"
    body: bytes = b""
    delay_seconds: float = 0
    hang_up: bool = False
    forms: list[dict[str, list[str]]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)


@contextmanager
def serving() -> Iterator[Provider]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            provider.forms.append(parse_qs(self.rfile.read(length).decode()))
            provider.headers.append({name.lower(): value for name, value in self.headers.items()})
            provider.paths.append(self.path)
            if provider.hang_up:
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True
                return
            if provider.delay_seconds:
                provider.released.wait(provider.delay_seconds)
                return
            self.send_response(provider.status)
            self.send_header("Content-Type", provider.content_type)
            self.send_header("Content-Length", str(len(provider.body)))
            if provider.status == 302:
                self.send_header("Location", "/elsewhere")
            self.end_headers()
            self.wfile.write(provider.body)

        def do_GET(self) -> None:
            path, _, query = self.path.partition("?")
            provider.forms.append(parse_qs(query))
            provider.paths.append(path)
            self.send_response(provider.status if query else 404)
            self.end_headers()
            if query:
                self.wfile.write(provider.body)

        def log_message(self, *_: object) -> None:
            """Tests are quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider = Provider(f"http://127.0.0.1:{server.server_address[1]}/africastalking")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield provider
    finally:
        provider.released.set()
        server.shutdown()
        server.server_close()
        thread.join()


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
