"""Several clients at once, on a gateway of several workers whose routers are stale.

Whatever the order of their requests: no row is doubled, none is lost, and nothing that is said
is untrue.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from saltext_litellm.errors import InvalidInput
from saltext_litellm.models import desired as deployments
from saltext_litellm.models import model_list
from saltext_litellm.models.deployments import Deployments
from saltext_litellm.models.options import ModelOptions
from saltext_litellm.objects.outcome import Outcome
from tests.support.cluster import Cluster
from tests.support.interleave import balancer, run_interleaved, schedules, workers
from tests.support.properties import FINGERPRINTER, VERSIONS, relaxed

params = st.fixed_dictionaries(
    {"model": st.sampled_from(["openai/gpt-4", "openai/gpt-4o"])},
    optional={"rpm": st.sampled_from([1, 2]), "api_key": st.just("sk-0123456789")},
)
declarations = st.fixed_dictionaries(
    {"litellm_params": params}, optional={"model_id": st.just("pinned")}
)


def warm_cluster(version: str) -> Cluster:
    """A gateway whose workers all serve a row of somebody else's."""
    cluster = Cluster(version, workers=3)
    cluster.table["other"] = {
        "model_name": "other",
        "litellm_params": {"model": "openai/x"},
        "model_info": {"id": "other"},
        "blocked": False,
    }
    for worker in range(3):
        cluster.poll(worker)
    return cluster


def wanted_of(declared: dict[str, Any]) -> deployments.Deployment:
    return deployments.desired({"name": "name", **declared}, lambda value: value)


def apply(client: Any, declared: dict[str, Any], **options: Any) -> Outcome:
    gateway = Deployments(client, FINGERPRINTER)
    (outcome,) = gateway.apply([wanted_of(declared)], ModelOptions(**options))
    return outcome


def markers(cluster: Cluster) -> list[dict[str, Any]]:
    return [
        row["model_info"]["saltext_litellm"]
        for row in cluster.table.values()
        if "saltext_litellm" in row["model_info"]
    ]


def check(cluster: Cluster, declared: dict[str, Any]) -> None:
    """There is one row of ours, as it is declared."""
    (row,) = [row for row in cluster.table.values() if "saltext_litellm" in row["model_info"]]
    stored = {k: v for k, v in row["litellm_params"].items() if v is not False}
    assert stored == declared["litellm_params"]
    if "model_id" in declared:
        assert "pinned" in cluster.table


@pytest.mark.parametrize("version", VERSIONS)
@relaxed
@given(
    history=st.lists(st.tuples(declarations, workers, st.booleans()), min_size=1, max_size=5),
    made=st.sampled_from([None, "before", "between"]),
)
def test_stale_routers_mislead_nobody(version, history, made):
    """Each run meets other workers, and none of them has polled since the last."""
    cluster = Cluster(version, workers=3, config=[])
    for number, (declared, order, spread) in enumerate(history):
        if made == ("between" if number else "before") and not markers(cluster):
            body = {"model": "openai/gpt-4"}
            info = {"id": "theirs", "db_model": True}
            if "theirs" not in cluster.table:
                cluster.client(order[1]).create(
                    {"model_name": "name", "litellm_params": body, "model_info": info}
                )
        done = apply(cluster.client(balancer(order, spread)), declared)
        assert done.failure is None
        check(cluster, declared)
        for worker in range(3):
            again = apply(cluster.client(worker), declared)
            assert (again.changes, again.failure) == ({}, None)
            seen = apply(cluster.client(worker), declared, test=True)
            assert (seen.changes, seen.failure) == ({}, None)
        pinned = any("model_id" in each for each, *_ in history)
        assert len(cluster.table) <= 1 + (made is not None and pinned)


