"""The only place that speaks HTTP: one request, its retries, and its failures in one sentence.

What goes wrong is a :class:`~.errors.GatewayError`, without secrets.
"""

from __future__ import annotations

import ast
import contextlib
import json
import logging
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .errors import GatewayError, OutcomeUnknown
from .profile import Profile
from .secrets import scrub, secret_strings

if TYPE_CHECKING:
    import requests

log = logging.getLogger(__name__)

# Answers that say "not now": nothing was done, so even a create may be sent again.
_BUSY = (429, 503)
# Answers of a load balancer that lost its gateway: something may have been done.
_UPSTREAM = (502, 504)
_SERVER_ERROR = 500
_BACKOFF = 0.5  # seconds before the first retry, doubled for each further one
_LONGEST_WAIT = 30.0  # seconds; a retry-after beyond it is not waited for
_LONGEST_REASON = 400  # characters of a gateway's reason that are passed on


class Session:
    """One keep-alive session with a gateway.

    One session is one TCP connection, and so one worker of a gateway that has several, unless a
    balancer in between spreads the requests over them.
    """

    def __init__(self, profile: Profile) -> None:
        import requests

        self._profile = profile
        self.url = profile.url
        self._session = requests.Session()
        self._session.headers.update(dict(profile.headers))
        # As `auth`, not as a header: requests would let a login from ~/.netrc replace a header.
        self._session.auth = self._login
        self._session.cert = profile.cert

    def _login(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._profile.api_key}"
        return request

    def reconnect(self) -> None:
        """Let the next request open a new connection, which may reach another worker."""
        self._session.close()

    def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        params: Mapping[str, Any] | None = None,
        absent: tuple[int, ...] = (),
        repeatable: bool = True,
    ) -> Any:
        """Send a request, again if that is safe and helps, and return the parsed answer.

        :param absent: The statuses that mean "not there", for which ``None`` is returned.
        :param repeatable: Sending it twice does the same as sending it once.
        """
        import requests

        waits = [_BACKOFF * 2**attempt for attempt in range(self._profile.retries)]
        for wait in (*waits, None):
            try:
                response = self._send(method, path, body, params)
            except requests.exceptions.RequestException as err:
                error, again = self._failure(method, path, err)
                if (
                    wait is None
                    or not again
                    or (isinstance(error, OutcomeUnknown) and not repeatable)
                ):
                    raise error from None
                pause = wait
            else:
                again = response.status_code in (_BUSY if not repeatable else _BUSY + _UPSTREAM)
                if wait is None or not again or _retry_after(response) > _LONGEST_WAIT:
                    break
                pause = max(wait, _retry_after(response))
            log.debug("%s %s: trying again in %.1f s", method, path, pause)
            time.sleep(pause)
        return None if response.status_code in absent else self._parsed(response, body)

    def _send(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        params: Mapping[str, Any] | None,
    ) -> requests.Response:
        started = time.monotonic()
        response = self._session.request(
            method,
            self._profile.url + path,
            json=body,
            params=params,
            timeout=self._profile.timeout,
            verify=self._profile.verify,  # per request: the environment beats a session's False
            allow_redirects=False,  # following one would turn a POST into a GET
        )
        took, size = time.monotonic() - started, len(response.content)
        log.debug("%s %s: %s, %d bytes, %.3f s", method, path, response.status_code, size, took)
        return response

    def _failure(self, method: str, path: str, err: Exception) -> tuple[GatewayError, bool]:
        """What it means that no answer came, and whether another try may help."""
        from requests import exceptions

        url, cause = self._profile.url, _cause(err)
        if isinstance(err, exceptions.SSLError):
            return GatewayError(f"No trusted connection to {url}: {cause}"), False
        if isinstance(err, exceptions.ReadTimeout):
            seconds = f"{self._profile.timeout:g} s"
            return OutcomeUnknown(f"{url} did not answer {method} {path} within {seconds}"), False
        if _never_sent(err):
            return GatewayError(f"Cannot reach {url}: {cause}"), True
        if isinstance(err, (exceptions.ConnectionError, exceptions.ChunkedEncodingError)):
            return OutcomeUnknown(f"{url} broke off {method} {path}: {cause}"), True
        return GatewayError(f"Cannot send {method} {path} to {url}: {type(err).__name__}"), False

    def _parsed(self, response: requests.Response, body: Mapping[str, Any] | None) -> Any:
        url, status = self._profile.url, response.status_code
        if response.is_redirect:
            target = response.headers["location"].split("?")[0]
            raise GatewayError(
                f"{url} redirects to {target}; the profile needs the final url", status
            )
        if not response.ok:
            secrets = (self._profile.api_key, *secret_strings("", dict(body or {})))
            reason = scrub(_reason(response), secrets)[:_LONGEST_REASON]
            kind = (
                OutcomeUnknown if status >= _SERVER_ERROR and status not in _BUSY else GatewayError
            )
            raise kind(f"{url} {_refusal(status)} ({status}): {reason}", status)
        try:
            return response.json()
        except ValueError:
            raise OutcomeUnknown(f"{url} answers, but not as a LiteLLM gateway does") from None


