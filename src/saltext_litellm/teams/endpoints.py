"""LiteLLM's endpoints for teams, with one method for each.

This is the only file that reads the text of LiteLLM's errors about teams. It turns what the text
says into errors of their own classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from ..errors import AlreadyThere, GatewayError, NotInDatabase, OutcomeUnknown
from ..http.endpoints import GatewayEndpoints
from ..http.pages import PAGE, read_pages
from ..objects.patch import METADATA, PERMISSION, patched
from .kind import ALIASES, ID, MEMBER_BUDGET, POINTER, ROSTER, UPDATE

Body = Mapping[str, Any]
Found = dict[str, Any]

_BAD, _NOT_FOUND = 400, 404
_MISSING = ("Team not found", "does not exist in db")
_ELSEWISE = ("already in team", "User not found in team")  # somebody else has done it


class TeamEndpoints(GatewayEndpoints):
    """The team endpoints of one gateway. All reads show the database.

    They return teams in one form: as LiteLLM's table has them, with ``model_aliases`` where it
    shows these, and with what the budget of their members says where it shows that.
    """

    # ------------------------------------------------------------------ reads

    def list(self) -> list[Found]:
        """All teams, by one request for each hundred."""
        return [*map(_in_one_form, read_pages("teams", ID, self._page).values())]

    def _page(self, number: int, **filters: str) -> tuple[Any, Any]:
        """The teams of a page, and how many there are."""
        query = {"page_size": PAGE, "page": number, "sort_by": ID, **filters}
        answer = self._session.call("GET", "/v2/team/list", params=query)
        found = answer if isinstance(answer, dict) else {}
        return found.get("teams"), found.get("total")

    def info(self, team_id: str) -> Found | None:
        """One team, ``None`` if there is none.

        LiteLLM (1.83.14 to 1.110.2) answers 404 for any trouble that it has with its database. So
        the list must say so too: it fails in such trouble.
        """
        try:
            answer = self._session.call("GET", "/team/info", params={ID: team_id})
        except GatewayError as err:
            if err.status == _NOT_FOUND and not self._is_listed(team_id):
                return None
            raise
        row = answer.get("team_info") if isinstance(answer, dict) else None
        if not isinstance(row, dict) or not _is_team(row):
            raise GatewayError("The gateway's team is not in a form LiteLLM sends")
        return _in_one_form(row)

    def _is_listed(self, team_id: str) -> bool:
        return bool(read_pages("teams", ID, lambda number: self._page(number, team_id=team_id)))

    def aliases(self) -> dict[str, Any]:
        """The ``model_aliases`` of all teams, by a request that takes 30 ms for each.

        LiteLLM 1.83.14 shows them nowhere else.
        """
        rows = self._session.call("GET", "/team/list")
        teams = map(_in_one_form, filter(_is_team, rows if isinstance(rows, list) else ()))
        return {row[ID]: row.get(ALIASES, {}) for row in teams}

    def count_keys(self, team_id: str) -> int:
        """How many keys belong to a team."""
        answer = self._session.call("GET", "/key/list", params={ID: team_id, "size": 1})
        count = answer.get("total_count") if isinstance(answer, dict) else None
        if not isinstance(count, int):
            raise GatewayError("The gateway's list of keys is not in a form LiteLLM sends")
        return count

    # ----------------------------------------------------------------- writes

    def create(self, body: Body) -> Found:
        """Create a team. Returns it as it is stored.

        :raises AlreadyThere: There is one with this id.
        :raises OutcomeUnknown: It may exist: look before trying again.
        """
        found = self._confirmed(self._create("/team/new", body), "POST /team/new")
        if PERMISSION in body and not found.get(PERMISSION):  # this answer does not show it
            return self.info(found[ID]) or found
        return found

    def update(self, team_id: str, body: Body) -> Found | None:
        """Do one thing to a team: change its values, or a member.

        LiteLLM replaces the metadata whole, and other mappings too. So what others have in them is
        read just before they are written.

        :param body: The end of LiteLLM's path, with what to send. For ``update`` that is a patch,
            in which a null removes a key of a mapping.
        :returns: The team as it is stored. Of its members only, if one was changed; ``None`` if
            LiteLLM does not show them.
        :raises NotInDatabase: There is no such team.
        :raises OutcomeUnknown: It may have been done, perhaps by somebody else.
        """
        ((action, what),) = body.items()
        if action == UPDATE:
            return self._confirmed(self._update(team_id, what).get("data"), "POST /team/update")
        answer = self._write(f"/team/{action}", team_id, what, repeatable=False)
        return {ROSTER: answer[ROSTER]} if isinstance(answer.get(ROSTER), list) else None

    def _update(self, team_id: str, patch: Body) -> Found:
        before = self.info(team_id)
        if before is None:
            raise NotInDatabase(f"{self.url} has no team {team_id}", _NOT_FOUND)
        if ALIASES in patch and ALIASES not in before:  # 1.83.14
            before[ALIASES] = self.aliases().get(team_id)
        body = patched(patch, before)
        pointer = (before.get(METADATA) or {}).get(POINTER)
        # 1.83.14 forgets the budget of the members with each write of the metadata, unless the
        # write says something about that budget; and it ignores a null there. A column that it has
        # not got yet tells it from newer ones.
        if pointer is not None and "tpd_limit" not in before:
            kept = {key: before[key] for key in MEMBER_BUDGET if before.get(key) is not None}
            cleared = [key for key in MEMBER_BUDGET if key in body and body[key] is None]
            if cleared:
                limits: Found = {MEMBER_BUDGET[key]: None for key in cleared}
                self._post("/budget/update", {"budget_id": pointer, **limits})
            body = {**kept, **body}
        if pointer is not None and MEMBER_BUDGET.keys() & body.keys():
            self._restore_budget(pointer, before)
        return self._write("/team/update", team_id, body)

    def _restore_budget(self, budget_id: str, team: Found) -> None:
        """Make the budget of the members of a team anew if somebody has deleted it.

        LiteLLM (1.83.14 to 1.110.2) answers 500 to a change of a budget that is not there.
        """
        if MEMBER_BUDGET.keys() & team.keys():
            return
        with suppress(AlreadyThere):
            self._create("/budget/new", {"budget_id": budget_id, "max_budget": None})

    def _create(self, path: str, body: Body) -> Any:
        """Send a create.

        :raises AlreadyThere: There is one with this id.
        """
        try:
            return self._post(path, body, repeatable=False)
        except GatewayError as err:
            if "already exists" in str(err) or "Unique constraint failed" in str(err):
                raise AlreadyThere(str(err), err.status) from None
            raise

    def delete(self, team_id: str) -> bool:
        """Delete a team, and all keys of it; ``False`` if there is none.

        :raises OutcomeUnknown: It may still exist.
        """
        try:
            answer = self._post("/team/delete", {"team_ids": [team_id]})
        except GatewayError as err:
            if self._is_missing(err, team_id):
                return False
            raise
        if not isinstance(answer, dict) or "deleted_teams" not in answer:
            raise self._not_litellm("POST /team/delete")
        return True

    # --------------------------------------------------------------- plumbing

    def _write(self, path: str, team_id: str, body: Body, *, repeatable: bool = True) -> Found:
        whole = {ID: team_id, **body}
        try:
            answer = self._post(path, whole, repeatable=repeatable)
        except GatewayError as err:
            if self._is_missing(err, team_id):
                raise NotInDatabase(str(err), err.status) from None
            if any(text in str(err) for text in _ELSEWISE):
                raise OutcomeUnknown(str(err), err.status) from None
            raise
        if not isinstance(answer, dict) or answer.get(ID) != team_id:
            raise self._not_litellm(f"POST {path}")
        return answer

    def _is_missing(self, err: GatewayError, team_id: str) -> bool:
        """Whether LiteLLM has refused something because there is no such team."""
        told = err.status in (_BAD, _NOT_FOUND) and any(text in str(err) for text in _MISSING)
        return told and self.info(team_id) is None

    def _confirmed(self, answer: Any, request: str) -> Found:
        """The team of an answer."""
        if not _is_team(answer):
            raise self._not_litellm(request)
        return _in_one_form(answer)


def _is_team(row: Any) -> bool:
    return isinstance(row, dict) and isinstance(row.get(ID), str)


def _in_one_form(row: Found) -> Found:
    """A team, with what LiteLLM shows of it elsewhere than in a column."""
    table, budget = row.get("litellm_model_table"), row.get("team_member_budget_table")
    found = {key: value for key, value in row.items() if not key.startswith("litellm_")}
    if isinstance(table, dict) or row.get("model_id") is None:
        found[ALIASES] = (table or {}).get(ALIASES) or {}
    if isinstance(budget, dict):
        found |= {key: budget.get(column) for key, column in MEMBER_BUDGET.items()}
    return found
