"""`test=True` predicts exactly what the real run changes, and a new row with its id."""

import pytest

from saltext_litellm.models import desired as deployments
from saltext_litellm.models.deployments import Deployments
from saltext_litellm.models.options import ModelOptions
from tests.support.cluster import Client, Cluster
from tests.support.properties import FINGERPRINTER

MODEL = {"model": "openai/gpt-4"}
NEW, OLD = ["1.106.2", "1.110.2"], ["1.83.14"]
ALL = OLD + NEW
# What is declared first; what is declared then; where the row must be replaced.
REMOVALS = {
    "info": ({"model_info": {"note": "x"}}, {}, ALL),
    "a mapping in info": ({"model_info": {"team": {"a": 1}}}, {}, ALL),
    "a part of a mapping": (
        {"model_info": {"team": {"a": 1, "b": 2}}},
        {"model_info": {"team": {"a": 1}}},
        [],
    ),
    "an extra parameter": ({"litellm_params": {**MODEL, "temperature": 1}}, {}, ALL[:2]),
    "a limit": ({"rpm": 5}, {}, ALL[:2]),
    "a price": ({"input_cost_per_million_tokens": 5}, {}, OLD),
    "a credential": (
        {"litellm_params": {**MODEL, "litellm_credential_name": "x"}},
        {},
        OLD,
    ),
    "a boolean": ({"litellm_params": {**MODEL, "use_in_pass_through": True}}, {}, ALL[:2]),
    "a secret": ({"model_api_key": "sk-0123456789"}, {}, ALL[:2]),
    "info and a price": (
        {"model_info": {"note": "x"}, "input_cost_per_million_tokens": 5},
        {},
        ALL,
    ),
    "info, beside a change": ({"model_info": {"note": "x"}, "rpm": 5}, {"rpm": 6}, ALL),
    "info, beside a new name": ({"model_info": {"note": "x"}}, {"model_name": "other"}, ALL),
    "nothing": ({"rpm": 5}, {"rpm": 6}, []),
}


def wanted(arguments):
    arguments = {"name": "name", "litellm_params": MODEL, **arguments}
    return deployments.desired(arguments, lambda value: value)


def apply(client, arguments, test=False):
    """Make a deployment as declared, by a run of its own."""
    gateway = Deployments(client, FINGERPRINTER)
    (outcome,) = gateway.apply([wanted(arguments)], ModelOptions(test=test))
    return outcome


def predicted_and_done(client, arguments):
    """Both outcomes, which say the same."""
    writes = client._cluster.requests
    would = apply(client, arguments, test=True)
    assert client._cluster.requests == writes
    done = apply(client, arguments)
    said = [(one.action, one.changes, one.failure, one.id) for one in (would, done)]
    assert said[0] == said[1]
    assert would.replaces == done.replaces
    return would, done


@pytest.mark.parametrize("version", ALL)
@pytest.mark.parametrize("what", REMOVALS)
def test_a_removal_is_predicted(version, what):
    first, then, replaced = REMOVALS[what]
    client = Client(Cluster(version), 0)
    apply(client, first)
    (before,) = client._cluster.table
    would, _ = predicted_and_done(client, then)
    (after,) = client._cluster.table
    assert (after != before) is (version in replaced)
    assert would.replaces is (version in replaced)
    assert ("model_id" in would.changes) is (version in replaced)
    assert any("It needs a new row, because" in note for note in would.notes) is would.replaces
    assert not any("may need" in note for note in would.notes)
    assert apply(client, then).status == "as_declared"


@pytest.mark.parametrize("version", ALL)
def test_with_an_id_of_the_users_own_it_stays(version):
    client = Client(Cluster(version), 0)
    apply(client, {"model_id": "mine", "model_info": {"note": "x"}})
    would, _ = predicted_and_done(client, {"model_id": "mine"})
    assert list(client._cluster.table) == ["mine"]
    assert (would.replaces, "model_id" in would.changes) == (True, False)
    moved, _ = predicted_and_done(client, {"model_id": "another"})
    assert list(client._cluster.table) == ["another"]
    assert moved.notes == ("It would be replaced, because LiteLLM cannot change an id",)
    again, _ = predicted_and_done(client, {"model_id": "another"})
    assert again.status == "as_declared"


@pytest.mark.parametrize("version", ALL)
def test_a_secret_that_would_be_lost_is_predicted(version):
    """Somebody else has set it, so no new row can have it."""
    client = Client(Cluster(version), 0)
    apply(client, {"model_info": {"note": "x"}, "rpm": 5})
    (model_id,) = client._cluster.table
    client.update(model_id, {"litellm_params": {"api_key": "sk-0123456789"}})
    would, done = predicted_and_done(client, {"rpm": 6})
    assert "litellm_params:api_key, which is not declared" in would.failure
    assert (would.changes, done.changes) == ({}, {})
    assert list(client._cluster.table) == [model_id]


@pytest.mark.parametrize("version", ALL)
def test_what_an_interrupted_replacement_has_left_is_predicted(version):
    client = Client(Cluster(version), 0)
    first = {"model_info": {"note": "x", "also": "y"}}
    apply(client, first)
    (old,) = client._cluster.table
    kept = dict(client._cluster.table[old])
    then = {"model_info": {"also": "y"}}
    apply(client, then)
    (new,) = client._cluster.table
    marker = client._cluster.table[new]["model_info"]["saltext_litellm"]
    client._cluster.table[new]["model_info"]["saltext_litellm"] = {**marker, "replaces": old}
    client._cluster.table[old] = kept
    client._cluster.poll(0)
    would, _ = predicted_and_done(client, {})
    (last,) = client._cluster.table
    assert last not in (old, new)
    assert would.changes["model_id"] == {"old": old, "new": last}
    assert f"{old}, which it has replaced, would be deleted" in would.notes


@pytest.mark.parametrize("version", NEW)
def test_a_version_is_asked_for_only_where_it_decides(version):
    class Asked(Client):
        versions = 0

        def version(self):
            self.versions += 1
            return super().version()

    for first, then, asks in (
        ({"model_info": {"note": "x"}}, {}, 0),
        ({"input_cost_per_million_tokens": 5}, {}, 0),
        ({"rpm": 5}, {}, 1),
    ):
        client = Asked(Cluster(version), 0)
        client.create({"model_name": "other", "litellm_params": MODEL, "model_info": {}})
        apply(client, first)
        predicted_and_done(client, then)
        assert client.versions == 2 * asks
