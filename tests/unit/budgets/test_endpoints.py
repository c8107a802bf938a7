"""Who uses a budget, as a gateway with more keys than a page shows it."""

from saltext_litellm.budgets.endpoints import BudgetEndpoints
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


def test_keys_of_all_pages_count():
    gateway = with_keys()
    for token in (min(gateway.table), max(gateway.table)):
        gateway.table[token]["budget_id"] = "trial"
    assert BudgetEndpoints(gateway).users("trial") == ["2 keys"]
    assert BudgetEndpoints(gateway).users("another") == []


def test_a_key_that_is_deleted_meanwhile_hides_no_user():
    """A key that is deleted moves the first one of the second page to the first page."""
    gateway = with_keys()
    tokens = sorted(gateway.table)
    gateway.table[tokens[100]]["budget_id"] = "trial"
    gateway.meanwhile = lambda: gateway.table.pop(tokens[0])
    assert BudgetEndpoints(gateway).users("trial") == ["1 key"]
