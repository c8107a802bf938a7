"""How many requests a run takes, on the model of LiteLLM: a page of 100 keys is one."""

from dataclasses import replace

import pytest

from saltext_litellm.keys import kind
from saltext_litellm.objects.outcome import Options
from tests.support.key_cluster import KeyCluster, open_keys


def declared(number, limit=5):
    given = {"name": f"key-{number}", "key": f"sk-{number:016}", "max_budget": limit}
    return kind.declared(given, lambda value: value)


def apply(cluster, wanted, **options):
    """How many requests that took, and the outcomes."""
    before = cluster.steps
    outcomes = open_keys(cluster).apply(wanted, Options(**options))
    assert [one.failure for one in outcomes if one.failure] == []
    return cluster.steps - before, outcomes


@pytest.mark.parametrize("version", ["1.83.14", "1.110.2"])
@pytest.mark.parametrize(("number", "pages"), [(1, 1), (100, 1), (101, 2), (1000, 10)])
def test_a_set_at_rest_takes_a_request_for_each_page(version, number, pages):
    cluster = KeyCluster(version)
    wanted = [replace(declared(one), set="set") for one in range(number)]
    apply(cluster, wanted, set="set")
    assert len(cluster.table) == number
    for options in ({}, {"test": True}, {"prune": True}):
        requests, outcomes = apply(cluster, wanted, set="set", **options)
        assert requests == pages
        assert {one.action for one in outcomes} == {"none"}


def test_one_state_at_rest_takes_one_request_however_many_there_are():
    cluster = KeyCluster()
    apply(cluster, [replace(declared(one), set="set") for one in range(300)], set="set")
    apply(cluster, [declared(1000)])
    assert apply(cluster, [declared(1000)])[0] == 1


def test_what_a_write_takes():
    """A create is read afterwards, as LiteLLM echoes it; before a change others' values are."""
    cluster = KeyCluster()
    assert apply(cluster, [declared(1)])[0] == 4  # the list, and whether there is this key
    assert apply(cluster, [declared(1, 6)])[0] == 3
    new = kind.declared(
        {"name": "key-1", "key": "sk-another-0123456789", "rotate": True}, lambda value: value
    )
    # The list; whether there is this key; create and look; look and delete; look and update.
    assert apply(cluster, [new])[0] == 8
