"""A gateway that shows nothing of what it has is no reason for an untrue word."""

from dataclasses import replace

import pytest

from saltext_litellm.errors import GatewayError, NotSeen
from saltext_litellm.models import desired as deployments
from saltext_litellm.models.deployments import Deployments
from saltext_litellm.models.options import ModelOptions
from tests.support.cluster import Client, Cluster
from tests.support.properties import FINGERPRINTER

THEIRS = {"model_name": "name", "litellm_params": {"model": "openai/gpt-4"}}


class Silent(Client):
    """Lists that are empty from some point on: a broken cache in between, for instance."""

    shows = True

    def database(self, *pattern):
        return super().database(*pattern) if self.shows else []

    def router(self):
        return super().router() if self.shows else []


def wanted(**more):
    arguments = {"name": "name", "litellm_params": {"model": "openai/gpt-4", **more}}
    return deployments.desired(arguments, lambda value: value)


def apply(client, **more):
    (outcome,) = Deployments(client, FINGERPRINTER).apply([wanted(**more)], ModelOptions())
    return outcome


@pytest.fixture(params=["1.83.14", "1.106.2"])
def cluster(request):
    return Cluster(request.param)


@pytest.mark.parametrize("done", [True, False])
def test_a_lost_change_that_is_not_shown_may_have_been_done(cluster, done):
    client = Silent(cluster, 0)
    apply(client, rpm=5)
    gateway = Deployments(client, FINGERPRINTER)
    gateway.views.rows()
    client.shows = False
    cluster.lose(1, done=done)
    (outcome,) = gateway.apply([wanted(rpm=6)], ModelOptions())
    assert (outcome.unknown, outcome.changes) == (True, {})
    client.shows = True
    assert bool(apply(client, rpm=6).changes) is not done


def test_a_row_that_is_not_shown_is_not_absent(cluster):
    client = Silent(cluster, 0)
    apply(client)
    client.shows = False
    with pytest.raises(GatewayError, match="does not show"):
        Deployments(client, FINGERPRINTER).remove(wanted(), any_owner=False)
    assert len(cluster.table) == 1


def test_what_was_made_and_is_not_shown_is_taken_back(cluster):
    """Else it would stand beside the row that was to be adopted."""
    client = Silent(cluster, 0)
    client.create({**THEIRS, "model_info": {"id": "theirs"}})
    client.shows = False
    outcome = apply(client)
    assert "does not show it, so it was taken back" in outcome.failure
    assert (outcome.action, outcome.changes, list(cluster.table)) == ("none", {}, ["theirs"])
    client.shows = True
    assert "owner" in apply(client).changes
    assert list(cluster.table) == ["theirs"]


class Late(Client):
    """A client whose deletes are not answered in time."""

    def delete(self, _):
        raise NotSeen("it did not answer in time")


def test_a_pruning_that_was_not_waited_for_may_be_done(cluster):
    declared = [replace(wanted(), set="all")]
    Deployments(Client(cluster, 0), FINGERPRINTER).apply(declared, ModelOptions(set="all"))
    gateway = Deployments(Late(cluster, 0), FINGERPRINTER)
    (outcome,) = gateway.apply([], ModelOptions(set="all", prune=True))
    assert (outcome.action, outcome.changes, outcome.unknown) == ("none", {}, True)
