"""Whose a row is, when copies, other owners or several rows fit; and what is predicted of that."""

import pytest
from salt.exceptions import CommandExecutionError

from .conftest import MARKER, MODEL, id_of, managed_set

# ---------------------------------------------------------------- whose a row is


def test_the_row_of_a_set_is_not_taken_through_the_derived_id(api, states, name):
    """A state hands its row over to a set; later there is a new state of its name."""
    states.present(name)
    model_id = id_of(api.one(name))
    assert states.run(managed_set(name, {name: {**MODEL, "rpm": 5}}))["result"] is True
    assert id_of(api.one(name)) == model_id
    for _ in range(2):
        states.present(name, model_name=f"{name}-new")
        assert id_of(api.one(name)) == model_id
        assert len(api.named(f"{name}-new")) == 1
    assert states.run(managed_set(name, {name: {**MODEL, "rpm": 5}}))["changes"] == {}
    assert states.present(name, model_name=f"{name}-new")["changes"] == {}


def test_a_copied_row_is_left_alone(api, states, name):
    """LiteLLM's UI copies a row, with the marker."""
    states.present(name, rpm=5, model_id=f"{name}-id")
    row = api.one(name)
    info = {"tier": "free", "base_model": "gpt-4", MARKER: row["model_info"][MARKER]}
    copy = api.create(name, {"custom_llm_provider": "openai", "rpm": 5}, info)
    before = api.stored(copy)
    for arguments in ({"model_id": f"{name}-id"}, {}):
        for test in (True, False):
            result = states.present(name, test=test, rpm=5, **arguments)
            assert (result["result"], result["changes"]) == (True, {})
            assert f"{copy} is a copy of it" in result["comment"]
            assert f"`model_id: {copy}`" in result["comment"]
    assert api.stored(copy)["model_info"] == before["model_info"]
    # The advice is to give it a state of its own.
    adopted = states.present(f"{name}-copy", model_name=name, rpm=6, model_id=copy)
    assert adopted["changes"]["rpm"] == {"old": 5, "new": 6}
    assert {id_of(row) for row in api.named(name)} == {f"{name}-id", copy}
    assert states.present(name, rpm=5)["changes"] == {}
    assert states.absent(name, model_id=f"{name}-id")["result"] is True
    assert id_of(api.one(name)) == copy


def test_several_rows_of_one_owner_and_the_advice_deletes_none(api, states, name):
    info = {MARKER: {"version": 1, "name": name, "keys": []}}
    ids = {api.create(name, info=info) for _ in range(2)}
    result = states.present(name)
    assert (result["result"], result["changes"]) == (False, {})
    chosen = result["comment"].split("`model_id: ")[1].split("`")[0]
    assert states.present(name, model_id=chosen)["result"] is True
    assert {id_of(row) for row in api.named(name)} == ids


def test_a_row_made_under_a_replaced_id_is_not_taken_for_a_leftover(api, states, name):
    states.present(name, model_info={"note": "x"})
    old = id_of(api.one(name))
    states.present(name)
    new = id_of(api.one(name))
    assert old != new
    theirs = api.create(f"{name}-theirs", info={"id": old})
    assert states.present(name)["changes"] == {}
    assert states.present(name, rpm=5)["result"] is True
    assert id_of(api.one(f"{name}-theirs")) == theirs == old


def test_absent_names_the_owner_of_what_is_there(api, states, name):
    states.present(f"{name}-a", model_name=name)
    states.run(managed_set(name, {f"{name}-b": {**MODEL, "model_name": name}}))
    for test in (True, False):
        result = states.absent(name, test=test)
        assert (result["result"], result["changes"]) == (False, {})
        assert result["comment"].startswith(f"{name} is still there: ")
        for row in api.named(name):
            assert id_of(row) in result["comment"]
        assert f"'{name}-a'" in result["comment"]
        assert f"'{name}-b in set-{name}'" in result["comment"]


def test_a_new_row_beside_anothers_is_said_to_be(api, states, name):
    states.present(f"{name}-other", model_name=name)
    theirs = id_of(api.one(name))
    for test in (True, False):
        result = states.present(name, test=test)
        assert f"{theirs} of '{name}-other' has the same model name" in result["comment"]
    assert len(api.named(name)) == 2


def test_by_hand_a_model_name_finds_an_owned_row(api, states, modules, name, gateway_can_block):
    states.present(f"{name}-state", model_name=name, rpm=5)
    model_id = id_of(api.one(name))
    assert modules("get", name)["model_id"] == model_id
    done = modules("update", name, rpm=6)
    assert done["changes"] == {"rpm": {"old": 5, "new": 6}}
    assert api.one(name)["litellm_params"]["rpm"] == 6
    done = modules("update", f"{name}-state", rpm=7)
    assert done["changes"] == {"rpm": {"old": 6, "new": 7}}
    assert api.one(name)["model_name"] == name  # what is not given is not changed
    if gateway_can_block:
        assert modules("block", name) is True
        assert modules("unblock", name) is True
    assert modules("delete", name, test=True)["model_id"] == model_id
    assert modules("delete", name)["model_id"] == model_id
    assert api.named(name) == []


def test_by_hand_an_ambiguous_name_is_refused(api, modules, states, name):
    states.present(f"{name}-state", model_name=name)
    api.create(name)
    for function in ("get", "update", "delete", "health"):
        arguments = {"rpm": 5} if function == "update" else {}
        with pytest.raises(CommandExecutionError, match="Several deployments are named"):
            modules(function, name, **arguments)
    assert len(api.named(name)) == 2


# ---------------------------------------------------------------- predictions


def test_states_that_could_share_a_row_are_predicted_as_they_run(api, states, name):
    row = api.create(name)
    both = [
        ("present", {"name": f"{name}-{n}", "model_name": name, **MODEL, "rpm": n}) for n in "12"
    ]
    both[0][1]["rpm"], both[1][1]["rpm"] = 1, 2
    predicted = states.run(*both, test=True)
    done = states.run(*both)
    assert [one["changes"] for one in predicted] == [one["changes"] for one in done]
    assert [one["result"] for one in done] == [True, True]
    assert len(api.named(name)) == 2
    owners = {id_of(one): one["model_info"][MARKER]["name"] for one in api.named(name)}
    assert owners[row] == f"{name}-1"
    assert [one["changes"] for one in states.run(*both)] == [{}, {}]


def test_states_that_swap_their_ids_are_predicted_as_they_run(api, states, name):
    def both(first, second):
        return [
            ("present", {"name": f"{name}-{n}", **MODEL, "model_id": f"{name}-{model_id}"})
            for n, model_id in ((1, first), (2, second))
        ]

    states.run(*both("a", "b"))
    before = api.rows()
    predicted, done = states.run(*both("b", "a"), test=True), states.run(*both("b", "a"))
    assert [one["result"] for one in predicted] == [one["result"] for one in done] == [False] * 2
    assert [one["changes"] for one in done] == [{}, {}]
    assert api.rows() == before


def test_a_creation_and_its_removal_in_one_run_are_predicted(api, states, name):
    steps = [("present", {"name": name, "order": 1, **MODEL}), ("absent", {"name": name})]
    predicted, done = states.run(*steps, test=True), states.run(*steps)
    assert [one["changes"] for one in predicted] == [one["changes"] for one in done]
    assert done[1]["changes"]["model_id"]["new"] is None
    assert api.in_database(name) == []
