"""Several clients at once, on a gateway of several workers whose memories are old.

Whatever the order of their requests: nothing of others is lost, and nothing that is said is untrue.
"""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saltext_litellm.credentials import kind
from saltext_litellm.objects import sets
from saltext_litellm.objects.outcome import Options, Outcome
from tests.support import properties
from tests.support.credential_cluster import (
    CredentialCluster,
    half_a_minute_passes,
    open_credentials,
)
from tests.support.interleave import balancer, run_interleaved, schedules, workers
from tests.support.properties import VERSIONS, few

TABLE = "Credentials: histories, on the model of LiteLLM"
NAME = "name"
values = st.fixed_dictionaries(
    {"api_key": st.sampled_from(["sk-0123456789", "sk-9876543210"])},
    optional={"api_base": st.sampled_from(["one", "two"]), "monkey": st.just("banana-0123")},
)
info = st.fixed_dictionaries({}, optional={"description": st.sampled_from(["one", "two"])})
declarations = st.fixed_dictionaries({"credential_values": values, "credential_info": info})


def apply(
    client: Any, cluster: CredentialCluster, declared: dict[str, Any], **options: Any
) -> Outcome:
    objects = open_credentials(client, cluster.version)
    return properties.apply(objects, properties.credential(NAME, declared), **options)


@pytest.mark.parametrize("version", VERSIONS)
@few
@given(
    history=st.lists(declarations, min_size=1, max_size=3),
    orders=st.tuples(workers, workers, workers),
    number=st.sampled_from([2, 3]),
    spread=st.booleans(),
    schedule=schedules,
)
def test_clients_of_one_state(version, history, orders, number, spread, schedule, survived):
    """All apply the same at the same time; then each of them rests."""
    survived(TABLE, f"{version}: clients of one state")
    cluster = CredentialCluster(version, workers=3)

    def client(order: list[int], declared: dict[str, Any]) -> Any:
        meets = cluster.client(balancer(order, spread))

        def run(wrap: Any) -> tuple[Outcome, Any]:
            """What is said, and what the database has at that moment."""
            said = apply(wrap(meets), cluster, declared)
            return said, copy.deepcopy(cluster.table.get(NAME))

        return run

    for declared in history:
        before = copy.deepcopy(cluster.table.get(NAME, {}))
        clients = [client(order, declared) for order in orders[:number]]
        results = run_interleaved(schedule, *clients)
        assert all(isinstance(result, tuple) for result in results), results
        wanted = properties.credential(NAME, declared)
        for said, row in results:
            if said.failure is None:
                # To remove a value, 1.83 deletes it for a moment, when a memory may still have it.
                assert row or not cluster.since_106
                properties.check_credential(wanted, before, row or cluster.table[NAME])
            else:
                assert "shows only after half a minute what is in it" in said.failure
                assert spread or not cluster.since_106
                assert not said.unknown
        half_a_minute_passes(cluster)
        properties.check_rest(lambda: open_credentials(cluster.client(1), version), wanted)
        properties.check_credential(wanted, before, cluster.table[NAME])


OLD = {"theirs": "old", "their_secret": "sk-old-0123456789"}
NEW = {"theirs": "new", "their_secret": "sk-new-0123456789", "their_other": "new"}


@pytest.mark.parametrize("version", VERSIONS)
@few
@given(
    declared=st.tuples(declarations, declarations),
    orders=st.tuples(workers, workers),
    spread=st.booleans(),
    schedule=schedules,
)
def test_what_others_change_at_the_same_time_is_not_lost(
    version, declared, orders, spread, schedule, survived
):
    survived(TABLE, f"{version}: a client and somebody else")
    cluster = CredentialCluster(version, workers=3)
    first, second = declared
    if not cluster.since_106:  # a value is removed by making the credential anew
        second["credential_values"] = {**first["credential_values"], **second["credential_values"]}
    by_hand = {"credential_values": OLD, "credential_info": {"theirs": {"is": "old"}}}
    cluster.client().create({"credential_name": NAME, **by_hand})
    apply(cluster.client(), cluster, first)
    half_a_minute_passes(cluster)

    def neighbour(wrap: Any) -> None:
        meets = wrap(cluster.client(balancer(orders[1], spread)))
        meets.update(NAME, {"credential_values": NEW})
        if cluster.since_110:  # until then it would replace what we have there
            meets.update(NAME, {"credential_info": {"theirs": {"is": "new"}}})

    def ours(wrap: Any) -> Outcome:
        return apply(wrap(cluster.client(balancer(orders[0], spread))), cluster, second)

    said, _ = run_interleaved(schedule, ours, neighbour)
    assert isinstance(said, Outcome), said
    assert said.failure is None
    row = cluster.table[NAME]
    assert row["credential_values"] == {**second["credential_values"], **NEW}
    is_new = "new" if cluster.since_110 else "old"
    assert row["credential_info"]["theirs"] == {"is": is_new}
    half_a_minute_passes(cluster)
    wanted = properties.credential(NAME, second)
    properties.check_rest(lambda: open_credentials(cluster.client(2), version), wanted)


