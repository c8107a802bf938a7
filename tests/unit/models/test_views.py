"""What is known of a gateway whose view of the database shows nothing."""

import pytest

from saltext_litellm.models.versions import Versions
from saltext_litellm.models.views import Views
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
    client = Closed(cluster, 0)
    views = Views(client, lambda: None)
    views.may_write = True
    views.compare_views()
    assert [row.id for row in views.rows()] == ["one"]
    assert Versions(client, views.rows).can().blocks is blocks
