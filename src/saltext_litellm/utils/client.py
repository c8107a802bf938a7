"""The only place that speaks HTTP: LiteLLM's model endpoints, one method each.

Absence is ``None`` or ``False``, never a parsed message. Everything else that goes wrong is a
:class:`~.errors.GatewayError` of one sentence, without secrets.
"""

from __future__ import annotations

import ast
import contextlib
import json
import logging
import re
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

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

Row = dict[str, Any]


class Client:
    """One keep-alive session with a gateway.

    One session is one TCP connection, and so one worker of a gateway that has several: a write
    is visible to the reads that follow it here, long before the other workers know.
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

    # ------------------------------------------------------------------ reads

    def rows(self) -> list[Row]:
        """Every deployment, as this worker knows it."""
        # The page size has no maximum; old versions ignore it and send everything.
        return self._list({"size": 100_000})

    def row(self, model_id: str) -> Row | None:
        """One deployment: from this worker's router, else from the database."""
        rows = self._list({"modelId": model_id})
        return next((row for row in rows if _id(row) == model_id), None)

    def masked_secrets(self, model_id: str) -> dict[str, Any] | None:
        """The masked secrets of a served deployment; ``None`` if it is blocked or unknown."""
        path = f"/credentials/by_model/{quote(model_id, safe='')}"
        answer = self._call("GET", path, absent=(404,))
        if answer is None:
            return None
        values = answer.get("credential_values") if isinstance(answer, dict) else None
        return values if isinstance(values, dict) else {}

    def providers(self) -> list[str]:
        """The providers that this gateway's LiteLLM knows; empty where it cannot say."""
        answer = self._call("GET", "/public/providers", absent=(404,))
        return [str(item) for item in answer] if isinstance(answer, list) else []

    def cost_map(self) -> dict[str, Any]:
        """LiteLLM's cost map: what it knows of each model by itself."""
        answer = self._call("GET", "/public/litellm_model_cost_map", absent=(404,))
        return answer if isinstance(answer, dict) else {}

    def version(self) -> str | None:
        """LiteLLM's version; ``None`` where the gateway does not say."""
        answer = self._call("GET", "/public/model_hub/info", absent=(404,))
        version = answer.get("litellm_version") if isinstance(answer, dict) else None
        return None if version is None else str(version)

    def version_tuple(self) -> tuple[int, ...] | None:
        """LiteLLM's version, to be compared; ``None`` where the gateway does not say."""
        numbers = re.match(r"(\d+)\.(\d+)", self.version() or "")
        return tuple(map(int, numbers.groups())) if numbers else None

    def alive(self) -> bool:
        """Whether the gateway answers."""
        self._call("GET", "/health/liveliness")
        return True

    def health(self, model_id: str) -> Any:
        """LiteLLM's own health check of one deployment. A real upstream call."""
        return self._call("GET", "/health", params={"model_id": model_id})

    def latest_health(self) -> dict[str, str]:
        """The last known health by model id (or name); empty where LiteLLM keeps none."""
        answer = self._call("GET", "/health/latest", absent=(401, 403, 404, 500))
        checks = answer.get("latest_health_checks") if isinstance(answer, dict) else None
        return {
            model: str(check.get("status"))
            for model, check in (checks if isinstance(checks, dict) else {}).items()
            if isinstance(check, dict)
        }

    def test_connection(self, body: Mapping[str, Any]) -> Any:
        """One upstream call with the given parameters. Costs tokens, so it is never repeated."""
        return self._call("POST", "/health/test_connection", body, repeatable=False)

    def can_block(self) -> bool:
        """Whether this LiteLLM knows blocked deployments, which came in mid-2026.

        An empty body is refused (422) where the endpoint exists, and changes nothing.
        """
        try:
            return self._call("POST", "/model/block", {}, absent=(404, 405)) is not None
        except GatewayError as err:
            return err.status in (400, 401, 403, 422)  # it is there, and refuses

    # ----------------------------------------------------------------- writes

    def create(self, body: Mapping[str, Any]) -> Row:
        """Create a deployment and return the raw row.

        :raises OutcomeUnknown: The row may exist: look its id up before trying again.
        """
        row: Row = self._call("POST", "/model/new", body, repeatable=False)
        return row

    def update(self, model_id: str, body: Mapping[str, Any]) -> Row | None:
        """Merge a body into a row and return the raw row; ``None`` if there is no such row.

        An empty body changes nothing, but makes this worker reload every row.
        """
        path = f"/model/{quote(model_id, safe='')}/update"
        row: Row | None = self._call("PATCH", path, body, absent=(404,))
        return row

    def delete(self, model_id: str) -> bool:
        """Delete a row; ``False`` if the database has none of this id."""
        try:
            self._call("POST", "/model/delete", {"id": model_id})
        except GatewayError as err:
            # 400 is also the answer for a config-file row: it is not in the database either.
            if err.status in (400, 404) and "not found in db" in str(err):
                return False
            raise
        return True

    def block(self, model_id: str, blocked: bool) -> bool:
        """Pause or resume a row; ``False`` if there is no such row, or no such endpoint."""
        path = "/model/block" if blocked else "/model/unblock"
        return self._call("POST", path, {"model_id": model_id}, absent=(404, 405)) is not None

    # --------------------------------------------------------------- plumbing

    def _list(self, params: Mapping[str, Any]) -> list[Row]:
        try:
            answer = self._call("GET", "/v2/model/info", params=params)
        except GatewayError as err:
            # How some versions say that a gateway has no model at all.
            if err.status == _SERVER_ERROR and "LLM Model List not loaded" in str(err):
                return []
            raise
        data = answer.get("data") if isinstance(answer, dict) else answer
        if isinstance(data, dict):  # a single row has been seen as an object instead of a list
            data = [data]
        if not isinstance(data, list):
            raise GatewayError("The gateway's list of models is not in a form LiteLLM sends")
        return [row for row in data if isinstance(row, dict)]

    def _call(
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
            raise GatewayError(f"{url} answers, but not as a LiteLLM gateway does") from None


def _id(row: Row) -> Any:
    info = row.get("model_info")
    return info.get("id") if isinstance(info, dict) else None


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
