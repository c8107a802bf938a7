"""A proxy between the code under test and a gateway. It records requests, and makes faults.

Each connection of a client has its own connection to the gateway, which opens and closes with it.
So a keep-alive session stays with one worker, as it does without the recorder. With `spread`, each
request has its own connection, so a session reaches all workers, as behind a load balancer.
"""

from __future__ import annotations

import http.client
import math
import select
import socket
import ssl
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import SplitResult, parse_qs, urlsplit

from .exchange import Answer, Fault, Record, made_up, parsed

# The recorder frames each message itself, with a Content-Length.
REFRAMED = {"content-length", "transfer-encoding", "connection", "keep-alive"}
UPSTREAM_SECONDS = 120


class Recorder:
    """`with Recorder(gateway.url) as recorder:` and send requests to `recorder.url`.

    :param spread: Forward every request over a new connection.
    :param tls: Use TLS with clients, with these settings.
    :param base: The path that is put before the gateway's, such as `/litellm`.
    :param host: The address to listen on, which may be an IPv6 address.
    :ivar most_at_once: The largest number of writes that were under way at the same time.
    """

    def __init__(
        self,
        upstream: str,
        spread: bool = False,
        tls: ssl.SSLContext | None = None,
        base: str = "",
        host: str = "127.0.0.1",
    ) -> None:
        self.requests: list[Record] = []
        self.most_at_once = 0
        self._writes = 0
        self._spread = spread
        self._base = base
        self._upstream = urlsplit(upstream)
        self._faults: list[Fault] = []
        self._lock = threading.Lock()
        self._away = False
        self._host, self._tls = host, tls
        self._server = self._bound(0)
        scheme = "http" if tls is None else "https"
        shown = f"[{host}]" if ":" in host else host
        self.url = f"{scheme}://{shown}:{self._server.server_address[1]}{base}"

    def __enter__(self) -> Recorder:
        self._listen()
        return self

    def __exit__(self, *_: object) -> None:
        self.come_back()
        self._server.shutdown()
        self._server.close_all()

    def clear(self) -> None:
        """Forget the requests so far, but not the faults."""
        with self._lock:
            self.requests.clear()
            self.most_at_once = self._writes

    def fault(
        self,
        *,
        method: str | None = None,
        path: str | None = None,
        when: Callable[[Record], bool] | None = None,
        times: int | None = None,
        delay: float = 0,
        drop: bool = False,
        lose_response: bool = False,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        body: bytes | str | None = None,
        rewrite: Callable[[Answer], Answer] | None = None,
        cut: bool = False,
        trickle: float = 0,
        reset: bool = False,
        leave: float | None = None,
    ) -> None:
        """Add a fault. The first one that matches a request is applied, `times` times at most.

        `path` may hold wildcards and `when` is asked with the record. After `delay` seconds:
        `status` answers without forwarding, `drop` hangs up without forwarding, and
        `lose_response` forwards and then hangs up. `rewrite` makes another answer of the gateway's.
        `cut` sends the half of an answer, `trickle` a byte of it every so many seconds. With
        `reset` hanging up is a reset. `leave` answers, and then leaves for so many seconds.
        """
        answer = made_up(status, headers or {}, json, body) if status is not None else None
        fault = Fault(
            method,
            path,
            when,
            times,
            delay,
            drop,
            lose_response,
            answer,
            rewrite,
            cut,
            trickle,
            reset,
            leave,
        )
        with self._lock:
            self._faults.append(fault)

    def mend(self) -> None:
        """Forget the faults, and accept connections again."""
        with self._lock:
            self._faults.clear()
        self.come_back()

    def leave(self, seconds: float = math.inf) -> None:
        """Refuse connections for so many seconds, or until `come_back`."""
        self._server.shutdown()
        self._server.server_close()
        self._away = True
        if seconds < math.inf:
            threading.Timer(seconds, self.come_back).start()

    def come_back(self) -> None:
        """Accept connections again."""
        with self._lock:
            if self._away:
                self._away = False
                self._server = self._bound(self._server.server_address[1])
                self._listen()

    def _bound(self, port: int) -> _Server:
        server = _Server(self, self._host, port)
        if self._tls is not None:  # each connection does its handshake in its own thread
            server.socket = self._tls.wrap_socket(
                server.socket, server_side=True, do_handshake_on_connect=False
            )
        return server

    def _listen(self) -> None:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def _note(self, record: Record) -> Fault | None:
        """Keep the record. Returns the fault to apply to it."""
        with self._lock:
            self.requests.append(record)
            fault = next((each for each in self._faults if each.matches(record)), None)
            if fault and fault.times is not None:
                fault.times -= 1
            return fault

    @contextmanager
    def _counted(self, record: Record) -> Iterator[None]:
        """Count a write while it is under way."""
        writes = record.method != "GET"
        with self._lock:
            self._writes += writes
            self.most_at_once = max(self.most_at_once, self._writes)
        try:
            yield
        finally:
            with self._lock:
                self._writes -= writes

    def _connect(self) -> http.client.HTTPConnection:
        secure = self._upstream.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        return kind(self._upstream.netloc, timeout=UPSTREAM_SECONDS)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, recorder: Recorder, host: str, port: int) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), _Connection)
        self.recorder = recorder
        self.open: set[socket.socket] = set()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore a client that closes the connection or fails in the TLS handshake."""
        if not isinstance(sys.exc_info()[1], (ConnectionError, ssl.SSLError)):
            super().handle_error(request, client_address)

    def close_all(self) -> None:
        self.server_close()
        for connection in list(self.open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Connection(BaseHTTPRequestHandler):
    """One connection of a client, in its own thread."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Server

    def setup(self) -> None:
        super().setup()
        self._upstream = self.server.recorder._connect()
        self.server.open.add(self.connection)

    def finish(self) -> None:
        self.server.open.discard(self.connection)
        self._upstream.close()
        with suppress(OSError):
            super().finish()

    def handle_one_request(self) -> None:
        """Wait for the client. If the gateway closes the idle connection, do the same."""
        idle = [self.connection, *([self._upstream.sock] if self._upstream.sock else [])]
        readable, _, _ = select.select(idle, [], [])
        if self.connection in readable:
            super().handle_one_request()
        else:
            self.close_connection = True

    def _serve(self) -> None:
        record = self._read()
        with self.server.recorder._counted(record):
            self._answer(record)

    def _answer(self, record: Record) -> None:
        fault = self.server.recorder._note(record)
        if fault:
            time.sleep(fault.delay)
        if fault and fault.drop:
            self._hang_up(fault)
            return
        answer = fault.answer if fault and fault.answer else self._forward(record)
        if answer and fault and fault.rewrite:
            answer = fault.rewrite(answer)
        if answer is None or (fault and fault.lose_response):
            self._hang_up(fault)
            return
        record.status = answer.status
        if fault and fault.leave is not None:
            self.close_connection = True
            self.server.recorder.leave(fault.leave)
        self._send(answer, fault)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = do_HEAD = do_OPTIONS = _serve  # noqa: N815

    def _read(self) -> Record:
        self.path = self.path.removeprefix(self.server.recorder._base)
        target: SplitResult = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        query = parse_qs(target.query, keep_blank_values=True)
        return Record(self.command, target.path, query, self.headers, body, parsed(body))

    def _forward(self, record: Record) -> Answer | None:
        """Ask the gateway. None if it closed the connection; then the client's is closed too."""
        prefix = self.server.recorder._upstream.path.rstrip("/")
        try:
            self._upstream.putrequest(
                record.method, prefix + self.path, skip_host=True, skip_accept_encoding=True
            )
            for name, value in record.headers.items():
                self._upstream.putheader(name, value)
            self._upstream.endheaders(record.body)
            response = self._upstream.getresponse()
            body = response.read()
        except (OSError, http.client.HTTPException):
            return None
        record.forwarded = True
        record.status, record.response_size = response.status, len(body)
        record.response_json = parsed(body, response.getheader("Content-Encoding"))
        if self.server.recorder._spread:
            self._upstream.close()
        else:
            self.close_connection = self.close_connection or response.will_close
        headers = [each for each in response.getheaders() if each[0].lower() not in REFRAMED]
        return Answer(response.status, headers, body)

    def _hang_up(self, fault: Fault | None) -> None:
        self.close_connection = True
        if fault and fault.reset:
            # With this option, closing sends a reset. We must close before the server does its
            # shutdown, which would end the connection in the ordinary way.
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.connection.close()

    def _send(self, answer: Answer, fault: Fault | None) -> None:
        self.send_response_only(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command == "HEAD":
            return
        if fault and fault.cut:
            self.wfile.write(answer.body[: len(answer.body) // 2])
            self._hang_up(fault)
        elif fault and fault.trickle:
            for byte in answer.body:
                self.wfile.write(bytes([byte]))
                self.wfile.flush()
                time.sleep(fault.trickle)
        else:
            self.wfile.write(answer.body)

    def log_message(self, format: str, *args: Any) -> None:
        """Print nothing: the records are the log."""
