"""Random histories of a whole set, on the model of LiteLLM."""

from __future__ import annotations

import contextlib
import copy
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from saltext_litellm.errors import InvalidInput
from saltext_litellm.models import model_list
from saltext_litellm.models.deployments import Deployments
from saltext_litellm.models.options import ModelOptions
from saltext_litellm.objects.outcome import Outcome
from tests.support.cluster import Cluster
from tests.support.properties import FINGERPRINTER, VERSIONS, check_prediction, relaxed

# Few names and values, so that deployments share them.
model_names = st.sampled_from(["gpt", "claude", "*"])
params = st.fixed_dictionaries(
    {"model": st.sampled_from(["openai/gpt-4", "azure/gpt-4"])},
    optional={
        "rpm": st.sampled_from([0, 1, 2]),
        "api_key": st.sampled_from(["sk-0123456789", "sk-9876543210"]),
        "extra_headers": st.just({"a": "x"}),
    },
)
ids = st.sampled_from(["id-1", "id-2"])
entries = st.fixed_dictionaries(
    {"model_name": model_names, "litellm_params": params},
    optional={"model_info": st.fixed_dictionaries({}, optional={"id": ids, "note": st.just("n")})},
)
arguments = st.fixed_dictionaries(
    {"model_name": model_names, "litellm_params": params}, optional={"model_id": ids}
)
declarations = st.one_of(
    st.lists(entries, max_size=5),
    st.dictionaries(st.sampled_from(["one", "two", "three", "gpt"]), arguments, max_size=4),
)
steps = st.one_of(
    st.tuples(st.just("declare"), declarations, st.booleans()),
    st.tuples(st.just("somebody creates"), model_names, params),
    st.tuples(st.just("somebody deletes"), st.integers(0, 5)),
)


def run(cluster: Cluster, declared: Any, prune: bool, test: bool) -> dict[str, Outcome]:
    wanted = model_list.read("set", declared, None, lambda value: value)
    gateway = Deployments(cluster.client(), FINGERPRINTER)
    outcomes = gateway.apply(wanted, ModelOptions(set="set", prune=prune, test=test))
    return {outcome.name: outcome for outcome in outcomes}


def failures(outcomes: dict[str, Outcome]) -> list[str]:
    return [outcome.failure for outcome in outcomes.values() if outcome.failure]


def declare(cluster: Cluster, declared: Any, prune: bool) -> None:
    theirs, requests = copy.deepcopy(unmarked(cluster)), cluster.requests
    try:
        predicted = run(cluster, declared, prune, True)
        done = run(cluster, declared, prune, False)
    except InvalidInput:
        assert cluster.requests == requests
        event("refused")
        return
    if failures(done):  # a secret that somebody else set stands in the way
        assert all("declare it too" in failure for failure in failures(done))
        event("failed")
        return
    assert done.keys() == predicted.keys()
    for name, outcome in done.items():
        check_prediction(predicted[name], outcome)
    rests = run(cluster, declared, prune, False)
    assert not failures(rests)
    assert not any(outcome.changes for outcome in rests.values())
    check_rows(cluster, declared, prune)
    left = unmarked(cluster)
    assert all(left[model_id] == row for model_id, row in theirs.items() if model_id in left)
    assert theirs.keys() <= cluster.table.keys()


def unmarked(cluster: Cluster) -> dict[str, Any]:
    return {
        model_id: row
        for model_id, row in cluster.table.items()
        if "saltext_litellm" not in row["model_info"]
    }


def check_rows(cluster: Cluster, declared: Any, prune: bool) -> None:
    """Each deployment has a row of its own, with what it declares."""
    owned = [row for row in cluster.table.values() if "saltext_litellm" in row["model_info"]]
    names = [row["model_info"]["saltext_litellm"]["name"] for row in owned]
    assert len(set(names)) == len(names)
    if prune:
        assert len(owned) == len(declared)
    for one in declared.values() if isinstance(declared, dict) else declared:
        assert any(
            row["model_name"] == one["model_name"]
            and row["litellm_params"].items() >= one["litellm_params"].items()
            for row in owned
        ), one


@pytest.mark.parametrize("version", VERSIONS)
@relaxed
@given(history=st.lists(steps, min_size=1, max_size=6))
def test_every_history_of_a_set_converges(version, history):
    cluster = Cluster(version)
    for number, (what, *rest) in enumerate(history):
        if what == "declare":
            declare(cluster, *rest)
        elif what == "somebody creates":
            model_name, theirs = rest
            info = {"id": f"theirs-{number}", "db_model": True}
            cluster.client().create(
                {"model_name": model_name, "litellm_params": theirs, "model_info": info}
            )
        elif cluster.table:
            cluster.client().delete(sorted(cluster.table)[rest[0] % len(cluster.table)])


@pytest.mark.parametrize("version", ["1.83.14", "1.106.2"])
@relaxed
@given(
    history=st.lists(declarations, min_size=1, max_size=3),
    lost=st.integers(1, 6),
    done=st.booleans(),
    prune=st.booleans(),
)
def test_the_next_run_finishes_what_a_lost_answer_has_left(version, history, lost, done, prune):
    cluster = Cluster(version)
    for declared in history[:-1]:
        declare(cluster, declared, prune)
    cluster.lose(lost, done)
    with contextlib.suppress(InvalidInput):
        outcomes = run(cluster, history[-1], prune, False)
        event("failed" if failures(outcomes) else "went well")
        for outcome in outcomes.values():
            assert not (outcome.changes and outcome.action == "none")
    cluster.faults.clear()
    declare(cluster, history[-1], prune)