entries = st.dictionaries(st.sampled_from(["one", "two", "three"]), declarations, max_size=3)


@pytest.mark.parametrize("version", VERSIONS)
@few
@given(
    declared=st.tuples(entries, entries),
    orders=st.tuples(workers, workers),
    spread=st.booleans(),
    schedule=schedules,
    prune=st.booleans(),
)
def test_two_clients_of_two_sets(version, declared, orders, spread, schedule, prune, survived):
    """Each name belongs to one of them, and whoever does not own it says so."""
    survived(TABLE, f"{version}: two sets")
    cluster = CredentialCluster(version, workers=3)
    names = ("left", "right")

    def converge(client: Any, number: int) -> list[Outcome]:
        wanted = sets.read(kind.READER, names[number], declared[number].items(), None, lambda v: v)
        options = Options(set=names[number], prune=prune)
        return open_credentials(client, version).apply(wanted, options)

    def task(number: int) -> Any:
        client = cluster.client(balancer(orders[number], spread))

        def run(wrap: Any) -> list[str]:
            """The names that it says it has."""
            said = converge(wrap(client), number)
            return [one.name for one in said if one.failure is None]

        return run

    results = run_interleaved(schedule, task(0), task(1))
    owners = {
        name: row["credential_info"]["saltext_litellm"]["set"]
        for name, row in cluster.table.items()
    }
    for number, said in enumerate(results):
        if isinstance(said, Exception):
            assert declared[0].keys() & declared[1].keys(), said
            assert "and is left alone" in str(said)
            continue
        assert {name for name, owner in owners.items() if owner == names[number]} == set(said)
    assert owners.keys() == declared[0].keys() | declared[1].keys() or any(
        isinstance(said, Exception) for said in results
    )


@pytest.mark.parametrize("version", VERSIONS)
@few
@given(
    declared=declarations,
    orders=st.tuples(workers, workers),
    spread=st.booleans(),
    schedule=schedules,
    known=st.booleans(),
    by_hand=st.booleans(),
)
def test_what_is_said_to_be_absent_is_absent(
    version, declared, orders, spread, schedule, known, by_hand, survived
):
    """It was made through one worker, and others may not know it yet."""
    survived(TABLE, f"{version}: two clients that delete")
    cluster = CredentialCluster(version, workers=3)
    apply(cluster.client(), cluster, declared)
    if by_hand:
        del cluster.table[NAME]["credential_info"]["saltext_litellm"]
    if known:
        half_a_minute_passes(cluster)

    def remove(order: list[int]) -> Any:
        meets = cluster.client(balancer(order, spread))

        def run(wrap: Any) -> tuple[Outcome, bool]:
            objects = open_credentials(wrap(meets), version)
            said = objects.remove(kind.named(NAME), test=False, any_owner=False)
            return said, NAME in cluster.table

        return run

    results = run_interleaved(schedule, *map(remove, orders))
    for result in results:
        if isinstance(result, Exception):
            seen = "shows only after half a minute what is in it" not in str(result)
            assert "or was deleted just now" in str(result) or not seen
            assert (spread and not seen) or not cluster.since_106
        else:
            said, is_there = result
            assert (said.failure is None) is not is_there
    half_a_minute_passes(cluster)
    open_credentials(cluster.client(1), version).remove(
        kind.named(NAME), test=False, any_owner=False
    )
    assert NAME not in cluster.table
