"""Random histories of a deployment, on the model of LiteLLM."""

import os

import pytest
from hypothesis import HealthCheck, given, settings

from saltext_litellm.utils.litellm.secrets import Fingerprinter
from saltext_litellm.utils.run.gateway import Gateway
from tests.support import properties
from tests.support.cluster import Cluster
from tests.support.histories import histories

EXAMPLES = int(os.environ.get("HISTORIES", "300"))
VERSIONS = ["1.83.14", "1.106.2", "1.109.1"]
FINGERPRINTER = Fingerprinter("admin key")


@pytest.mark.parametrize("version", VERSIONS)
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize="HISTORIES" not in os.environ,  # the same in every run, unless more are asked for
    suppress_health_check=[HealthCheck.too_slow],
)
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
        "name",
        open_gateway=lambda: Gateway(cluster.client(), FINGERPRINTER),
        raw=lambda model_id: cluster.table[model_id],
        intervene=intervene,
        version=version,
    )
    assert len(cluster.table) <= 1


@settings(max_examples=100, deadline=None, derandomize=True)
@given(history=histories)
def test_planning_writes_nothing(history):
    cluster = Cluster()
    for step, what in history:
        if step == "declare":
            wanted = properties.desired("name", what, "name")
            properties.plan(Gateway(cluster.client(), FINGERPRINTER), wanted)
    assert cluster.requests == 0