@pytest.mark.parametrize("version", VERSIONS)
@relaxed
@given(
    history=st.lists(declarations, min_size=1, max_size=3),
    orders=st.tuples(workers, workers),
    spread=st.booleans(),
    schedule=schedules,
    warm=st.booleans(),
)
def test_two_clients_of_one_state(version, history, orders, spread, schedule, warm):
    """Both apply the same at the same time; then one of them rests."""
    # Cold, every router is empty, and with it the view of the database.
    cluster = warm_cluster(version) if warm else Cluster(version, workers=3)

    def client(number: int, declared: dict[str, Any]) -> Any:
        meets = cluster.client(balancer(orders[number], spread))
        return lambda wrap: apply(wrap(meets), declared)

    for declared in history:
        results = run_interleaved(schedule, client(0, declared), client(1, declared))
        assert all(isinstance(result, Outcome) for result in results), results
        last = apply(cluster.client(0), declared)
        assert last.failure is None
        check(cluster, declared)
        rests = apply(cluster.client(1), declared)
        assert (rests.changes, rests.failure) == ({}, None)
        assert set(cluster.table) - {"other"} == {rests.id}


entries = st.dictionaries(st.sampled_from(["one", "two", "three"]), declarations, max_size=3)


@pytest.mark.parametrize("version", VERSIONS)
@relaxed
@given(
    declared=st.tuples(entries, entries),
    orders=st.tuples(workers, workers),
    schedule=schedules,
    prune=st.booleans(),
)
def test_two_clients_of_two_sets(version, declared, orders, schedule, prune):
    """Sets of the same models leave each other's rows alone."""
    cluster = Cluster(version, workers=3)
    names = ("left", "right")
    for each in declared:
        for model in each.values():
            model.pop("model_id", None)

    def converge(client: Any, number: int) -> list[Outcome]:
        wanted = model_list.read(names[number], declared[number], None, lambda value: value)
        options = ModelOptions(set=names[number], prune=prune)
        return Deployments(client, FINGERPRINTER).apply(wanted, options)

    def task(number: int) -> Any:
        client = cluster.client(balancer(orders[number], spread=True))
        return lambda wrap: converge(wrap(client), number)

    results = run_interleaved(schedule, task(0), task(1))
    assert all(isinstance(result, list) for result in results), results
    for number in (0, 1):
        outcomes = converge(cluster.client(number), number)
        assert not any(outcome.changes or outcome.failure for outcome in outcomes)
    owners = sorted((marker["set"], marker["name"]) for marker in markers(cluster))
    assert owners == sorted((names[n], model) for n in (0, 1) for model in declared[n])


@pytest.mark.parametrize("version", VERSIONS)
@relaxed
@given(declared=declarations, orders=st.tuples(workers, workers), owned=st.booleans())
def test_what_is_gone_is_gone_on_every_worker(version, declared, orders, owned):
    """A row that was deleted on one worker is absent on the others, which still serve it."""
    cluster = Cluster(version, workers=3)
    apply(cluster.client(orders[0][0]), declared)
    cluster.client().create(
        {"model_name": "x", "litellm_params": {"model": "y"}, "model_info": {"id": "x"}}
    )
    for worker in range(3):
        cluster.poll(worker)
    wanted = wanted_of(declared) if owned else deployments.named("name", None)
    gone = Deployments(cluster.client(orders[0][0]), FINGERPRINTER).remove(wanted)
    assert (gone.action, gone.failure) == ("delete", None)
    for worker in range(3):
        for test in (True, False):
            left = Deployments(cluster.client(worker), FINGERPRINTER).remove(wanted, test=test)
            assert (left.action, left.failure) == ("none", None)
    again = apply(cluster.client(orders[1][0]), declared)
    assert again.action == "create"
    check(cluster, declared)


models = st.sampled_from(
    [f"{provider}/{model}" for provider in ("openai", "no-such-provider") for model in "ab"]
)


