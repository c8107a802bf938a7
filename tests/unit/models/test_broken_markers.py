"""A marker that somebody has broken by hand does no harm: it is mended, and then all rests."""

import pytest

from tests.support import runs
from tests.support.cluster import Cluster

KEY = "saltext_litellm"
DECLARED = {"rpm": 5, "model_api_key": "sk-provider-0123456789"}


@pytest.mark.parametrize("version", ["1.83.14", "1.106.2"])
@pytest.mark.parametrize(
    "broken",
    [
        {"name": 5},
        [],
        "text",
        {"name": "gpt"},
        {"name": "gpt", "keys": "litellm_params/rpm", "secrets": 5, "key_id": []},
        {"name": "gpt", "keys": [5, None, ""], "secrets": {"litellm_params/api_key": None}},
        {"name": "gpt", "version": "new", "secrets": {"": {}}, "key_id": {"x": 1}},
        {"name": "gpt", "set": 5},
        {"name": "gpt", "set": ["x"]},
        {"name": "gpt", "set": {"x": 1}},
    ],
    ids=str,
)
def test_it_is_mended_in_place(version, broken):
    cluster = Cluster(version)
    runs.present(cluster, "gpt", **DECLARED)
    (before,) = cluster.table
    cluster.table[before]["model_info"][KEY] = broken
    cluster.poll(0)
    mended = runs.present(cluster, "gpt", **DECLARED)
    assert (mended.failure, bool(mended.changes)) == (None, True)
    ((after, row),) = cluster.table.items()
    assert after == before
    assert row["litellm_params"]["rpm"] == DECLARED["rpm"]
    assert row["model_info"][KEY]["name"] == "gpt"
    assert runs.present(cluster, "gpt", **DECLARED).status == "as_declared"
