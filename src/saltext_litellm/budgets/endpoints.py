"""LiteLLM's endpoints for budgets, with one method for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import AlreadyThere, GatewayError, NotInDatabase
from ..http.endpoints import GatewayEndpoints
from ..http.pages import PAGE, read_pages

Body = Mapping[str, Any]
Listed = list[dict[str, Any]]

_NOT_FOUND = 404
_ID, _TOKEN = "budget_id", "token"


class BudgetEndpoints(GatewayEndpoints):
    """The budget endpoints of one gateway."""

    def list(self) -> Listed:
        """The budgets of the database, also those that LiteLLM made for members of teams."""
        rows = self._session.call("GET", "/budget/list")
        if not isinstance(rows, list):
            raise GatewayError("The gateway's list of budgets is not in a form LiteLLM sends")
        return [row for row in rows if isinstance(row, dict)]

    def users(self, budget_id: str) -> Sequence[str]:
        """What uses a budget, in words: so many keys, so many customers.

        LiteLLM has no request for that: this reads all keys, by a request for each hundred, and all
        customers. 1.83.14 shows the budget of a key only if it is asked for that key, and the
        budget of a customer nowhere in a list.
        """

        def page(number: int) -> tuple[Any, Any]:
            query = {"size": PAGE, "page": number, "return_full_object": "true", "sort_by": _TOKEN}
            answer = self._session.call("GET", "/key/list", params=query)
            found = answer if isinstance(answer, dict) else {}
            return found.get("keys"), found.get("total_count")

        rows = read_pages("keys", _TOKEN, page).values()
        keys = sum(_has(self._whole(key), budget_id) for key in rows)
        found = self._session.call("GET", "/customer/list")
        customers = sum(_has(one, budget_id) for one in found or ())
        counts = {"key": keys, "customer": customers}
        return [f"{count} {what}{'s' * (count > 1)}" for what, count in counts.items() if count]

    def _whole(self, key: Body) -> Any:
        """A key of a list, with its budget."""
        if _ID in key:
            return key
        query = {"key": key[_TOKEN]}
        answer = self._session.call("GET", "/key/info", params=query, absent=(_NOT_FOUND,))
        return answer.get("info") if isinstance(answer, dict) else None

    def create(self, body: Body) -> Body:
        """Create a budget. Returns it as it is stored.

        :raises AlreadyThere: There is one with this id.
        :raises OutcomeUnknown: It may exist: look before trying again.
        """
        try:
            answer = self._session.call("POST", "/budget/new", body, repeatable=False)
        except GatewayError as err:
            if "already exists" in str(err) or "Unique constraint failed" in str(err):
                raise AlreadyThere(str(err), err.status) from None
            raise
        return self._row(answer, "POST /budget/new")

    def update(self, budget_id: str, body: Body) -> Body:
        """Change the keys of a body in a budget; a null clears. Returns it as it is stored.

        :raises NotInDatabase: There is no such budget, which LiteLLM answers with 200 and null.
        :raises OutcomeUnknown: It may have been done.
        """
        whole = {**body, _ID: budget_id}
        answer = self._session.call("POST", "/budget/update", whole)
        if answer is None:
            raise NotInDatabase(f"{self.url} has no budget {budget_id}", _NOT_FOUND)
        return self._row(answer, "POST /budget/update")

    def delete(self, budget_id: str) -> bool:
        """Delete a budget; ``False`` if there is none, which LiteLLM answers with 200 and null.

        :raises OutcomeUnknown: It may still exist.
        """
        answer = self._session.call("POST", "/budget/delete", {"id": budget_id})
        return answer is not None and bool(self._row(answer, "POST /budget/delete"))

    def _row(self, answer: Any, request: str) -> dict[str, Any]:
        if not isinstance(answer, dict) or _ID not in answer:
            raise self._not_litellm(request)
        return answer


def _has(row: Any, budget_id: str) -> bool:
    """Whether a key or a customer has a budget."""
    return isinstance(row, dict) and row.get(_ID) == budget_id
