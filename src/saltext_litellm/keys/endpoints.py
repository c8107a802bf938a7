"""LiteLLM's endpoints for virtual keys, with one method for each.

This is the only file that reads the text of LiteLLM's errors about keys. It turns what the text
says into errors of their own classes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..errors import AlreadyThere, GatewayError, NameTaken, NotInDatabase, OutcomeUnknown
from ..http.endpoints import GatewayEndpoints
from ..http.pages import PAGE, read_pages
from ..http.session import Session
from ..objects.patch import PERMISSION, patched
from ..values.quote import joined
from .kind import ID, TOKEN, token_of

Body = Mapping[str, Any]
Found = dict[str, Any]

_BAD, _NOT_FOUND = 400, 404
_MISSING = ("Key not found", "No keys found")
_UNREADABLE = re.compile(
    r"validation error for UserAPIKeyAuth\s+(\w+)\s+Input should be a valid dict"
)


class KeyEndpoints(GatewayEndpoints):
    """The key endpoints of one gateway. All reads show the database.

    :ivar login: The token of the key that the profile logs in with.
    """

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.login = token_of(session.api_key)

    # ------------------------------------------------------------------ reads

    def list(self, alias: str | None = None) -> list[Found]:
        """All keys by pages, or those that have an alias with a text in it. No key of the UI."""
        query = {"return_full_object": "true", "sort_by": TOKEN, "sort_order": "asc", "size": PAGE}
        if alias is not None:  # 1.83.14 looks for a part of it unasked
            query |= {ID: alias, "substring_matching": "true"}

        def page(number: int) -> tuple[Any, Any]:
            asked = {**query, "page": number}
            try:
                answer = self._session.call("GET", "/key/list", params=asked)
            except GatewayError as err:
                raise self._unreadable(err, asked) from None
            found = answer if isinstance(answer, dict) else {}
            return found.get("keys"), found.get("total_count")

        return [*read_pages("keys", TOKEN, page).values()]

    def _unreadable(self, err: GatewayError, asked: Mapping[str, Any]) -> GatewayError:
        """The error of a list with a key that LiteLLM cannot read: which one, and what to do.

        LiteLLM (1.83.14 to 1.110.2) takes a null in the place of a mapping. Then it refuses the
        key, and lists keys to nobody.
        """
        broken = _UNREADABLE.search(str(err))
        if broken is None:
            return err
        tokens = self._session.call(
            "GET", "/key/list", params={**asked, "return_full_object": "false"}
        )
        listed = tokens.get("keys") if isinstance(tokens, dict) else None
        rows = [self.info(one) or {} for one in listed or () if isinstance(one, str)]
        named = [str(row.get(ID)) for row in rows if row.get(broken[1], "") is None]
        return GatewayError(
            f"LiteLLM cannot list keys, because {broken[1]} of {joined(named) or 'one'} is null: "
            "set it to {} by POST /key/update",
            err.status,
        )

    def info(self, token: str) -> Found | None:
        """One key, ``None`` if LiteLLM says that there is none."""
        try:
            answer = self._session.call("GET", "/key/info", params={"key": token})
        except GatewayError as err:
            if isinstance(self._as_missing(err), NotInDatabase):
                return None
            raise
        row = answer.get("info") if isinstance(answer, dict) else None
        if not isinstance(row, dict) or ID not in row or answer.get("key") != token:
            raise GatewayError("The gateway's key is not in a form LiteLLM sends")
        # From 1.106 on, LiteLLM also shows a key that was deleted.
        return None if row.get("deleted_at") else {TOKEN: token, **row}

    # ----------------------------------------------------------------- writes

    def create(self, body: Body) -> Found:
        """Create a key. Returns it as it is stored.

        LiteLLM answers 200 and repeats what was sent if it has the key already, and changes
        nothing. So the key is read afterwards.

        :raises AlreadyThere: There is one of this alias, or the same key under another one.
        :raises OutcomeUnknown: It may exist: look before trying again.
        """
        try:
            self._post("/key/generate", body, repeatable=False)
        except GatewayError as err:
            if err.status == _BAD and "already exists" in str(err):
                raise NameTaken(str(err), err.status) from None
            raise
        try:
            found = self.info(token_of(body["key"]))
        except GatewayError as err:
            raise OutcomeUnknown(str(err), err.status) from None
        if found is None:
            raise OutcomeUnknown(f"{self.url} has made a key, and does not show it")
        if found.get(ID) != body[ID]:
            raise AlreadyThere(f"{self.url} has this key already, under another alias")
        return found

    def update(self, token: str, patch: Body) -> Found:
        """Apply a patch to a key, and return it as it is stored.

        LiteLLM replaces the metadata and other mappings whole. So what others have in them is read
        just before they are written. A null in the place of a mapping would break the key, and the
        list of keys for everybody (1.83.14 to 1.110.2).

        :param patch: What to write. A null in a mapping removes a key of it.
        :raises NotInDatabase: There is no such key.
        :raises OutcomeUnknown: It may have been done.
        """
        before = self.info(token)
        if before is None:
            raise NotInDatabase(f"{self.url} has no such key", _NOT_FOUND)
        try:
            answer = self._post("/key/update", {"key": token, **patched(patch, before)})
        except GatewayError as err:
            raise self._as_missing(err) from None
        if not _is_key(answer):
            raise self._not_litellm("POST /key/update")
        # 1.83.14 does not show the permission in this answer.
        found = self.info(token) if PERMISSION in patch else {**answer, **_permission(before)}
        return {**before, **(found or {})}

    def delete(self, token: str) -> bool:
        """Delete a key; ``False`` if there is none.

        :raises OutcomeUnknown: It may still exist.
        """
        try:
            answer = self._post("/key/delete", {"keys": [token]})
        except GatewayError as err:
            if isinstance(self._as_missing(err), NotInDatabase):
                return False
            raise
        if not isinstance(answer, dict) or "deleted_keys" not in answer:
            raise self._not_litellm("POST /key/delete")
        return True

    # --------------------------------------------------------------- plumbing

    def _as_missing(self, err: GatewayError) -> GatewayError:
        missing = err.status == _NOT_FOUND and any(text in str(err) for text in _MISSING)
        return NotInDatabase(str(err), err.status) if missing else err


def _permission(row: Body) -> Found:
    return {PERMISSION: row[PERMISSION]} if PERMISSION in row else {}


def _is_key(row: Any) -> bool:
    return isinstance(row, dict) and isinstance(row.get(TOKEN), str)
