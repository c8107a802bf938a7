"""The library ``requests`` with a deadline for a whole exchange; and why an exchange failed.

The timeout of requests is one for each single read. If a gateway sends a byte now and then,
requests waits for ever. Import this file late: it imports requests.
"""

from __future__ import annotations

import http.client
import io
import re
import ssl
import time
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.exceptions import RequestException

_PIECE = 16_384  # bytes that are sent at once, the most that one TLS record holds

# Words of OpenSSL and http.client; what they mean, and what to do about it.
_MEANT = (
    (
        ("self-signed", "self signed", "local issuer"),
        "no CA that is trusted here has signed its certificate; set `verify:` to the CA file",
    ),
    (
        ("mismatch", "not valid for"),
        "its certificate is for another host; the url must name the host as the certificate does",
    ),
    (
        ("wrong version number", "record layer failure"),
        "it does not speak TLS; for plain HTTP write http:// in the url",
    ),
    (
        ("certificate required", "handshake failure", "EOF occurred"),
        "it may want a client certificate; set `cert:`",
    ),
    (("alert unknown ca", "alert bad certificate"), "it does not trust the certificate of `cert:`"),
    (("suitable TLS CA", "no certificate"), "see REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE"),
)
_NO_ADDRESS = "the url, or that of a proxy in the environment, is no valid address"
_MEANING = {
    "RemoteDisconnected": "it closed the connection without an answer",
    "BadStatusLine": "its answer is not HTTP; for TLS write https:// in the url",
    "IncompleteRead": "its answer was cut short",
    "InvalidChunkLength": "its answer was cut short",
    "HTTPException": "its answer is not HTTP",
    "LineTooLong": "its answer is not HTTP",
    "UnknownProtocol": "its answer is not HTTP",
    "InvalidSchema": "a proxy of this kind is not supported",
    "ProxySchemeUnknown": "a proxy of this kind is not supported",
    "InvalidProxyURL": "the proxy has no valid address",
    "LocationParseError": _NO_ADDRESS,
    "InvalidURL": _NO_ADDRESS,
    "UnicodeError": _NO_ADDRESS,
}
_PLACE = re.compile(r"\s*\(_ssl\.c:\d+\)")  # a place in the source of Python's ssl module


class Exchange:
    """The deadline of one request and its answer, and whether the request was sent.

    :ivar sent: Whether some of the request was sent, so that the gateway may have received it.
    """

    def __init__(self) -> None:
        self._until = 0.0
        self.sent = False

    def begin(self, seconds: float) -> None:
        """Start the clock."""
        self._until = time.monotonic() + seconds
        self.sent = False

    @property
    def late(self) -> bool:
        """Whether the time is over."""
        return time.monotonic() >= self._until

    def left(self) -> float:
        """The seconds that are left.

        :raises TimeoutError: There are none.
        """
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        return left


class HttpSession(requests.Session):
    """A session whose exchanges end in time, and that follows no redirect."""

    def __init__(self) -> None:
        super().__init__()
        self.exchange = Exchange()
        adapter = _Adapter(self.exchange)
        self.mount("https://", adapter)
        self.mount("http://", adapter)

    def get_redirect_target(self, _: requests.Response) -> str | None:
        """Return ``None``, so that no redirect is followed: that would turn a POST into a GET.

        Without this, requests reads the Location in any case, and fails if it makes no sense.
        """
        return None


class _Adapter(HTTPAdapter):
    """Makes connections, also those to a proxy, that obey the deadline of an exchange."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self._add_deadline(self.poolmanager)

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        self._add_deadline(manager)
        return manager

    def _add_deadline(self, manager: Any) -> None:
        kinds = manager.pool_classes_by_scheme
        if any(issubclass(kind.ConnectionCls, _Connection) for kind in kinds.values()):
            return  # requests keeps the manager of a proxy
        manager.pool_classes_by_scheme = {
            scheme: type(
                kind.__name__, (kind,), {"ConnectionCls": self._with_deadline(kind.ConnectionCls)}
            )
            for scheme, kind in kinds.items()
        }

    def _with_deadline(self, kind: Any) -> type:
        return type(kind.__name__, (_Connection, kind), {"exchange": self._exchange})


class _Connection:
    """Adds the deadline to a connection of urllib3 (1.26 and 2): each step has the time left.

    Python's ssl module itself has a deadline for a whole TLS handshake.
    """

    exchange: Exchange
    sock: Any

    def _new_conn(self) -> Any:
        self.timeout = self.exchange.left()
        sock = super()._new_conn()  # type: ignore[misc]
        sock.settimeout(self.exchange.left())
        return sock

    def _tunnel(self) -> None:
        try:
            super()._tunnel()  # type: ignore[misc]
        finally:
            self.exchange.sent = False  # only the proxy has received something
        self.sock.settimeout(self.exchange.left())

    def send(self, data: bytes) -> None:
        if self.sock is None:
            self.connect()  # type: ignore[attr-defined]
        self.exchange.sent = True
        for start in range(0, len(data), _PIECE):
            self.sock.settimeout(self.exchange.left())
            super().send(data[start : start + _PIECE])  # type: ignore[misc]

    def response_class(self, sock: Any, *args: Any, **kwargs: Any) -> http.client.HTTPResponse:
        """An answer, also of a proxy. Each read of it gets the time that is left."""
        answer = http.client.HTTPResponse(sock, *args, **kwargs)
        raw = answer.fp.detach()
        answer.fp = io.BufferedReader(_Reader(raw, sock, self.exchange))
        return answer


class _Reader(io.RawIOBase):
    """Reads from a socket until the exchange is over."""

    def __init__(self, raw: io.RawIOBase, sock: Any, exchange: Exchange) -> None:
        self._raw, self._sock, self._exchange = raw, sock, exchange

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(self._exchange.left())
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


def is_of_settings(err: Exception) -> bool:
    """Whether a request can never be sent, because the settings or the environment are wrong."""
    return isinstance(err, ValueError) or not isinstance(err, RequestException)


def cause(err: Exception) -> str:
    """The innermost reason, without the object addresses and URLs that requests adds."""
    reason = next(
        filter(None, map(_useful_text, reversed(_causes(err)))), type(_causes(err)[-1]).__name__
    )
    meant = next((text for signs, text in _MEANT if any(sign in reason for sign in signs)), None)
    return f"{reason}: {meant}" if meant else reason


def _useful_text(err: BaseException) -> str:
    """The useful part of one exception's message; empty if there is none."""
    if isinstance(err, ssl.SSLError) and err.reason:
        plain = err.reason.replace("_", " ").lower()
        return str(getattr(err, "verify_message", "") or plain).rstrip(".")
    if type(err).__name__ in _MEANING:
        return _MEANING[type(err).__name__]
    if isinstance(err, OSError) and not isinstance(err, RequestException):
        return _PLACE.sub("", str(err.strerror or err))
    return ""


def _causes(err: BaseException | None) -> list[BaseException]:
    """An exception and the exceptions that caused it, outermost first."""
    chain: list[BaseException] = []
    while err is not None and err not in chain:
        chain.append(err)
        inner = getattr(err, "reason", None) or next(
            (arg for arg in err.args if isinstance(arg, BaseException)), None
        )
        err = inner if isinstance(inner, BaseException) else (err.__cause__ or err.__context__)
    return chain
