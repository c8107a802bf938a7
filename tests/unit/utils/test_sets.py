"""Random histories of a whole set against the model of LiteLLM's merge rules."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from saltext_litellm.utils import converge, model_set
from saltext_litellm.utils.errors import InvalidInput
from saltext_litellm.utils.gateway import Gateway
from saltext_litellm.utils.secrets import Fingerprinter
from tests.support.merge_rules import MergeRules

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
FINGERPRINTER = Fingerprinter("admin key")


def run(rules: MergeRules, declared: Any, prune: bool, test: bool) -> converge.SetOutcome:
    wanted = model_set.read("set", declared, None, lambda value: value)
    return converge.converge(
        Gateway(rules, FINGERPRINTER),  # type: ignore[arg-type]
        "set",
        wanted,
        progress=lambda *_: None,
        prune=prune,
        test=test,
    )


def declare(rules: MergeRules, declared: Any, prune: bool) -> None:
    theirs, writes = copy.deepcopy(unmarked(rules)), rules.writes
    try:
        predicted = run(rules, declared, prune, True)
        done = run(rules, declared, prune, False)
    except InvalidInput:
        assert rules.writes == writes
        event("refused")
        return
    if done.failures:  # a secret that somebody else set stands in the way
        assert all("declare it too" in failure for failure in done.failures.values())
        event("failed")
        return
    assert done.changes == predicted.changes
    rests = run(rules, declared, prune, False)
    assert (rests.changes, rests.failures) == ({}, {})
    check_rows(rules, declared, prune)
    left = unmarked(rules)
    assert all(left[model_id] == row for model_id, row in theirs.items() if model_id in left)
    assert theirs.keys() <= rules.table.keys()


def unmarked(rules: MergeRules) -> dict[str, Any]:
    return {
        model_id: row
        for model_id, row in rules.table.items()
        if "saltext_litellm" not in row["model_info"]
    }


def check_rows(rules: MergeRules, declared: Any, prune: bool) -> None:
    """Each deployment has a row of its own, with what it declares."""
    owned = [row for row in rules.table.values() if "saltext_litellm" in row["model_info"]]
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


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(history=st.lists(steps, min_size=1, max_size=6))
def test_every_history_of_a_set_converges(history):
    rules = MergeRules()
    for number, (what, *rest) in enumerate(history):
        if what == "declare":
            declare(rules, *rest)
        elif what == "somebody creates":
            model_name, theirs = rest
            info = {"id": f"theirs-{number}", "db_model": True}
            rules.create({"model_name": model_name, "litellm_params": theirs, "model_info": info})
        elif rules.table:
            rules.delete(sorted(rules.table)[rest[0] % len(rules.table)])
