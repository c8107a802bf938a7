"""LiteLLM's API for budgets, asked with plain requests: what results are checked against."""

import uuid

import pytest

from tests.functional.teams.conftest import TeamApi

LIST = ("GET", "/budget/list")


@pytest.fixture
def name():
    return f"budget-{uuid.uuid4().hex[:8]}"


class BudgetApi(TeamApi):
    def one(self, budget_id):
        """A budget, ``None`` if there is none."""
        found = self("POST", "/budget/info", json={"budgets": [budget_id]})
        return found[0] if found else None

    def clean(self, part):
        """Delete every key, team, customer and budget that has a part of a name."""
        super().clean(part)
        keys = self("GET", "/key/list", params={"size": 100, "return_full_object": "true"})["keys"]
        aliases = [one["key_alias"] for one in keys if part in (one["key_alias"] or "")]
        if aliases:
            self("POST", "/key/delete", json={"key_aliases": aliases})
        for row in self("GET", "/budget/list"):
            if part in row["budget_id"]:
                self("POST", "/budget/delete", json={"id": row["budget_id"]})


@pytest.fixture
def api(gateway, name):
    """The API; deletes what the test has made, which has the name of the test in its own."""
    api = BudgetApi(gateway)
    yield api
    api.clean(name)


@pytest.fixture
def run(states, name):
    """A state function, by default for the budget of the test."""

    def run(function="present", test=False, **args):
        return states.run((f"litellm_budget.{function}", {"name": name, **args}), test=test)

    return run


@pytest.fixture
def call(loaders, profile):
    def call(function, *args, **kwargs):
        function = loaders.modules[f"litellm_budget.{function}"]
        return function(*args, **{"profile": profile, **kwargs})

    return call
