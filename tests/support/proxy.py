"""An HTTP proxy for tests: it makes tunnels for HTTPS, and forwards HTTP."""

from __future__ import annotations

import http.client
import select
import socket
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

REFRAMED = {"content-length", "transfer-encoding", "connection", "keep-alive"}


class Proxy:
    """`with Proxy() as proxy:` and set HTTP_PROXY or HTTPS_PROXY to `proxy.url`.

    :param refuse: The status with which it refuses every request.
    """

    def __init__(self, refuse: int | None = None) -> None:
        self.asked: list[str] = []
        self._server = _Server(self, refuse)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Proxy:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, proxy: Proxy, refuse: int | None) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.proxy, self.refuse = proxy, refuse


class _Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_CONNECT(self) -> None:
        if self._refuses():
            return
        host, _, port = self.path.rpartition(":")
        with socket.create_connection((host.strip("[]"), int(port))) as upstream:
            self.send_response_only(200, "Connection established")
            self.end_headers()
            self._pump(upstream)
        self.close_connection = True

    def _forward(self) -> None:
        if self._refuses():
            return
        target = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = f"{target.path}?{target.query}" if target.query else target.path
        upstream = http.client.HTTPConnection(target.netloc, timeout=60)
        upstream.request(self.command, path, body or None, dict(self.headers.items()))
        response = upstream.getresponse()
        content = response.read()
        upstream.close()
        self.send_response_only(response.status)
        for name, value in response.getheaders():
            if name.lower() not in REFRAMED:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _forward  # noqa: N815

    def _refuses(self) -> bool:
        self.server.proxy.asked.append(f"{self.command} {self.path}")
        if self.server.refuse is None:
            return False
        self.close_connection = True
        self.send_response_only(self.server.refuse, "No way")
        self.send_header("Content-Length", "0")
        self.end_headers()
        return True

    def _pump(self, upstream: socket.socket) -> None:
        ends = {self.connection: upstream, upstream: self.connection}
        with suppress(OSError):
            while True:
                readable, _, _ = select.select(list(ends), [], [])
                for end in readable:
                    data = end.recv(65_536)
                    if not data:
                        return
                    ends[end].sendall(data)

    def log_message(self, format: str, *args: object) -> None:
        """Stay quiet."""
