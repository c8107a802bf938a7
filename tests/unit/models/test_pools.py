"""Entries of a list that share a model name, and differ by little or by a secret only."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from saltext_litellm.models import model_list
from saltext_litellm.models.deployments import Deployments
from saltext_litellm.models.options import ModelOptions
from saltext_litellm.objects.outcome import Outcome
from saltext_litellm.values.fingerprints import Fingerprinter
from tests.support.cluster import Cluster
from tests.support.properties import FINGERPRINTER, relaxed

Entry = dict[str, Any]
few = settings(relaxed, max_examples=relaxed.max_examples // 8)


def entry(key: object, rpm: int = 5, **more: Any) -> Entry:
    params = {"model": "openai/gpt-4", "api_key": f"sk-{key:>012}", "rpm": rpm, **more}
    return {"model_name": "gpt", "litellm_params": params}


def run(
    cluster: Cluster,
    entries: Sequence[Entry],
    prune: bool = True,
    test: bool = False,
    fingerprinter: Fingerprinter = FINGERPRINTER,
) -> list[Outcome]:
    """Apply a set, and return what was changed or is left."""
    wanted = model_list.read("set", copy.deepcopy(list(entries)), None, lambda value: value)
    gateway = Deployments(cluster.client(), fingerprinter)
    outcomes = gateway.apply(wanted, ModelOptions(set="set", prune=prune, test=test))
    assert not any(outcome.failure for outcome in outcomes)
    return [outcome for outcome in outcomes if outcome.changes or outcome.kept]


def fates(outcomes: Sequence[Outcome]) -> list[str]:
    return [outcome.status for outcome in outcomes]


def keys(cluster: Cluster) -> dict[str, str]:
    """The key of each row, by its id."""
    return {model_id: row["litellm_params"]["api_key"] for model_id, row in cluster.table.items()}


def holder(cluster: Cluster, one: Entry) -> str:
    """The id of the row that has the key of an entry."""
    (found,) = [i for i, key in keys(cluster).items() if key == one["litellm_params"]["api_key"]]
    return found


def converged(entries: Sequence[Entry], version: str = "1.106.2") -> Cluster:
    cluster = Cluster(version)
    run(cluster, entries)
    return cluster


# Pools that have been edited before: there, the rows' names do not follow the order of the entries.
KEYS = st.lists(st.integers(0, 30), min_size=1, max_size=7, unique=True)
EDITED = st.lists(KEYS, min_size=1, max_size=3)


def edited(history: Sequence[Sequence[int]]) -> tuple[Cluster, list[Entry]]:
    cluster = Cluster()
    for pool in history:
        run(cluster, list(map(entry, pool)))
    return cluster, list(map(entry, history[-1]))


@few
@given(history=EDITED, place=st.integers(0, 7))
def test_a_new_entry_anywhere_is_one_create(history, place):
    cluster, pool = edited(history)
    before, writes = keys(cluster), cluster.writes
    pool.insert(place, entry("new"))
    assert fates(run(cluster, pool)) == ["created"]
    assert cluster.writes == writes + 1
    assert keys(cluster) == {**before, holder(cluster, entry("new")): "sk-000000000new"}


@few
@given(history=EDITED, place=st.integers(0, 6), prune=st.booleans())
def test_a_removed_entry_frees_its_own_row(history, place, prune):
    cluster, pool = edited(history)
    before, writes = keys(cluster), cluster.writes
    gone = pool.pop(place % len(pool))
    model_id = holder(cluster, gone)
    (outcome,) = run(cluster, pool, prune)
    assert (outcome.id, outcome.status) == (model_id, "deleted" if prune else "undeclared")
    assert cluster.writes == writes + prune
    if prune:
        del before[model_id]
    assert keys(cluster) == before


@few
@given(history=EDITED, place=st.integers(0, 6))
def test_a_rotated_key_is_one_change_of_its_own_row(history, place):
    cluster, pool = edited(history)
    before, writes = keys(cluster), cluster.writes
    place %= len(pool)
    model_id = holder(cluster, pool[place])
    pool[place] = entry("new")
    (outcome,) = run(cluster, pool)
    assert (outcome.status, outcome.id, set(outcome.changes)) == (
        "updated",
        model_id,
        {"model_api_key"},
    )
    assert cluster.writes == writes + 1
    assert keys(cluster) == {**before, model_id: "sk-000000000new"}


@few
@given(history=EDITED, order=st.randoms(use_true_random=False))
def test_the_order_of_entries_means_nothing(history, order):
    cluster, pool = edited(history)
    before, writes = keys(cluster), cluster.writes
    order.shuffle(pool)
    assert run(cluster, pool) == []
    assert (keys(cluster), cluster.writes) == (before, writes)


@few
@given(
    history=st.lists(
        st.lists(st.tuples(st.integers(0, 4), st.integers(1, 3)), max_size=6),
        min_size=2,
        max_size=4,
    ),
    prune=st.booleans(),
)
def test_no_run_writes_more_than_it_must(history, prune):
    """Whatever was edited, also if entries are equal. Rows that are as declared stay so."""
    cluster = Cluster()
    for pool in history:
        entries = [entry(key, rpm) for key, rpm in pool]
        writes, before = cluster.writes, copy.deepcopy(cluster.table)
        stored = Counter(map(values, before.values()))
        wanted = Counter(f"sk-{key:>012} {rpm}" for key, rpm in pool)
        different = (wanted - stored).total()
        superfluous = max((stored - wanted).total() - different, 0)
        run(cluster, entries, prune)
        assert cluster.writes - writes == different + superfluous * prune
        same = [i for i, row in before.items() if cluster.table.get(i) == row]
        assert Counter(values(before[i]) for i in same) & wanted == stored & wanted
        assert run(cluster, entries, prune) == [] or not prune


def values(row: Any) -> str:
    return f"{row['litellm_params']['api_key']} {row['litellm_params']['rpm']}"


@pytest.mark.parametrize("fingerprinter", [FINGERPRINTER, Fingerprinter("another admin key")])
@few
@given(history=EDITED, rpm=st.integers(6, 7))
def test_rows_keep_their_keys_if_all_entries_change(fingerprinter, history, rpm):
    """So it is as well if no fingerprint can be compared, because the admin key is new."""
    order = history[0]
    history = [order, *(order[number:] for number in range(1, len(order)))]  # nothing else moves
    cluster, pool = edited(history)
    before = keys(cluster)
    for one in pool:
        one["litellm_params"]["rpm"] = rpm
    assert fates(run(cluster, pool, fingerprinter=fingerprinter)) == ["updated"] * len(pool)
    assert keys(cluster) == before


POOL = [entry(number) for number in range(6)]


@pytest.mark.parametrize("earlier", [POOL, [entry("gone"), *POOL], POOL[::-1]])
def test_two_rotations_change_their_own_rows(earlier):
    cluster = converged(earlier)
    run(cluster, POOL)
    before, second, third = keys(cluster), holder(cluster, POOL[1]), holder(cluster, POOL[2])
    outcomes = run(cluster, [POOL[0], entry("new-2"), entry("new-3"), *POOL[3:]])
    assert fates(outcomes) == ["updated"] * 2
    if earlier != POOL[::-1]:  # there, neither row stands beside its entry's neighbour
        assert keys(cluster) == {**before, second: "sk-0000000new-2", third: "sk-0000000new-3"}


@pytest.mark.parametrize("prune", [True, False])
def test_the_first_is_removed_and_the_next_is_rotated(prune):
    """At once it could be the other way round. Then the row beside its neighbour is taken."""
    cluster = converged(POOL)
    first, second = holder(cluster, POOL[0]), holder(cluster, POOL[1])
    before = keys(cluster)
    changed, other = run(cluster, [entry("new"), *POOL[2:]], prune)
    assert (changed.id, other.id) == (second, first)
    assert fates([changed, other]) == ["updated", "deleted" if prune else "undeclared"]
    expected = {**before, second: "sk-000000000new"}
    if prune:
        del expected[first]
    assert keys(cluster) == expected
    # What was left alone stays alone.
    (changed, *_) = run(cluster, [entry("newer"), *POOL[2:]], prune)
    assert changed.id == second


def test_a_rotation_beside_a_new_entry_stays_in_its_row():
    cluster = converged(POOL)
    second = holder(cluster, POOL[1])
    outcomes = run(cluster, [entry("new"), POOL[0], entry("rotated"), *POOL[2:]])
    assert {one.id: one.status for one in outcomes} == {
        holder(cluster, entry("new")): "created",
        second: "updated",
    }


def test_an_entry_with_a_new_value_and_an_old_key_keeps_its_row():
    """A key tells more than a place: the entry has moved, and got another limit."""
    cluster = converged(POOL)
    before = keys(cluster)
    assert fates(run(cluster, [*POOL[3:], *POOL[1:3], entry(0, rpm=6)])) == ["updated"]
    assert keys(cluster) == before


@pytest.mark.parametrize("more", [{}, {"api_key": "os.environ/SHARED"}])
def test_entries_that_differ_by_what_can_be_read(more):
    pool = [
        entry(7, api_base=f"https://{place}.test", tags=[place, "x"], **more) for place in "abcd"
    ]
    cluster = converged(pool)
    before = {i: row["litellm_params"]["api_base"] for i, row in cluster.table.items()}
    pool[1]["litellm_params"]["tags"] = ["x", "b"]  # an order that means nothing
    pool.append(pool.pop(0))
    assert run(cluster, pool) == []
    pool[0]["litellm_params"]["rpm"] = "6"
    assert fates(run(cluster, pool)) == ["updated"]
    assert before == {i: row["litellm_params"]["api_base"] for i, row in cluster.table.items()}


def with_id(one: Entry, model_id: str) -> Entry:
    return {**copy.deepcopy(one), "model_info": {"id": model_id}}


def test_entries_with_an_id_keep_it_wherever_they_stand():
    pool = [with_id(POOL[0], "one"), POOL[1], with_id(POOL[2], "two"), POOL[3]]
    cluster = converged(pool)
    before = keys(cluster)
    assert run(cluster, pool[::-1]) == []
    assert fates(run(cluster, [POOL[1], with_id(entry("new"), "two"), pool[0], POOL[3]])) == [
        "updated"
    ]
    assert keys(cluster) == {**before, "two": "sk-000000000new"}


def test_an_entry_with_the_id_of_a_row_takes_no_other_row():
    """A row that nobody owns is adopted by its id. All other entries keep their rows."""
    cluster = converged(POOL)
    before = keys(cluster)
    theirs = entry("theirs")
    info = {"id": "made-by-hand", "db_model": True}
    cluster.client().create({**theirs, "model_info": info})
    pool = [with_id(theirs, "made-by-hand"), POOL[0], entry("new"), *POOL[2:]]
    assert sorted(fates(run(cluster, pool, prune=False))) == ["adopted", "updated"]
    second = next(i for i, key in before.items() if key == POOL[1]["litellm_params"]["api_key"])
    expected = {**before, "made-by-hand": "sk-000000theirs", second: "sk-000000000new"}
    assert keys(cluster) == expected


def test_a_new_entry_with_an_id_of_its_own_replaces_no_row():
    cluster = converged(POOL)
    before = keys(cluster)
    second = holder(cluster, POOL[1])
    pool = [with_id(entry("new"), "chosen"), POOL[0], entry("rotated"), *POOL[2:]]
    assert sorted(fates(run(cluster, pool, prune=False))) == ["created", "updated"]
    expected = {**before, "chosen": "sk-000000000new", second: "sk-00000rotated"}
    assert keys(cluster) == expected


def test_a_row_that_nobody_owns_is_adopted_by_the_entry_that_it_is_like():
    cluster = Cluster()
    theirs = {**entry("theirs", api_base="https://c.test"), "model_info": {"id": "by-hand"}}
    cluster.client().create(theirs)
    pool = [entry(number, api_base=f"https://{place}.test") for number, place in enumerate("abcd")]
    predicted = run(cluster, pool, test=True)
    outcomes = run(cluster, pool)
    assert fates(predicted) == fates(outcomes) == ["created", "created", "adopted", "created"]
    assert set(outcomes[2].changes) == {"owner", "model_api_key"}
    assert run(cluster, pool) == []


def test_several_rows_that_nobody_owns_are_not_told_apart():
    cluster = Cluster()
    for number in range(30):
        cluster.client().create({**entry(number), "model_info": {"id": f"by-hand-{number:02}"}})
    with pytest.raises(Exception, match="Several deployments are named 'gpt'") as raised:
        run(cluster, POOL)
    assert "and 25 more; say which one" in str(raised.value)
    assert len(str(raised.value)) < 400 * len(POOL)
    assert cluster.requests == 30


def test_a_state_that_moves_into_the_set_brings_its_row():
    cluster = Cluster()
    arguments = {"model_name": "gpt", "litellm_params": POOL[2]["litellm_params"]}
    (single,) = model_list.read(
        "set", {"gpt": {**arguments, "tier": None}}, {"tier": None}, lambda v: v
    )
    Deployments(cluster.client(), FINGERPRINTER).apply([replace(single, set=None)])
    before = keys(cluster)
    outcomes = run(cluster, POOL)
    assert [one.id for one in outcomes if one.status != "created"] == list(before)
    assert [set(one.changes) for one in outcomes if one.status != "created"] == [{"owner"}]
    assert before.items() <= keys(cluster).items()


def test_the_names_of_a_mapping_are_kept():
    """There each model has a name of its own, so the name says which row is meant."""

    def run_mapping(models: dict[str, Entry]) -> list[Outcome]:
        wanted = model_list.read("set", models, {"tier": None}, lambda value: value)
        return Deployments(cluster.client(), FINGERPRINTER).apply(wanted, ModelOptions(set="set"))

    cluster = Cluster()
    models = {f"one-{number}": one for number, one in enumerate(POOL)}
    run_mapping(models)
    swapped = {**models, "one-0": models["one-1"], "one-1": models["one-0"]}
    assert [one.name for one in run_mapping(swapped) if one.changes] == ["one-0", "one-1"]
    assert run(cluster, POOL[::-1]) == []  # in a list they have no names, so each keeps its row


def test_another_models_name_is_never_taken():
    """One model is called as the second entry of another one would be."""
    pool = [entry(0), entry(1), {**entry(2), "model_name": "gpt #2"}, entry(3)]
    wanted = model_list.read("set", pool, None, lambda value: value)
    assert [one.name for one in wanted] == ["gpt", "gpt #3", "gpt #2", "gpt #4"]
    cluster = converged(pool)
    before = keys(cluster)
    assert run(cluster, pool[::-1]) == []
    assert fates(run(cluster, [entry("new"), *pool])) == ["created"]
    assert before.items() <= keys(cluster).items()


def test_entries_of_a_team_get_rows_of_the_team():
    def of(team: str, one: Entry) -> Entry:
        return {**copy.deepcopy(one), "model_info": {"team_id": team}}

    pool = [of("red", POOL[0]), POOL[1], of("blue", POOL[0]), of("red", POOL[2]), POOL[0]]
    cluster = converged(pool)
    before = copy.deepcopy(cluster.table)
    assert run(cluster, pool[::-1]) == []
    assert fates(run(cluster, [of("red", entry("new")), *pool])) == ["created"]
    assert fates(run(cluster, pool)) == ["deleted"]
    assert cluster.table == before


def test_a_row_whose_name_others_bear_is_left_to_them():
    """Two rows carry one marker. Nobody can say which is meant, so no entry takes another's row."""
    cluster = converged(POOL)
    second = holder(cluster, POOL[1])
    twin = copy.deepcopy(cluster.table[second])
    del twin["model_info"]["saltext_litellm"]["id"]
    twin["model_info"]["id"] = "twin"
    cluster.table["twin"] = twin
    cluster.poll(0)
    requests = cluster.requests
    with pytest.raises(Exception, match="gpt #2: Several deployments carry the marker of 'gpt #2'"):
        run(cluster, POOL)
    assert cluster.requests == requests


def test_a_large_pool_is_matched_with_few_fingerprints():
    """An edit of a pool costs a fingerprint or two for each row, and not one for each pair."""
    made = 0

    class Counting(Fingerprinter):
        def __call__(self, *args: Any) -> str:
            nonlocal made
            made += 1
            return super().__call__(*args)

    size = 200
    pool = [entry(number) for number in range(size)]
    cluster = Cluster()
    cluster.routers[0] = cluster.table
    cluster.poll = lambda _: None  # type: ignore[method-assign]
    run(cluster, pool)
    cases = {
        "none": pool,
        "new": [entry("new"), *pool],
        "removed": pool[1:],
        "rotated": [*pool[:90], entry("new"), *pool[91:]],
        "limit": [entry("new", rpm=6), *(entry(number, rpm=6) for number in range(size))],
    }
    for what, entries in cases.items():
        made = 0
        run(cluster, entries, test=True, fingerprinter=Counting("admin key"))
        assert made < 10 * size, what
