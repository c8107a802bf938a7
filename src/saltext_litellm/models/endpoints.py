"""LiteLLM's endpoints for models, health and facts, with one method for each.

If something does not exist, a method returns ``None`` or ``False``. Of all files about
models, only this one reads the text of LiteLLM's errors. It turns what the text says into errors of
their own classes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from ..errors import (
    AlreadyThere,
    GatewayError,
    NotAllowed,
    NotInDatabase,
    NotServed,
    OutcomeUnknown,
    ServesLess,
    Unchangeable,
)
from ..http.endpoints import GatewayEndpoints
from ..values.secrets import scrub, secret_strings
from .row import is_fixed, parse_all

Listed = dict[str, Any]

_SERVER_ERROR = 500
# The database takes this as a pattern that matches every name. A router looks for these two
# characters, and no name has them. A URL-encoded name may have a single `%`.
EVERY_NAME = "%%"


class ModelEndpoints(GatewayEndpoints):
    """The model endpoints of one gateway."""

    # ------------------------------------------------------------------ reads

    def database(self, pattern: str = EVERY_NAME) -> list[Listed]:
        """The rows of the database whose model name matches a pattern, as they are now.

        They include rows that are not served, but no row of the config file. The list is empty
        while the router of this worker is empty (LiteLLM 1.83.14 to 1.110.2). It is cut short or
        empty if LiteLLM cannot read a row.
        """
        return self._listed_rows({"search": pattern, "size": 100_000})

    def router(self) -> list[Listed]:
        """The rows that the router of this worker serves, with those of the config file.

        The worker may have read them some time ago.
        """
        # The page size has no maximum; old versions ignore it and send everything.
        return self._listed_rows({"size": 100_000})

    def count(self) -> int | None:
        """How many deployments this worker lists; ``None`` if LiteLLM has no database."""
        try:
            return len(self.router())
        except GatewayError as err:
            if err.status == _SERVER_ERROR and "DB not connected" in str(err):
                return None
            raise

    def masked_secrets(self, model_id: str) -> dict[str, Any] | None:
        """The masked secrets of a served deployment; ``None`` if LiteLLM does not show them.

        It does not if the deployment is blocked or unknown, or if its id has a slash.

        :raises NotAllowed: The api_key may not see them, such as a viewer's (LiteLLM 1.83.14).
        """
        if is_fixed(model_id):
            return None
        path = f"/credentials/by_model/{quote(model_id, safe='')}"
        try:
            answer = self._session.call("GET", path, absent=(404,))
        except GatewayError as err:
            if err.status in (401, 403):
                raise NotAllowed(str(err), err.status) from None
            raise
        if answer is None:
            return None
        values = answer.get("credential_values") if isinstance(answer, dict) else None
        return values if isinstance(values, dict) else {}

    def providers(self) -> list[str]:
        """The providers that this gateway's LiteLLM knows; empty if it does not say."""
        answer = self._session.call("GET", "/public/providers", absent=(404,))
        return [str(item) for item in answer] if isinstance(answer, list) else []

    def resolves(self, model: str) -> bool:
        """Whether LiteLLM finds the provider of a model by its name; also if it does not say.

        It is the only request that asks LiteLLM's own code for that, and makes no call. If LiteLLM
        has a deployment of this name, it answers for the upstream model of that one (1.106.2).
        """
        path = "/utils/supported_openai_params"
        try:
            self._session.call("GET", path, params={"model": model}, absent=(401, 403, 404))
        except GatewayError as err:
            return "Could not map model" not in str(err)
        return True

    def cost_map(self) -> dict[str, Any]:
        """LiteLLM's cost map: the prices and other facts that it knows of each model."""
        answer = self._session.call("GET", "/public/litellm_model_cost_map", absent=(404,))
        return answer if isinstance(answer, dict) else {}

    def version(self) -> str | None:
        """LiteLLM's version; ``None`` if the gateway does not say."""
        answer = self._session.call("GET", "/public/model_hub/info", absent=(404,))
        version = answer.get("litellm_version") if isinstance(answer, dict) else None
        return None if version is None else str(version)

    def alive(self) -> bool:
        """Whether the gateway answers and takes the key.

        It is asked for one row that is not there. A key that may not ask this can manage nothing,
        and ``/health/liveliness`` and ``/test`` check no key (LiteLLM 1.83.14 to 1.110.2).
        """
        self._session.call("GET", "/v2/model/info", params={"modelId": "ping"})
        return True

    def health(self, model_id: str) -> dict[str, Any]:
        """LiteLLM's own health check of one deployment. Costs tokens, so it is never repeated.

        From 1.106 on the status of the answer is 503 if the deployment is unhealthy, and also if
        LiteLLM cannot check it. With ``background_health_checks``, 1.83.14 answers with the results
        of all deployments, so those of others are left out.

        :returns: Its ``healthy_endpoints`` and ``unhealthy_endpoints``, and how many these are.
            LiteLLM has no result if both are empty.
        """
        answer = self._session.call(
            "GET",
            "/health",
            params={"model_id": model_id},
            once=True,
            result_key="unhealthy_endpoints",
        )
        if not isinstance(answer, dict):
            raise GatewayError(f"{self.url} does not answer as a LiteLLM gateway does")
        result: dict[str, Any] = {}
        for what in ("healthy", "unhealthy"):
            found = answer.get(f"{what}_endpoints")
            result[f"{what}_endpoints"] = endpoints = [
                _without_traces(one)
                for one in (found if isinstance(found, list) else ())
                if isinstance(one, dict) and one.get("model_id", model_id) == model_id
            ]
            result[f"{what}_count"] = len(endpoints)
        return result

    def latest_health(self) -> dict[str, str]:
        """The last known health by model id (or name); empty if LiteLLM does not store it."""
        answer = self._session.call("GET", "/health/latest", absent=(401, 403, 404, 500))
        checks = answer.get("latest_health_checks") if isinstance(answer, dict) else None
        return {
            model: str(check.get("status"))
            for model, check in (checks if isinstance(checks, dict) else {}).items()
            if isinstance(check, dict)
        }

    def test_connection(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """One upstream call with the given parameters. Costs tokens, so it is never repeated."""
        answer = self._session.call("POST", "/health/test_connection", body, once=True)
        secrets = tuple(secret_strings("", dict(body)))
        answer = _without_traces(answer, lambda text: scrub(text, secrets))
        if not isinstance(answer, dict) or "status" not in answer:
            raise GatewayError(f"{self.url} does not answer as a LiteLLM gateway does")
        result = answer.get("result")
        return {
            "status": answer["status"],
            "result": {key: value for key, value in result.items() if value is not None}
            if isinstance(result, dict)
            else result,
        }

    # ----------------------------------------------------------------- writes

    def create(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Create a deployment and return the raw row.

        :raises AlreadyThere: The database refused it.
        :raises NotServed: The row exists, but LiteLLM cannot serve it.
        :raises ServesLess: The row exists, but LiteLLM has stopped serving other rows.
        :raises OutcomeUnknown: The row may exist: look before trying again.
        """
        model_id = body["model_info"]["id"]
        try:
            row = self._session.call("POST", "/model/new", body, repeatable=False)
        except OutcomeUnknown as err:
            if "Failed to add model to db" in str(err):
                raise AlreadyThere(str(err), err.status) from None
            if "STORE_MODEL_IN_DB" in str(err):
                raise GatewayError(str(err), err.status) from None  # it has written nothing
            raise _saved_error(err, model_id) from None
        return self._confirmed(row, model_id, "POST /model/new")

    def update(self, model_id: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Merge a body into a row and return the raw row.

        An empty body changes nothing, but makes this worker read all rows again.

        :raises NotInDatabase: There is no such row.
        :raises NotServed: The row is changed, but LiteLLM cannot serve it.
        :raises ServesLess: The row is changed, but LiteLLM has stopped serving other rows.
        :raises Unchangeable: The id of the row has a slash.
        """
        if is_fixed(model_id):
            if all(row.id != model_id for row in parse_all(self.database())):
                raise NotInDatabase(f"LiteLLM cannot change {model_id}: its database lacks it")
            raise Unchangeable(f"LiteLLM cannot change {model_id}: its id has a slash")
        return self._send_change(
            "PATCH", f"/model/{quote(model_id, safe='')}/update", model_id, body
        )

    def delete(self, model_id: str) -> bool:
        """Delete a row; ``False`` if the database has no row with this id.

        :raises OutcomeUnknown: The row may still exist.
        """
        try:
            answer = self._session.call("POST", "/model/delete", {"id": model_id})
        except GatewayError as err:
            # 400 is also the answer for a row of the config file, which is not in the database.
            if err.status in (400, 404) and "not found in db" in str(err):
                return False
            raise
        # All versions answer "Model: … deleted successfully". Other text is not LiteLLM's answer.
        if not isinstance(answer, dict) or model_id not in str(answer.get("message")):
            raise self._not_litellm("POST /model/delete")
        return True

    def block(self, model_id: str, blocked: bool) -> None:
        """Pause or resume a row.

        :raises NotInDatabase: There is no such row, or LiteLLM is too old.
        """
        path = "/model/block" if blocked else "/model/unblock"
        self._send_change("POST", path, model_id, {"model_id": model_id})

    # --------------------------------------------------------------- plumbing

    def _send_change(
        self, method: str, path: str, model_id: str, body: Mapping[str, Any]
    ) -> dict[str, Any]:
        try:
            row = self._session.call(method, path, body)
        except OutcomeUnknown as err:
            raise _saved_error(err, model_id) from None
        except GatewayError as err:
            if err.status == 404 or "Cannot edit config-based model" in str(err):  # noqa: PLR2004
                raise NotInDatabase(str(err), err.status) from None
            raise
        return self._confirmed(row, model_id, f"{method} {path}")

    def _confirmed(self, row: Any, model_id: str, request: str) -> dict[str, Any]:
        """The answer of a write, if it names the row that was written. Not every 200 does."""
        if isinstance(row, dict) and row.get("model_id") == model_id:
            return row
        raise self._not_litellm(request)

    def _listed_rows(self, params: Mapping[str, Any]) -> list[Listed]:
        try:
            answer = self._session.call("GET", "/v2/model/info", params=params)
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


def _without_traces(value: Any, cleaned: Callable[[str], str] = str) -> Any:
    """The answer to a check, without the stack trace that LiteLLM adds to the provider's reason."""
    if isinstance(value, dict):
        return {key: _without_traces(item, cleaned) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_traces(item, cleaned) for item in value]
    return cleaned(value.split("\nstack trace:")[0]) if isinstance(value, str) else value


def _saved_error(err: OutcomeUnknown, model_id: str) -> GatewayError:
    """The error that a 500 means if it says that the write was saved (1.106.2)."""
    if "saved to the database" not in str(err):
        return err
    kind = NotServed if repr(model_id) in str(err) else ServesLess
    return kind(str(err), err.status)
