"""A row that was made on an empty gateway is marked as tentative, until it is written again."""

import pytest

from saltext_litellm.models import desired as deployments
from saltext_litellm.models.deployments import Deployments
from saltext_litellm.models.options import ModelOptions
from tests.support.cluster import Cluster
from tests.support.properties import FINGERPRINTER


def apply(cluster, **more):
    arguments = {"name": "name", "litellm_params": {"model": "openai/gpt-4"}, **more}
    wanted = deployments.desired(arguments, lambda value: value)
    (outcome,) = Deployments(cluster.client(), FINGERPRINTER).apply([wanted], ModelOptions())
    return outcome


def marker(cluster):
    (row,) = cluster.table.values()
    return row["model_info"]["saltext_litellm"]


@pytest.mark.parametrize("version", ["1.83.14", "1.106.2"])
@pytest.mark.parametrize("change", [{"rpm": 5}, {"model_info": {"team": "a"}}, {"tier": "paid"}])
def test_the_mark_goes_with_the_next_write(version, change):
    cluster = Cluster(version)
    apply(cluster, model_info={"team": "b"}, rpm=4, tier="free")
    assert marker(cluster)["tentative"] is True
    requests = cluster.requests
    assert apply(cluster, model_info={"team": "b"}, rpm=4, tier="free").action == "none"
    assert cluster.requests == requests  # not with a write of its own
    values = {"model_info": {"team": "b"}, "rpm": 4, "tier": "free"} | change
    assert apply(cluster, **values).action == "update"
    assert cluster.requests == requests + 1
    assert "tentative" not in marker(cluster)
