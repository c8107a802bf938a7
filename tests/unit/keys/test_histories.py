"""Random histories of a key, with interruptions and with several clients, on the model of LiteLLM.

At any moment the old key works or the new one does; whoever is to have a key has it before the
gateway; and at rest exactly one works.
"""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saltext_litellm.errors import GatewayError, Refused
from saltext_litellm.keys import kind
from saltext_litellm.objects.outcome import Options
from tests.support.interleave import run_interleaved, schedules
from tests.support.key_cluster import (
    AFTER,
    BEFORE,
    KeyCluster,
    Killed,
    full,
    hashed,
    lost,
    open_keys,
)
from tests.support.properties import VERSIONS, few

TABLE = "Keys: histories, on the model of LiteLLM"
NAME, PLACE = "search", "sdb://vault/search"
KEYS = ("sk-first-0123456789", "sk-second-0123456789")
MARKER = "saltext_litellm"
TEAMS = {"alpha": "team-1", "beta": "team-2"}

words = st.sampled_from(["one", "two", "ünï", ""])
limits = st.sampled_from([0, 1, 100])
declarations = st.fixed_dictionaries(
    {"key": st.sampled_from([*KEYS, PLACE])},
    optional={
        "max_budget": limits,
        "rpm_limit": limits,
        "team": st.sampled_from(["alpha", "beta", "team-2"]),
        "user_id": st.sampled_from(["ada", "bob"]),
        "budget_id": st.just("budget"),
        "models": st.sampled_from([["a"], ["b", "a"]]),
        "duration": st.sampled_from(["30d", "60d"]),
        "aliases": st.dictionaries(st.sampled_from(["x", "y"]), st.just("a"), min_size=1),
        "metadata": st.dictionaries(st.sampled_from(["note", "cost"]), words, min_size=1),
        "settings": st.fixed_dictionaries({}, optional={"permissions": st.just({"ours": True})}),
        "blocked": st.booleans(),
    },
)
# What others set: values of their own, and some of ours. A key may also be gone, or lose its mark.
interventions = st.sampled_from(
    ["gone", "unmarked", "lost from the vault"]
) | st.fixed_dictionaries(
    {},
    optional={
        "max_budget": limits,
        "models": st.just(["z"]),
        "soft": st.just({"metadata": {"theirs": [1]}, "aliases": {"theirs": "z"}}),
    },
)
histories = st.lists(
    st.tuples(st.just("declare"), declarations) | st.tuples(st.just("intervene"), interventions),
    min_size=1,
    max_size=6,
)
errors = st.sampled_from([Killed, lost, full])
faults = st.tuples(st.integers(1, 12), errors, st.sampled_from([BEFORE, AFTER]))


def declared(cluster, what):
    given = {"rotate": True, **what, "name": NAME}
    return kind.declared({**given, "generate": what["key"] == PLACE}, cluster)


def apply(cluster, what, test=False, session=None):
    """Declare a key. Returns the outcome."""
    keys = open_keys(session or cluster, TEAMS)
    (outcome,) = keys.apply([declared(cluster, what)], Options(test=test))
    return outcome


def intervene(cluster, what):
    if what == "lost from the vault":
        cluster.vault.clear()
        return
    for token, row in list(cluster.table.items()):
        if what == "gone":
            del cluster.table[token]
        elif what == "unmarked":
            row["metadata"].pop(MARKER, None)
        else:
            changed = dict(what)
            for section, values in changed.pop("soft", {}).items():
                row[section] = {**row[section], **values}
            row.update(copy.deepcopy(changed))


def key_of(cluster, what):
    return cluster.vault.get(PLACE) if what["key"] == PLACE else what["key"]


def check(cluster, what, before):
    """There is one key, it is the declared one, as declared, with what others have set."""
    (row,) = cluster.table.values()
    assert row["token"] == hashed(key_of(cluster, what))
    assert row["key_alias"] == NAME
    was_ours = not before or MARKER in before["metadata"]  # else all of it was somebody's
    team = TEAMS.get(what["team"], what["team"]) if "team" in what else None
    assert row["team_id"] == team or (team is None and not was_ours)
    for name in ("max_budget", "rpm_limit", "user_id", "budget_id", "models", "blocked"):
        assert name not in what or row[name] == what[name], name
    assert (row["expires"] is not None) == ("duration" in what) or not was_ours
    for name in ("aliases", "metadata"):
        theirs = {k: v for k, v in before.get(name, {}).items() if k == "theirs" or not was_ours}
        found = {key: value for key, value in row[name].items() if key != MARKER}
        assert found == {**theirs, **what.get(name, {})}
    marker = row["metadata"][MARKER]
    assert marker["name"] == NAME
    assert "replaces" not in marker


