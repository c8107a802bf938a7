"""A server that answers with given bytes, even those that no HTTP library would send."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress

Answer = bytes | Iterable[bytes] | Callable[[bytes], Iterable[bytes]]


def answer(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    """An ordinary answer. It has its length, unless a header gives another one."""
    lines = [f"HTTP/1.1 {status}", "Content-Type: application/json", *headers]
    if not any(line.lower().startswith("content-length") for line in headers):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def trickle(data: bytes, pause: float = 0.05) -> Callable[[bytes], Iterable[bytes]]:
    """An answer that comes byte by byte."""

    def pieces(_: bytes) -> Iterable[bytes]:
        for number in range(len(data)):
            time.sleep(pause)
            yield data[number : number + 1]

    return pieces


class RawServer:
    """`with RawServer(answers) as server:` and connect to `server.url`.

    Each request gets the next answer, and the last answer is repeated. If `close` is true, the
    connection is closed after each answer.
    """

    def __init__(
        self,
        *answers: Answer,
        tls: ssl.SSLContext | None = None,
        host: str = "127.0.0.1",
        close: bool = False,
    ) -> None:
        self.requests: list[bytes] = []
        self._answers, self._tls, self._close = list(answers), tls, close
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, 0), family=family)
        self.port = self._listener.getsockname()[1]
        shown = f"[{host}]" if ":" in host else host
        self.url = f"{'https' if tls else 'http'}://{shown}:{self.port}"
        self._open: list[socket.socket] = []

    def __enter__(self) -> RawServer:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for each in (self._listener, *self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._open.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError):
            if self._tls:
                connection = self._tls.wrap_socket(connection, server_side=True)
                self._open.append(connection)
            while request := _read(connection):
                self.requests.append(request)
                self._send(connection, request)
                if self._close:
                    connection.shutdown(socket.SHUT_RDWR)

    def _send(self, connection: socket.socket, request: bytes) -> None:
        told = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        pieces = told(request) if callable(told) else [told] if isinstance(told, bytes) else told
        for piece in pieces:
            connection.sendall(piece)


def _read(connection: socket.socket) -> bytes:
    """One request, head and body; nothing where the client has hung up."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65_536)
        if not piece:
            return b""
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        (
            int(line.split(b":")[1])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length:")
        ),
        0,
    )
    while len(body) < length:
        body += connection.recv(65_536)
    return head + b"\r\n\r\n" + body
