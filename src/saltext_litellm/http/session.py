"""Sends one HTTP request, retries it if that is safe, and turns a failure into one sentence.

No other file speaks HTTP. Each failure is a :class:`~.errors.GatewayError` without secrets.
"""

from __future__ import annotations

import ast
import contextlib
import json
import logging
import os
import re
import time
import warnings
from collections.abc import Callable, Mapping
from email.utils import mktime_tz, parsedate_tz
from http.client import HTTPException
from typing import TYPE_CHECKING, Any

from ..errors import GatewayError, NotSeen, OutcomeUnknown
from ..values.secrets import REDACTED, scrub, secret_strings
from .profile import Profile

if TYPE_CHECKING:
    import requests

    from .deadline import HttpSession

log = logging.getLogger(__name__)

# Method, path, body and parameters.
Request = tuple[str, str, Mapping[str, Any] | None, Mapping[str, Any] | None]

# The gateway was busy and has done nothing, so even a create may be sent again.
_BUSY = (429, 503)
# A load balancer has lost the gateway, which may have done something.
_UPSTREAM = (502, 504)
_SERVER_ERROR = 500
_GATEWAY_TIMEOUT = 504  # a load balancer did not wait: the gateway may still do it
_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND = 401, 403, 404
_NOT_THE_BASE = ("v1", "ui")  # what people copy with the url: of clients, and of the UI
_BACKOFF = 0.5  # seconds before the first retry, doubled for each further one
_DOUBLINGS = 6
_LONGEST_WAIT = 30.0  # seconds; we do not wait for a longer retry-after
_LONGEST_REASON = 400  # characters of a gateway's reason that are passed on
_NONSENSE = "answers, but not as a LiteLLM gateway does"
_KEY_HASH = re.compile(r"(?<![0-9a-zA-Z])[0-9a-fA-F]{64}(?![0-9a-zA-Z])|sk-\.\.\.\S{4}")
_KEY_END = 4  # characters at the end of a key that LiteLLM shows
_LOGIN = re.compile(r"//[^/@\s]*@")


