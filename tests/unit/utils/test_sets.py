"""Random histories of a whole set against the model of LiteLLM's merge rules."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from saltext_litellm.utils import converge, model_set
from saltext_litellm.utils.errors import InvalidInput, OutcomeUnknown
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


class Faulty(MergeRules):
    """A gateway of which the answer to one write is lost, before or after it was done."""

    def __init__(self) -> None:
        super().__init__()
        self.lost: tuple[int, bool] | None = None

    def _write(self, write: Callable[[], Any]) -> Any:
        lost, done = self.lost or (-1, False)
        if self.writes + 1 != lost:
            return write()
        self.lost = None
        if done:
            write()
        raise OutcomeUnknown("the connection broke")

    def create(self, body: Any) -> Any:
        return self._write(lambda: MergeRules.create(self, body))

    def update(self, model_id: str, body: Any) -> Any:
        if not body:
            return super().update(model_id, body)
        return self._write(lambda: MergeRules.update(self, model_id, body))

    def delete(self, model_id: str) -> bool:
        deleted: bool = self._write(lambda: MergeRules.delete(self, model_id))
        return deleted


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    history=st.lists(declarations, min_size=1, max_size=3),
    lost=st.integers(1, 6),
    done=st.booleans(),
    prune=st.booleans(),
)
def test_the_next_run_finishes_what_a_lost_answer_has_left(history, lost, done, prune):
    rules = Faulty()
    for declared in history[:-1]:
        declare(rules, declared, prune)
    rules.lost = (rules.writes + lost, done)
    with contextlib.suppress(InvalidInput):
        outcome = run(rules, history[-1], prune, False)
        event("failed" if outcome.failures else "went well")
    rules.lost = None
    declare(rules, history[-1], prune)
