"""Random histories of a credential, on the model of LiteLLM."""

import copy
from functools import partial
from itertools import cycle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saltext_litellm.errors import Refused
from tests.support import properties
from tests.support.credential_cluster import CredentialCluster, open_credentials
from tests.support.histories import credential_histories, credential_steps
from tests.support.properties import VERSIONS, few

TABLE = "Credentials: histories, on the model of LiteLLM"
NAME = "name"
SINCE_106 = VERSIONS[1:]
NEW_SINCE_106 = ("display_name", "credential_values_to_delete")
SECRETS = ("their_secret", "api_key")  # that others set


def suited(step, what, cluster):
    """What a step of a history has, without what an old LiteLLM cannot do.

    There a credential must be made anew to remove a value, which a secret of others forbids.
    """
    if cluster.since_106 or isinstance(what, str):
        return what
    if step == "declare":
        return {key: value for key, value in what.items() if key != "display_name"}
    values = {k: v for k, v in what["credential_values"].items() if k not in SECRETS}
    kept = {key: value for key, value in what.items() if key not in NEW_SINCE_106}
    return {**kept, "credential_values": values}


def intervene(cluster, worker, name, what):
    """Change a credential as somebody does who has read it just now."""
    client = cluster.client(worker)
    cluster.poll(worker)
    row = cluster.table.get(name)
    if row is None or what in ("gone", "unmarked"):
        if row is not None:
            client.delete(name)
        if what != "gone":
            client.create(
                {
                    "credential_name": name,
                    "credential_values": {"api_base": "by hand", "theirs": "by hand"},
                    "credential_info": {"theirs": "by hand"},
                }
            )
        return
    values = merged(row["credential_values"], what["credential_values"])
    changed = {key: values[key] for key in what["credential_values"]}
    info = merged(row["credential_info"], what["credential_info"])
    client.update(name, {**what, "credential_values": changed, "credential_info": info})


def merged(before, changes):
    """What there is after a change, also inside of a mapping."""
    after = {**before, **changes}
    for key in before.keys() & changes.keys():
        if isinstance(before[key], dict) and isinstance(changes[key], dict):
            after[key] = {**before[key], **changes[key]}
    return after


@pytest.mark.parametrize("version", VERSIONS)
@few
@given(history=credential_histories, polls=st.lists(st.booleans(), min_size=1, max_size=9))
def test_every_history_converges(version, history, polls, survived):
    survived(TABLE, f"{version}: one worker")
    cluster = CredentialCluster(version)
    due = cycle(polls)
    cluster.polls = lambda _: next(due)
    properties.run(
        [(step, suited(step, what, cluster)) for step, what in history],
        declare=partial(properties.credential, NAME),
        open_objects=lambda: open_credentials(cluster.client(), version),
        raw=lambda name: cluster.table.get(name, {}),
        intervene=partial(intervene, cluster, 0),
        check_declared=properties.check_credential,
        row_id=NAME,
    )


histories_of_workers = st.lists(
    st.tuples(st.integers(0, 2), st.booleans(), credential_steps), max_size=6
)
some_polls = st.lists(st.booleans(), min_size=1, max_size=9)


@pytest.mark.parametrize("version", SINCE_106)
@few
@given(history=histories_of_workers, polls=some_polls)
def test_what_a_worker_knows_may_be_old(version, history, polls, survived):
    """Each run and each change by others meets any of three workers."""
    survived(TABLE, f"{version}: three workers")
    cluster = CredentialCluster(version, workers=3)
    due = cycle(polls)
    cluster.polls = lambda _: next(due)
    for worker, verify, (step, what) in history:
        if step == "intervene":
            intervene(cluster, worker, NAME, what)
            continue
        before = copy.deepcopy(cluster.table)
        objects = open_credentials(cluster.client(worker), version)
        wanted = properties.credential(NAME, what)
        done = properties.apply(objects, wanted, verify_secrets=verify)
        assert done.failure is None, done.failure
        after = cluster.table[NAME]
        if done.changes or verify:
            properties.check_credential(wanted, before.get(NAME, {}), after)
        else:
            assert cluster.table == before
        properties.check_others(before.get(NAME, {}), after, wanted)


@pytest.mark.parametrize("version", VERSIONS)
@few
@given(history=histories_of_workers, polls=some_polls)
def test_where_no_worker_can_be_refreshed(version, history, polls, survived):
    """LiteLLM 1.83, or a gateway without models: half a minute later, one run sets all right."""
    survived(TABLE, f"{version}: three workers that cannot be refreshed")
    cluster = CredentialCluster(version, workers=3)
    due = cycle(polls)
    cluster.polls = lambda _: next(due)
    declared = {"credential_values": {"api_key": "sk-0123456789"}}
    for worker, verify, (step, any_version) in history:
        what = suited(step, any_version, cluster)
        if step == "intervene":
            intervene(cluster, worker, NAME, what)
            continue
        before, row = copy.deepcopy(cluster.table), cluster.table.get(NAME, {})
        objects = open_credentials(cluster.client(worker), version, has_models=False)
        declared, wanted = what, properties.credential(NAME, what)
        try:
            done = properties.apply(objects, wanted, verify_secrets=verify)
        except Refused as err:
            refused = str(err)
            assert not cluster.since_106
            assert "or was deleted just now" in refused
            continue
        assert not done.unknown
        assert done.failure is None or "shows only after half a minute" in done.failure
        if done.failure:
            assert (done.changes, cluster.table) == ({}, before)
        elif row:
            is_same = row is cluster.table[NAME]
            assert is_same or not cluster.since_106  # which has to make it anew to remove a value
            for key in ("theirs", "their_secret") if is_same else ():
                stored = before[NAME]["credential_values"]
                assert row["credential_values"].get(key) == stored.get(key)
    cluster.polls = lambda _: True
    wanted = properties.credential(NAME, declared)
    done = properties.apply(open_credentials(cluster.client(), version, has_models=False), wanted)
    assert done.failure is None
    found = dict(properties.values(cluster.table[NAME]))
    assert {path: found.get(path) for path in wanted.values} == wanted.values
    for worker in range(3):
        client = cluster.client(worker)
        properties.check_rest(lambda: open_credentials(client, version, has_models=False), wanted)  # noqa: B023
