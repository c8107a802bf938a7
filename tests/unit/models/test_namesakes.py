"""What is said of other rows that have a deployment's model name, and how much of it."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from saltext_litellm.models import desired as deployments
from saltext_litellm.models import model_list
from saltext_litellm.models.deployments import Deployments
from saltext_litellm.models.options import ModelOptions
from tests.support.cluster import Cluster
from tests.support.properties import FINGERPRINTER

PARAMS = {"model": "openai/gpt-4"}
MANY = 40


def gateway(cluster: Cluster) -> Deployments:
    return Deployments(cluster.client(), FINGERPRINTER)


def set_notes(cluster: Cluster, models: Any, *, test: bool, name: str = "set") -> dict[str, Any]:
    """The notes on the models of a set, for those that have any."""
    wanted = model_list.read(name, models, None, lambda value: value)
    outcomes = gateway(cluster).apply(wanted, ModelOptions(set=name, test=test))
    return {outcome.name: outcome.notes for outcome in outcomes if outcome.notes}


def state_notes(cluster: Cluster, name: str) -> tuple[str, ...]:
    arguments = {"name": name, "model_name": "gpt", "litellm_params": PARAMS}
    wanted = deployments.desired(arguments, lambda value: value)
    (outcome,) = gateway(cluster).apply([wanted])
    return outcome.notes


def made_by_hand(cluster: Cluster, number: int, model_name: str = "gpt", **info: Any) -> None:
    info = {"id": f"by-hand-{number:02}", **info}
    cluster.client().create(
        {"model_name": model_name, "litellm_params": PARAMS, "model_info": info}
    )


ENTRIES = [{"model_name": "gpt", "litellm_params": {**PARAMS, "rpm": n}} for n in range(MANY)]
MAPPING = {f"gpt-{number}": one for number, one in enumerate(ENTRIES)}


@pytest.mark.parametrize("test", [True, False])
@pytest.mark.parametrize("models", [ENTRIES, MAPPING], ids=["list", "mapping"])
def test_a_set_says_nothing_of_its_own_rows(models, test):
    cluster = Cluster()
    assert set_notes(cluster, models, test=test) == {}
    half = models[: MANY // 2] if isinstance(models, list) else dict([*models.items()][::2])
    cluster = Cluster()
    set_notes(cluster, half, test=False)
    assert set_notes(cluster, models, test=test) == {}


@pytest.mark.parametrize("test", [True, False])
@pytest.mark.parametrize("made", [0, 1, MANY - 1])
@pytest.mark.parametrize("theirs", [2, MANY])
def test_a_set_that_creates_speaks_of_others_once(theirs, made, test):
    """Also if some of its models are there already: it is one that is created that speaks."""
    cluster = Cluster()
    set_notes(cluster, ENTRIES[:made], test=False)
    set_notes(cluster, ENTRIES[:theirs], test=False, name="others")
    ((note,),) = set_notes(cluster, ENTRIES, test=test).values()
    assert "in others" in note
    assert note.endswith(" have the same model name: LiteLLM balances calls between them")
    assert ("and 35 more have" in note) == (theirs == MANY)
    assert len(note) < 500


@pytest.mark.parametrize("test", [True, False])
@pytest.mark.parametrize("theirs", [1, MANY])
def test_a_set_speaks_once_of_rows_that_nobody_owns(theirs, test):
    cluster = Cluster()
    models = [*ENTRIES, *({**one, "model_name": "claude"} for one in ENTRIES)]
    set_notes(cluster, models, test=False)
    for number in range(theirs):
        made_by_hand(cluster, number, "claude")
        made_by_hand(cluster, number + theirs, "gpt")
    for wanted in (models, models[::-1]):
        notes = set_notes(cluster, wanted, test=test)
        assert len(notes) == 2
        for (note,) in notes.values():
            has = "has" if theirs == 1 else "and 35 more, which nobody owns, have"
            assert f"{has} the same model name: LiteLLM balances calls between them" in note
            assert len(note) < 300


def test_a_state_names_a_few_of_the_others():
    cluster = Cluster()
    assert state_notes(cluster, "first") == ()
    (has, renamed) = state_notes(cluster, "second")
    assert has.endswith(" of 'first' has the same model name: LiteLLM balances calls between them")
    assert renamed.startswith("If 'first' is how this state was named before")
    (have, renamed) = state_notes(cluster, "third")
    assert "of 'second' have the same model name" in have
    assert renamed.startswith("If this state had one of these names before, declare")
    for number in range(MANY):
        notes = state_notes(cluster, f"more-{number}")
    assert "of 'first', " in notes[0]
    assert f"and {MANY - 3} more have the same model name" in notes[0]
    assert sum(map(len, notes)) < 700


def test_copies_of_a_row_are_one_sentence():
    cluster = Cluster()
    state_notes(cluster, "ours")
    (row,) = cluster.table.values()
    for number in range(MANY):
        info = copy.deepcopy(row["model_info"])
        made_by_hand(cluster, number, **{**info, "id": f"copy-{number:02}"})
    (note,) = state_notes(cluster, "ours")
    assert note.startswith("copy-00, copy-01, ")
    assert "and 35 more are copies of it, with its marker, and are left alone" in note


def test_what_the_config_file_defines_is_said_once_in_a_set():
    config = [{"model_name": "gpt", "litellm_params": PARAMS} for _ in range(MANY)]
    cluster = Cluster(config=config)
    notes = set_notes(cluster, ENTRIES, test=False)
    ((note,),) = notes.values()
    assert note.startswith("The gateway's config file defines gpt (config-0, ")
    assert "and 35 more), which Salt never touches" in note
