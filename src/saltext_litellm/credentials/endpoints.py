"""LiteLLM's endpoints for credentials, with one method for each.

This is the only file that reads the text of LiteLLM's errors about credentials. It turns what the
text says into errors of their own classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from ..errors import GatewayError, NameTaken, NotInDatabase, OutcomeUnknown, Unchangeable
from ..http.endpoints import GatewayEndpoints
from ..values.secrets import scrub, secret_strings

Listed = list[dict[str, Any]]

_CONFLICT, _NOT_FOUND = 409, 404
_MISSING = ("Credential not found in DB", "Credential not found. Got")


class CredentialEndpoints(GatewayEndpoints):
    """The credential endpoints of one gateway."""

    # ------------------------------------------------------------------ reads

    def list(self) -> Listed:
        """The credentials that this worker has in its memory, with those of the config file.

        It may have read them up to 30 s ago. No request shows the database itself.
        """
        answer = self._session.call("GET", "/credentials")
        rows = answer.get("credentials") if isinstance(answer, dict) else None
        if not isinstance(rows, list):
            raise GatewayError("The gateway's list of credentials is not in a form LiteLLM sends")
        return [row for row in rows if isinstance(row, dict)]

    # ----------------------------------------------------------------- writes

    def create(self, body: Mapping[str, Any]) -> None:
        """Create a credential. It needs a value, and ``credential_info``, which may be empty.

        :raises NameTaken: The database has one of this name, known to this worker or not.
        :raises OutcomeUnknown: It may exist: look before trying again.
        """
        try:
            answer = self._session.call("POST", "/credentials", body, repeatable=False)
        except GatewayError as err:
            conflict = err.status == _CONFLICT and "is defined in config" not in str(err)
            if conflict or "Unique constraint failed" in str(err):  # 500 in 1.83.14
                raise NameTaken(str(err), err.status) from None
            raise
        self._confirm(answer, "POST /credentials", body)

    def update(self, name: str, body: Mapping[str, Any]) -> None:
        """Merge a body into a credential. An empty body changes nothing, but finds it or not.

        Each value is merged. Up to 1.109 ``credential_info`` replaces the old one, unless it is
        empty, while the memory of this worker merges it; from 1.110 on, both merge it.

        :raises NotInDatabase: There is no such row, or, in 1.83.14, it is in the config file.
        :raises Unchangeable: A URL cannot hold the name.
        """
        # 1.83.14 wants all three. It would rename the credential if the body named another one.
        whole = {"credential_values": {}, "credential_info": {}, **body, "credential_name": name}
        self._change("PATCH", name, whole)

    def delete(self, name: str) -> bool:
        """Delete a credential; ``False`` if the database has none of this name.

        1.83.14 does not say whether there was one. It also forgets one of its config file, until
        it is started again.

        :raises OutcomeUnknown: It may still exist.
        :raises Unchangeable: A URL cannot hold the name.
        """
        try:
            self._change("DELETE", name, None)
        except NotInDatabase:
            return False
        return True

    # --------------------------------------------------------------- plumbing

    def _change(self, method: str, name: str, body: Mapping[str, Any] | None) -> None:
        if name in (".", "..") or "\n" in name:  # such a path leads elsewhere
            raise Unchangeable(
                f"LiteLLM cannot change the credential {name!r}: a URL cannot hold it"
            )
        path = f"/credentials/{quote(name, safe='')}"
        try:
            answer = self._session.call(method, path, body)
        except GatewayError as err:
            if err.status == _NOT_FOUND and any(text in str(err) for text in _MISSING):
                raise NotInDatabase(str(err), err.status) from None
            raise
        self._confirm(answer, f"{method} {path}", body or {})

    def _confirm(self, answer: Any, request: str, body: Mapping[str, Any]) -> None:
        """Raise an error unless LiteLLM says that it has done it.

        1.83.14 to 1.100 answer 200 to a PATCH or DELETE that failed, with the error.
        """
        if not isinstance(answer, dict) or "message" not in answer:
            raise self._not_litellm(request)
        if answer.get("success") is True:
            return
        reason = scrub(str(answer["message"]), secret_strings("", dict(body)))[:400]
        missing = reason.startswith(_MISSING)
        kind = NotInDatabase if missing else OutcomeUnknown
        raise kind(f"{self.url} failed: {reason}", _NOT_FOUND if missing else None)
