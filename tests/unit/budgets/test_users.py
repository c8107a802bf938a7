"""Who uses a budget, as a gateway with more keys than a page shows it."""

import re

import pytest

from saltext_litellm.budgets import kind
from saltext_litellm.budgets.budgets import Budgets
from saltext_litellm.budgets.endpoints import BudgetEndpoints
from saltext_litellm.errors import GatewayError, Refused
from saltext_litellm.keys.endpoints import KeyEndpoints
from tests.support.team_cluster import TeamCluster

KEYS = 150


class Gateway(TeamCluster):
    """A gateway that does something when the first page of its keys was read."""

    meanwhile = None

    def call(self, method, path, body=None, **options):
        answer = super().call(method, path, body, **options)
        if path == "/key/list" and self.meanwhile is not None:
            meanwhile, self.meanwhile = self.meanwhile, None
            meanwhile()
        return answer


def with_keys():
    gateway = Gateway()
    for number in range(KEYS):
        gateway.call("POST", "/key/generate", {"key": f"sk-{number}", "key_alias": f"key-{number}"})
    return gateway


def users(gateway, budget):
    """Why a budget is kept: who uses it."""
    gateway.call("POST", "/budget/new", {"budget_id": budget, "max_budget": 1})
    budgets = Budgets(BudgetEndpoints(gateway), KeyEndpoints(gateway), lambda _: 0)
    try:
        budgets.remove(kind.named(budget), test=False, any_owner=True)
    except Refused as err:
        return re.search("(.*) of the gateway would have no limits", str(err))[1]
    return None


def test_keys_of_all_pages_count():
    gateway = with_keys()
    for token in (min(gateway.table), max(gateway.table)):
        gateway.table[token]["budget_id"] = "trial"
    assert users(gateway, "trial") == "2 keys"
    assert users(gateway, "another") is None


def test_a_key_that_is_deleted_meanwhile_hides_no_user():
    """A key that is deleted moves the first one of the second page to the first page."""
    gateway = with_keys()
    tokens = sorted(gateway.table)
    gateway.table[tokens[100]]["budget_id"] = "trial"
    gateway.meanwhile = lambda: gateway.table.pop(tokens[0])
    assert users(gateway, "trial") == "1 key"


def test_customers_that_are_no_list_are_not_none(monkeypatch):
    gateway = Gateway()
    monkeypatch.setattr(
        gateway, "routes", lambda: {**Gateway.routes(gateway), "/customer/list": lambda _: {}}
    )
    with pytest.raises(GatewayError, match="list of customers is not in a form LiteLLM sends"):
        users(gateway, "trial")