@pytest.mark.parametrize("version", VERSIONS)
@relaxed
@given(history=st.lists(st.tuples(models, workers, st.booleans()), min_size=1, max_size=5))
def test_what_is_not_served_is_never_green(version, history):
    cluster = warm_cluster(version)
    for model, order, spread in history:
        declared = {"litellm_params": {"model": model}}
        good, was_there = model.startswith("openai"), len(cluster.table) > 1
        done = apply(cluster.client(balancer(order, spread)), declared)
        assert (done.failure is None) is good
        assert (len(cluster.table) > 1) is (good or was_there)
        if not good and not was_there:
            assert done.changes == {}
        for worker, test in ((0, True), (1, False), (2, True)):
            again = apply(cluster.client(worker), declared, test=test)
            if len(cluster.table) > 1:
                assert (again.failure is None, again.changes) == (good, {})
            else:
                assert test or again.failure is not None


@pytest.mark.parametrize("version", ["1.106.2", "1.110.2"])
def test_a_name_that_nobody_may_have_is_refused_before_anything_is_written(version):
    cluster = Cluster(version)
    for model_id in ("a", "b"):
        cluster.client().create(
            {
                "model_name": "name",
                "litellm_params": {"model": "openai/gpt-4"},
                "model_info": {"id": model_id},
            }
        )
    writes = cluster.requests
    with pytest.raises(InvalidInput, match="Several deployments are named 'name': a \\("):
        apply(cluster.client(), {"litellm_params": {"model": "openai/gpt-4"}})
    assert cluster.requests == writes


names = st.sampled_from(["one", "two", "three"])


@pytest.mark.parametrize("version", VERSIONS)
@relaxed
@given(
    clients=st.lists(st.tuples(names, workers, st.booleans()), min_size=2, max_size=4),
    lost=st.sets(names),
    others=st.booleans(),
    schedule=st.lists(st.integers(0, 3), max_size=80),
    test=st.booleans(),
)
# One client makes a tentative row; another has made a second row, to see the first one.
@example(
    clients=[
        ("one", [0, 1, 2, 0, 1, 2], False),
        ("one", [1, 0, 2, 0, 1, 2], False),
        ("one", [1, 0, 2, 0, 1, 2], True),
        ("one", [0, 1, 2, 0, 1, 2], False),
    ],
    lost={"one", "two", "three"},
    others=False,
    schedule=[],
    test=True,
)
def test_what_was_deleted_is_never_as_declared(version, clients, lost, others, schedule, test):
    """Rows are deleted through one worker, and applied again by several clients at once."""
    cluster = warm_cluster(version) if others else Cluster(version, workers=3)
    gone = cluster.client()
    for name in ("one", "two", "three"):
        apply_named(gone, name)
    for worker in range(3):
        cluster.poll(worker)
    for name in lost:
        Deployments(gone, FINGERPRINTER).remove(deployments.named(name, None))

    def task(number: int) -> Any:
        name, order, spread = clients[number]
        client = cluster.client(balancer(order, spread))

        def run(wrap: Any) -> tuple[Outcome, bool]:
            """What is said, and whether the row is there at that moment."""
            said = apply_named(wrap(client), name, test=test and number == 0)
            return said, any(marker["name"] == name for marker in markers(cluster))

        return run

    results = run_interleaved(schedule, *(task(number) for number in range(len(clients))))
    assert all(isinstance(result, tuple) for result in results), results
    for number, (said, is_there) in enumerate(results):
        tests = test and number == 0
        assert said.failure is None
        assert is_there or tests
        again = {one for other, (one, *_) in enumerate(clients) if other != number}
        if clients[number][0] in lost - again:
            assert said.action == "create"


def apply_named(client: Any, name: str, **options: Any) -> Outcome:
    arguments = {"name": name, "litellm_params": {"model": "openai/gpt-4"}}
    wanted = deployments.desired(arguments, lambda value: value)
    (outcome,) = Deployments(client, FINGERPRINTER).apply([wanted], ModelOptions(**options))
    return outcome
