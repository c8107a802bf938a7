"""What is known of a gateway whose view of the database shows nothing."""

import pytest

from saltext_litellm.models.known import Known
from tests.support.cluster import Client, Cluster

CONFIGURED = {"model_name": "of-the-config", "litellm_params": {"model": "openai/gpt-4"}}
STORED = {"model_name": "stored", "litellm_params": {"model": "openai/gpt-4"}}


class Closed(Client):
    """A version of LiteLLM that has closed its view of the database."""

    def database(self, *_):
        return []


@pytest.mark.parametrize(("version", "blocks"), [("1.83.14", False), ("1.106.2", True)])
def test_the_config_file_does_not_tell_what_litellm_can_do(version, blocks):
    """Its rows come first in the router, and do not say whether they are blocked."""
    cluster = Cluster(version, config=[CONFIGURED])
    cluster.client().create({**STORED, "model_info": {"id": "one"}})
    known = Known(Closed(cluster, 0), lambda: None)
    known.may_write = True
    known.compare_views()
    assert [row.model_id for row in known.rows()] == ["one"]
    assert known.capabilities().blocks is blocks
