"""The model of LiteLLM's fallbacks and settings stands in for LiteLLM: it must have all of it."""

import inspect

import pytest

from saltext_litellm.routing.endpoints import FallbackEndpoints, RouterEndpoints
from tests.support.routing_cluster import FallbackClient, RouterClient


@pytest.mark.parametrize(
    ("ours", "theirs"), [(FallbackEndpoints, FallbackClient), (RouterEndpoints, RouterClient)]
)
def test_a_client_has_the_methods_of_our_endpoints(ours, theirs):
    found, modelled = (
        {
            name: list(inspect.signature(method).parameters)
            for name, method in inspect.getmembers(kind, inspect.isfunction)
            if not name.startswith("_")
        }
        for kind in (ours, theirs)
    )
    assert found == modelled