class Session:
    """One keep-alive session with a gateway.

    A session is one TCP connection. So it reaches one worker of a gateway that has several, unless
    a load balancer spreads the requests. A forked process opens a connection of its own: on the
    inherited connection it would read answers that are for its parent.

    :param before_write: Called before each try of a write. What it raises ends the request.
    """

    def __init__(self, profile: Profile, before_write: Callable[[], None] | None = None) -> None:
        self._profile = profile
        self._before_write = before_write
        self.url = profile.url
        self.connections = profile.connections
        self._inherited: list[HttpSession] = []  # kept open for the parent
        self._open()

    def _open(self) -> None:
        from .deadline import HttpSession

        self._process = os.getpid()
        self._http = HttpSession()
        self._http.headers.update(dict(self._profile.headers))
        # As `auth` and not as a header: requests replaces a header by a login from ~/.netrc.
        self._http.auth = self._login
        self._http.cert = self._profile.cert if self.url.startswith("https:") else None

    def _login(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._profile.api_key}"
        return request

    def _own_http(self) -> HttpSession:
        """The session of this process."""
        if self._process != os.getpid():
            self._inherited.append(self._http)
            self._open()
        return self._http

    @property
    def api_key(self) -> str:
        """The key that it logs in with."""
        return self._profile.api_key

    def another(self) -> Session:
        """Another session with the same gateway, for another thread."""
        return Session(self._profile, self._before_write)

    def reconnect(self) -> None:
        """Let the next request open a new connection, which may reach another worker."""
        self._own_http().close()

    def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        params: Mapping[str, Any] | None = None,
        absent: tuple[int, ...] = (),
        repeatable: bool = True,
        once: bool = False,
        result_key: str | None = None,
    ) -> Any:
        """Send a request, repeat it if that is safe and may help, and return the parsed answer.

        Each try takes at most ``timeout``, and each pause between two tries at most 30 s.

        :param absent: The statuses that mean "not there", for which ``None`` is returned.
        :param repeatable: Sending it twice does the same as sending it once.
        :param once: Never send it again, not even if the gateway is busy, because each call costs
            money.
        :param result_key: A key. An answer that has this key is a result, whatever its status is.
        """
        retries = 0 if once else self._profile.retries
        response = self._answer((method, path, body, params), retries, repeatable)
        if response.status_code in absent:
            return None
        return self._parse_answer(method, response, body, result_key)

    def _answer(self, request: Request, retries: int, repeatable: bool) -> requests.Response:
        """Send a request until it is answered, or until another try is not safe or cannot help."""
        method, path, body, _ = request
        for attempt in range(retries + 1):
            last = attempt == retries
            pause = min(_BACKOFF * 2 ** min(attempt, _DOUBLINGS), _LONGEST_WAIT)
            if self._before_write and method != "GET":
                self._before_write()
            try:
                response = self._send(*request)
            except _request_errors() as err:
                error, again = self._failure(method, path, err, body)
                unsafe = isinstance(error, OutcomeUnknown) and not repeatable
                if last or not again or unsafe:
                    raise error from None
            else:
                again = response.status_code in (_BUSY if not repeatable else _BUSY + _UPSTREAM)
                asked = _retry_after(response)
                if last or not again or asked > _LONGEST_WAIT:
                    break
                pause = max(pause, asked)
            log.debug("%s %s: trying again in %.1f s", method, path, pause)
            time.sleep(pause)
        return response

    def _send(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        params: Mapping[str, Any] | None,
    ) -> requests.Response:
        from urllib3.exceptions import InsecureRequestWarning

        started, http, profile = time.monotonic(), self._own_http(), self._profile
        http.exchange.begin(profile.timeout)
        with warnings.catch_warnings():
            # The state warns of this once. The log need not repeat it for each request.
            warnings.simplefilter("ignore", InsecureRequestWarning)
            response = http.request(
                method,
                profile.url + path,
                json=body,
                params=params,
                timeout=profile.timeout,
                verify=profile.verify,  # per request: the environment beats a session's False
                allow_redirects=False,
            )
        took, size = time.monotonic() - started, len(response.content)
        log.debug("%s %s: %s, %d bytes, %.3f s", method, path, response.status_code, size, took)
        return response

    def _failure(
        self, method: str, path: str, err: Exception, body: Mapping[str, Any] | None
    ) -> tuple[GatewayError, bool]:
        """The error for a request that was not answered, and whether another try may help."""
        from requests.exceptions import ContentDecodingError, SSLError

        from .deadline import cause

        url, exchange, request = self.url, self._http.exchange, f"{method} {path}"
        why = scrub(cause(err), self._secrets())[:_LONGEST_REASON]
        if not exchange.sent:
            return self._unsent(request, err, why)
        again, kind = False, OutcomeUnknown
        if exchange.late:
            kind = NotSeen if _changes_something(method, body) else kind  # it may still be done
            message = f"{url} did not answer {request} within {self._profile.timeout:g} s"
        elif isinstance(err, SSLError):
            message = f"No trusted connection to {url}: {why}"
        elif isinstance(err, ContentDecodingError):
            message = f"{url} {_NONSENSE}"
        else:
            message, again = f"{url} broke off {request}: {why}", True
        return kind(message), again

    def _unsent(self, request: str, err: Exception, why: str) -> tuple[GatewayError, bool]:
        """The error for a request that was not sent at all, and whether another try may help."""
        from requests.exceptions import ProxyError, SSLError

        from .deadline import is_of_settings

        url, again = self.url, True
        proxy = " through the proxy" if isinstance(err, ProxyError) else ""
        if self._http.exchange.late:
            message = f"Cannot reach {url}{proxy}: no connection within {self._profile.timeout:g} s"
        elif isinstance(err, SSLError):
            message, again = f"No trusted connection to {url}: {why}", False
        elif is_of_settings(err):
            message, again = f"Cannot send {request} to {url}: {why}", False
        else:
            message = f"Cannot reach {url}{proxy}: {why}"
        return GatewayError(message), again

    def _parse_answer(
        self,
        method: str,
        response: requests.Response,
        body: Mapping[str, Any] | None,
        result_key: str | None,
    ) -> Any:
        url, status = self.url, response.status_code
        if response.is_redirect:
            target = scrub(_redirect_target(response.headers["location"]), self._secrets(body))
            target = target[:_LONGEST_REASON]
            raise GatewayError(f"{url} redirects{target}; the profile needs the final url", status)
        if not (response.ok or (result_key is not None and _has_key(response, result_key))):
            unknown = status >= _SERVER_ERROR and status not in _BUSY
            kind = OutcomeUnknown if unknown else GatewayError
            if status == _GATEWAY_TIMEOUT and _changes_something(method, body):
                kind = NotSeen
            raise kind(f"{url} {self._refusal(response, self._secrets(body))}", status)
        try:
            return json.loads(response.content)
        except (ValueError, RecursionError):
            self.reconnect()  # the rest of this answer must not become the next one
            raise OutcomeUnknown(f"{url} {_NONSENSE}") from None

    def _refusal(self, response: requests.Response, secrets: tuple[str, ...]) -> str:
        """A sentence about a refusal, for the person who wrote the profile."""
        status, reason = response.status_code, scrub(_reason(response), secrets)
        if status == _UNAUTHORIZED:
            message = f"refuses the api_key of {self._profile.label} ({status})"
            # LiteLLM (1.106.2) shows the end of a wrong key, and its hash without a salt.
            shows_key = _KEY_HASH.search(reason) or self._profile.api_key[-_KEY_END:] in reason
            return message if shows_key else f"{message}: {reason[:_LONGEST_REASON]}"
        verb = "failed" if status >= _SERVER_ERROR else "refused"
        if status == _FORBIDDEN:
            verb = "forbids this"
        message = f"{verb} ({status}): {_KEY_HASH.sub(REDACTED, reason)[:_LONGEST_REASON]}"
        _, _, end = self.url.rpartition("/")
        is_base = status != _NOT_FOUND or end not in _NOT_THE_BASE
        return message if is_base else f"{message}; the profile needs the url without /{end}"

    def _secrets(self, body: Mapping[str, Any] | None = None) -> tuple[str, ...]:
        """Every string that no message may contain, whoever has written the message."""
        return (*self._profile.secrets, *secret_strings("", dict(body or {})))


