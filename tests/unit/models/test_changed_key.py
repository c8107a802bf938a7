"""A gateway whose LITELLM_SALT_KEY has changed: it can load no row, and its states repair it."""

import pytest

from saltext_litellm import errors
from saltext_litellm.models import desired as deployments
from saltext_litellm.models.deployments import Deployments
from saltext_litellm.models.options import ModelOptions
from tests.support.cluster import Client, Cluster
from tests.support.properties import FINGERPRINTER

CONFIGURED = {"model_name": "of-the-config", "litellm_params": {"model": "openai/gpt-4"}}
KEY = "sk-abc-0123456789"
PARAMS = {"model": "openai/gpt-4", "api_key": KEY, "organization": "one"}
WHY = "because LiteLLM cannot decrypt what it has: its LITELLM_SALT_KEY has probably changed"


def wanted(name):
    arguments = {"name": name, "litellm_params": PARAMS, "model_info": {"note": name}}
    return deployments.desired(arguments, lambda value: value)


def apply(client, *names, **options):
    many = [wanted(name) for name in names]
    return Deployments(client, FINGERPRINTER).apply(many, ModelOptions(**options))


@pytest.fixture(params=[("1.83.14", 0), ("1.106.2", 0), ("1.106.2", 1), ("1.110.2", 0)])
def cluster(request):
    version, configured = request.param
    cluster = Cluster(version, config=[CONFIGURED] * configured)
    apply(cluster.client(), "one", "two")
    cluster.change_key()
    return cluster


@pytest.mark.parametrize("names", [["one"], ["one", "two"], ["one", "new", "two"]])
def test_its_rows_are_written_again(cluster, names):
    before = set(cluster.table)
    outcomes = apply(cluster.client(), *names)
    assert [one.failure for one in outcomes] == [None] * len(names)
    for one in outcomes:
        assert one.name == "new" or WHY in " ".join(one.notes)
        assert "litellm_params:organization" in one.changes
    rows = {row["model_name"]: row for row in cluster.table.values()}
    assert sorted(rows) == sorted({"one", "two", *names})
    assert len(cluster.table) == len(rows)  # no second row is left
    assert before <= set(cluster.table)
    for name in names:
        stored = rows[name]["litellm_params"]
        assert {key: stored[key] for key in PARAMS} == PARAMS
    assert all(one.changes == {} for one in apply(cluster.client(), *names))


class Refusing(Client):
    """Makes no second row."""

    def create(self, body):
        if body["model_info"]["id"] in self._cluster.table:
            raise errors.AlreadyThere("Failed to add model to db", 500)
        raise errors.GatewayError("the licence allows no more models", 403)


def test_nothing_is_left_if_that_does_not_help():
    cluster = Cluster()
    apply(cluster.client(), "one")
    cluster.change_key()
    before = dict(cluster.table)
    (outcome,) = apply(Refusing(cluster, 0), "one")
    assert outcome.unknown
    assert "which it has" in outcome.failure
    assert cluster.table == before


@pytest.mark.parametrize("done", [True, False])
@pytest.mark.parametrize("lost", range(1, 8))
def test_whatever_answer_is_lost_the_next_run_repairs_it(lost, done):
    cluster = Cluster()
    apply(cluster.client(), "one")
    cluster.change_key()
    cluster.lose(lost, done=done)
    apply(cluster.client(), "one")
    cluster.faults.clear()
    for _ in range(2):
        (outcome,) = apply(cluster.client(), "one")
    assert (outcome.failure, outcome.changes) == (None, {})
    (row,) = cluster.table.values()
    assert {key: row["litellm_params"][key] for key in PARAMS} == PARAMS
