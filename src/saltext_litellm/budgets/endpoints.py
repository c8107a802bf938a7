"""LiteLLM's endpoints for budgets, with one method for each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import AlreadyThere, GatewayError, NotInDatabase
from ..http.endpoints import GatewayEndpoints
from .kind import ID

Body = Mapping[str, Any]
Listed = list[dict[str, Any]]

_NOT_FOUND = 404


class BudgetEndpoints(GatewayEndpoints):
    """The budget endpoints of one gateway."""

    def list(self) -> Listed:
        """The budgets of the database, also those that LiteLLM made for members of teams."""
        return self._rows("budgets", "/budget/list")

    def customers(self) -> Listed:
        """The customers of the gateway. LiteLLM 1.83.14 shows the budget of none of them."""
        return self._rows("customers", "/customer/list")

    def create(self, body: Body) -> Body:
        """Create a budget. Returns it as it is stored.

        :raises AlreadyThere: There is one with this id.
        :raises OutcomeUnknown: It may exist: look before trying again.
        """
        try:
            answer = self._post("/budget/new", body, repeatable=False)
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
        whole = {**body, ID: budget_id}
        answer = self._post("/budget/update", whole)
        if answer is None:
            raise NotInDatabase(f"{self.url} has no budget {budget_id}", _NOT_FOUND)
        return self._row(answer, "POST /budget/update")

    def delete(self, budget_id: str) -> bool:
        """Delete a budget; ``False`` if there is none, which LiteLLM answers with 200 and null.

        :raises OutcomeUnknown: It may still exist.
        """
        answer = self._post("/budget/delete", {"id": budget_id})
        return answer is not None and bool(self._row(answer, "POST /budget/delete"))

    def _rows(self, noun: str, path: str) -> Listed:
        rows = self._session.call("GET", path)
        if not isinstance(rows, list):
            raise GatewayError(f"The gateway's list of {noun} is not in a form LiteLLM sends")
        return [row for row in rows if isinstance(row, dict)]

    def _row(self, answer: Any, request: str) -> dict[str, Any]:
        if not isinstance(answer, dict) or ID not in answer:
            raise self._not_litellm(request)
        return answer