def _changes_something(method: str, body: Mapping[str, Any] | None) -> bool:
    """Whether a request does something. Some have an empty body because they change nothing."""
    return method == "DELETE" or bool(body)


def _request_errors() -> tuple[type[Exception], ...]:
    """The exceptions of a request. Requests turns most of them into an OSError, but not all."""
    from urllib3.exceptions import HTTPError

    return (OSError, ValueError, HTTPException, HTTPError)


def _has_key(response: requests.Response, key: str) -> bool:
    """Whether an answer is a mapping with a certain key."""
    try:
        answer = json.loads(response.content)
    except (ValueError, RecursionError):
        return False
    return isinstance(answer, dict) and key in answer


def _redirect_target(location: str) -> str:
    """The address of a redirect, without a login. The header may have bytes of any encoding."""
    text = location.encode("latin-1", "replace").decode("utf-8", "replace")
    address = _LOGIN.sub("//", re.split("[?#;]", text)[0]).strip()
    return f" to {address}" if address else ""


def _retry_after(response: requests.Response) -> float:
    """The seconds that the gateway asks to wait, by a number or a date; 0 if it makes no sense."""
    asked = response.headers.get("retry-after", "").strip()
    if asked.isascii() and asked.isdigit():
        return float(asked)
    try:
        date = parsedate_tz(asked)
        return max(mktime_tz(date) - time.time(), 0.0) if date else 0.0
    except (ValueError, OverflowError):
        return 0.0


def _reason(response: requests.Response) -> str:
    """The reason that the gateway gives. Its errors have three forms."""
    try:
        text = _reason_in_json(json.loads(response.content))
    except (ValueError, RecursionError):  # no JSON, or nested too deeply
        text = str(response.reason or "")
    return " ".join(text.split()) or "no reason given"


def _reason_in_json(answer: Any) -> str:
    """The reason in an answer that is JSON."""
    reason = answer
    if isinstance(answer, dict):
        reason = answer.get("error", answer.get("detail", answer.get("message", answer)))
    if isinstance(reason, dict):
        reason = reason.get("message", reason.get("error", reason))
    if isinstance(reason, str) and reason.startswith("{'"):
        # The message is often the repr of a dict: "{'error': '...'}".
        with contextlib.suppress(SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
            reason = ast.literal_eval(reason)
        if isinstance(reason, dict):
            reason = reason.get("error", reason)
    if isinstance(reason, list):
        return "; ".join(_validation(item) for item in reason)
    return reason if isinstance(reason, str) else json.dumps(reason, default=str)


def _validation(item: Any) -> str:
    """One entry of a 422, without its ``input``: old versions repeat secrets there."""
    if not isinstance(item, dict):
        return str(item)
    loc = item.get("loc")
    parts = loc if isinstance(loc, list) else [loc]
    where = ".".join(str(part) for part in parts if part not in ("body", None))
    return f"{where or 'body'}: {item.get('msg', 'invalid')}"
