"""Random histories of a deployment, on the model of LiteLLM."""

from functools import partial

import pytest
from hypothesis import given, settings

from saltext_litellm.models.deployments import Deployments
from tests.support import properties
from tests.support.cluster import Cluster
from tests.support.histories import histories
from tests.support.properties import FINGERPRINTER, VERSIONS, relaxed


@pytest.mark.parametrize("version", VERSIONS)
@relaxed
@given(history=histories)
def test_every_history_converges(version, history):
    cluster = Cluster(version)
    if version == "1.83.14":
        history = [
            (step, {k: v for k, v in what.items() if k != "blocked"}) for step, what in history
        ]

    def intervene(model_id, body):
        info = {**body["model_info"], "id": model_id, "db_model": True}
        cluster.client().update(model_id, {**body, "model_info": info})

    properties.run(
        history,
        declare=partial(properties.deployment, "name"),
        open_objects=lambda: Deployments(cluster.client(), FINGERPRINTER),
        raw=lambda model_id: cluster.table[model_id],
        intervene=intervene,
        check_declared=partial(properties.check_deployment, version),
    )
    assert len(cluster.table) <= 1


@settings(max_examples=100, deadline=None, derandomize=True)
@given(history=histories)
def test_planning_writes_nothing(history):
    cluster = Cluster()
    for step, what in history:
        if step == "declare":
            wanted = properties.deployment("name", what)
            properties.apply(Deployments(cluster.client(), FINGERPRINTER), wanted, test=True)
    assert cluster.requests == 0