def _retry_after(response: requests.Response) -> float:
    """Seconds that the gateway asks to wait; 0 where it does not say."""
    asked = response.headers.get("retry-after", "")
    return float(asked) if asked.isdigit() else 0.0


def _causes(err: BaseException | None) -> list[BaseException]:
    """An exception and what led to it, outermost first."""
    chain: list[BaseException] = []
    while err is not None and err not in chain:
        chain.append(err)
        inner = getattr(err, "reason", None) or next(
            (arg for arg in err.args if isinstance(arg, BaseException)), None
        )
        err = inner if isinstance(inner, BaseException) else (err.__cause__ or err.__context__)
    return chain


def _never_sent(err: Exception) -> bool:
    """Whether the connection failed before the request could have reached the gateway."""
    from requests.exceptions import ConnectTimeout, ProxyError
    from urllib3.exceptions import NewConnectionError

    return isinstance(err, (ConnectTimeout, ProxyError)) or any(
        isinstance(cause, NewConnectionError) for cause in _causes(err)
    )


def _cause(err: Exception) -> str:
    """The innermost reason, without the object addresses and URLs that requests adds."""
    for cause in reversed(_causes(err)):
        text = getattr(cause, "verify_message", "") or getattr(cause, "strerror", "") or ""
        if text:
            return str(text)
    return type(_causes(err)[-1]).__name__


def _refusal(status: int) -> str:
    """What a status means to the person who wrote the profile."""
    if status == 401:  # noqa: PLR2004
        return "does not accept the api_key for this"
    if status == 403:  # noqa: PLR2004
        return "forbids this"
    return "failed" if status >= _SERVER_ERROR else "refused"


def _reason(response: requests.Response) -> str:
    """The gateway's own reason, out of the three shapes its errors have."""
    try:
        answer = response.json()
    except ValueError:
        return response.reason or "no reason given"
    reason = answer
    if isinstance(answer, dict):
        reason = answer.get("error", answer.get("detail", answer.get("message", answer)))
    if isinstance(reason, dict):
        reason = reason.get("message", reason.get("error", reason))
    if isinstance(reason, str) and reason.startswith("{'"):
        # The message is often the repr of a dict: "{'error': '...'}".
        with contextlib.suppress(SyntaxError, ValueError):
            reason = ast.literal_eval(reason)
        if isinstance(reason, dict):
            reason = reason.get("error", reason)
    if isinstance(reason, list):
        reason = "; ".join(_validation(item) for item in reason)
    text = reason if isinstance(reason, str) else json.dumps(reason)
    return " ".join(text.split()) or "no reason given"


def _validation(item: Any) -> str:
    """One entry of a 422. Its ``input`` is left out: old versions echo secrets there."""
    if not isinstance(item, dict):
        return str(item)
    where = ".".join(str(part) for part in item.get("loc", ()) if part != "body")
    return f"{where}: {item.get('msg', 'invalid')}"
