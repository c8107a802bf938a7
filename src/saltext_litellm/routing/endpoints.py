"""LiteLLM's endpoints for fallbacks and router settings, with one method for each.

This is the only file that reads the text of LiteLLM's errors about them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from ..errors import GatewayError, Unchangeable
from ..http.endpoints import GatewayEndpoints

_NOT_FOUND = 404
_UNKNOWN = ("not found in router", "Invalid fallback models")


class UnknownModel(GatewayError):
    """This worker serves no model of a name. It may be new, and another worker may serve it."""


class _Endpoints(GatewayEndpoints):
    """What the endpoints of both kinds have."""

    _merges = False  # whether a write of some settings keeps the others

    def settings(self) -> dict[str, Any]:
        """What ``GET /router/settings`` answers: the stored settings over those of the router.

        - ``current_values``: each setting. A worker may have read the stored ones up to 60 s ago.
        - ``source``: where each is from: ``config``, ``db``, ``default`` or ``unset``. 1.83.14 does
          not say.
        - ``fields``: the names and types of most settings.

        The key of a viewer may not read it in 1.83.14.
        """
        answer = self._session.call("GET", "/router/settings")
        if not isinstance(answer, dict) or not isinstance(answer.get("current_values"), dict):
            raise GatewayError("The gateway's router settings are not in a form LiteLLM sends")
        self._merges = "source" in answer
        return answer

    def refresh(self) -> bool:
        """Let this worker read its database, by a write of no setting at all.

        :returns: ``False`` if LiteLLM would do more: 1.83.14 would write what its file has.
        """
        if self._merges:
            self._session.call("POST", "/config/update", {})
        return self._merges

    def _update_settings(self, settings: Mapping[str, Any]) -> None:
        self._write("message", "POST", "/config/update", {"router_settings": settings})

    def _write(self, proof: str, method: str, path: str, *what: Any, **more: Any) -> None:
        """Send a write.

        :param proof: What the answer of LiteLLM has. That of something in between has not.
        """
        answer = self._session.call(method, path, *what, **more)
        if not isinstance(answer, dict) or proof not in answer:
            raise self._not_litellm(f"{method} {path}")


class FallbackEndpoints(_Endpoints):
    """The fallback endpoints of one gateway."""

    def create(self, body: Mapping[str, Any]) -> None:
        """Write a rule, in the place of the one that its model has for its type.

        LiteLLM reads all rules of its database and writes them back, without a lock (1.83.14 to
        1.110.2): of two writes at the same time, one may be lost although both are answered.

        :raises UnknownModel: This worker serves no such model.
        :raises OutcomeUnknown: It may have been done. Sending it again does no harm.
        """
        try:
            self._write("fallback_type", "POST", "/fallback", body)
        except GatewayError as err:
            if any(text in str(err) for text in _UNKNOWN):
                raise UnknownModel(str(err), err.status) from None
            raise

    def update(self, _: str, body: Mapping[str, Any]) -> None:
        """Write a rule, as :meth:`create` does."""
        self.create(body)

    def delete(self, row_id: str) -> bool:
        """Delete a rule; ``False`` if the database has none of this model and type.

        LiteLLM finds no rule of a model with a slash in its name (1.83.14 to 1.110.2).

        :raises OutcomeUnknown: It may still exist.
        """
        fallback_type, _, model = row_id.partition("/")
        path, params = f"/fallback/{quote(model, safe='')}", {"fallback_type": fallback_type}
        try:
            self._write("fallback_type", "DELETE", path, params=params)
        except GatewayError as err:
            if err.status == _NOT_FOUND and "fallbacks configured" in str(err):
                return False
            raise
        return True

    def replace(self, key: str, entries: list[Any]) -> None:
        """Replace the rules of a type (from 1.106 on). 1.83.14 would destroy other settings.

        :raises OutcomeUnknown: It may have been done.
        """
        self._update_settings({key: entries})


class RouterEndpoints(_Endpoints):
    """The endpoints of the router settings of one gateway."""

    def live(self) -> dict[str, Any]:
        """The settings that the router of this worker has. LiteLLM shows the most important."""
        answer = self._session.call("GET", "/get/config/callbacks")
        found = answer.get("router_settings") if isinstance(answer, dict) else None
        if not isinstance(found, dict):
            raise GatewayError("The gateway's live router settings are not in a form LiteLLM sends")
        return found

    def update(self, _: str, body: Mapping[str, Any]) -> None:
        """Merge settings into the stored ones; lists and mappings are whole (from 1.106 on).

        1.83.14 destroys what is not sent: never call this there.

        :raises OutcomeUnknown: It may have been done. Sending it again does no harm.
        """
        self._update_settings(body)

    def create(self, body: Mapping[str, Any]) -> None:
        """The settings are always there, so to make them is to change them."""
        self.update("", body)

    def delete(self, row_id: str) -> bool:
        """Refuse: LiteLLM ignores a null, and has no other way to unset a setting."""
        raise Unchangeable(f"LiteLLM cannot unset {row_id}")