def check_rest(cluster, what):
    """A second run has nothing to do, and asks once for the list."""
    row = copy.deepcopy(cluster.table)
    for test in (True, False):
        steps = cluster.steps
        done = apply(cluster, what, test=test)
        assert (done.action, done.changes, done.failure) == ("none", {}, None)
        if cluster.since_106:
            assert cluster.steps == steps + 1
    assert cluster.table == row


TOO_OLD, NOBODYS = "too old to clear", "nobody manages it"


def refused(err, *reasons):
    """A refusal that must be for one of these reasons."""
    if not any(reason in str(err) for reason in reasons):
        raise err


def converge(cluster, what):
    """One run that is not disturbed. Returns whether it was refused, as another's key is there."""
    before = next(iter(copy.deepcopy(cluster.table).values()), {})
    try:
        predicted = apply(cluster, what, test=True)
    except Refused as err:
        refused(err, NOBODYS, TOO_OLD)
        return False
    assert next(iter(cluster.table.values()), {}) == before
    done = apply(cluster, what)
    assert done.failure is None, done.failure
    assert done.changes == predicted.changes
    check(cluster, what, before)
    check_rest(cluster, what)
    return True


@pytest.mark.parametrize("version", VERSIONS)
@few
@given(history=histories)
def test_every_history_converges(version, history, survived):
    survived(TABLE, f"{version}: one client")
    cluster, adopts = KeyCluster(version), False
    for step, what in history:
        if step == "intervene":
            intervene(cluster, what)
        elif not converge(cluster, what) or adopts:
            return  # what was there before an adoption is nobody's from then on
        adopts = what == "unmarked" or (step == "intervene" and adopts)
        assert len(cluster.table) <= 1


@pytest.mark.parametrize("version", VERSIONS)
@few
@given(first=declarations, change=interventions, second=declarations, fault=faults)
def test_an_interruption_leaves_no_key_that_nobody_has(
    version, first, change, second, fault, survived
):
    survived(TABLE, f"{version}: interrupted")
    cluster = KeyCluster(version)
    assert converge(cluster, first)
    intervene(cluster, change if change != "unmarked" else {})
    before, old = copy.deepcopy(cluster.table), key_of(cluster, first) or "sk-lost-from-the-vault"
    number, error, when = fault
    cluster.at(number, error, when)
    try:
        done = apply(cluster, second)
        assert done.failure is None or cluster.steps >= number
    except Killed:
        pass
    except Refused as err:
        refused(err, TOO_OLD, "Cannot put a value there")
    except GatewayError as err:
        refused(err, "The answer was lost")  # of the first read
    cluster.faults.clear()
    held = {hashed(old), hashed(key_of(cluster, second) or "")} | before.keys()
    assert cluster.table.keys() <= held
    assert cluster.table or not before
    assert len(cluster.table) <= 2
    try:
        done = apply(cluster, second)
    except Refused as err:
        refused(err, TOO_OLD)
        return
    assert done.failure is None, done.failure
    check(cluster, second, next(iter(before.values()), {}))
    check_rest(cluster, second)


@pytest.mark.parametrize("version", VERSIONS)
@few
@given(first=declarations, second=declarations, number=st.integers(2, 3), schedule=schedules)
def test_clients_at_once(version, first, second, number, schedule, survived):
    """All apply the same at the same time; then one run finds what is left to do."""
    survived(TABLE, f"{version}: clients of one state")
    cluster = KeyCluster(version)
    assert converge(cluster, first)
    before = copy.deepcopy(cluster.table)

    def client(wrap):
        return apply(cluster, second, session=wrap(cluster))

    for result in run_interleaved(schedule, *[client] * number):
        assert isinstance(result, Refused) or not isinstance(result, BaseException), result
    assert len(cluster.table) in (1, 2)
    assert cluster.table.keys() <= {*before, hashed(key_of(cluster, second) or "")}
    try:
        assert apply(cluster, second).failure is None
    except Refused as err:
        refused(err, TOO_OLD)
        return
    check(cluster, second, next(iter(before.values())))
    check_rest(cluster, second)
