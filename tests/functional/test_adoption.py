"""Which row a state is about: by id, by marker or by name; and how it gets there in place."""

import re

import pytest

from .conftest import LIST, MARKER, id_of, sent

PROVIDER_KEY = "sk-provider-0123456789"
# A row as the UI or the CLI makes it.
THEIRS = {
    "rpm": 5,
    "temperature": 0.5,
    "api_key": PROVIDER_KEY,
    "extra_headers": {"X-Team": "theirs"},
    "drop_params": True,
}
# All that `states.present` declares by default, in LiteLLM's words.
SAME_PARAMS, SAME_INFO = {"custom_llm_provider": "openai"}, {"base_model": "gpt-4", "tier": "free"}


def writes(recorder):
    return [record for record in recorder.requests if record.method != "GET"]


def listing(recorder, *listed):
    """Let the gateway list these rows and no others."""
    recorder.fault(method="GET", path=LIST[1], status=200, json={"data": list(listed)})


# ---------------------------------------------------------------- adoption


def test_a_row_of_somebody_elses_is_adopted_in_place(api, states, recorder, name):
    model_id = api.create(name, THEIRS, {"note": "by hand"})
    declared = {"rpm": 7, "model_api_key": PROVIDER_KEY}
    predicted = states.present(name, test=True, **declared)
    assert predicted["result"] is None
    assert writes(recorder) == []
    done = states.present(name, **declared)
    assert done["result"] is True
    assert done["changes"] == predicted["changes"]
    assert done["changes"]["owner"] == {"old": None, "new": name}
    assert done["changes"]["rpm"] == {"old": 5, "new": 7}
    assert (
        f"{name} was adopted. {model_id} was there already, and Salt manages it from now on"
        in done["comment"]
    )
    row = api.one(name)
    assert id_of(row) == model_id
    params = row["litellm_params"]
    assert (params["rpm"], params["temperature"], params["drop_params"]) == (7, 0.5, True)
    assert params["extra_headers"] == {"X-Team": "theirs"}
    assert row["model_info"]["note"] == "by hand"
    assert "POST" not in [record.method for record in writes(recorder)]


def test_secrets_are_written_once_on_adoption_as_they_cannot_be_compared(
    api, states, recorder, name
):
    api.create(name, THEIRS)
    done = states.present(name, model_api_key=PROVIDER_KEY)
    assert done["changes"]["model_api_key"]["new"] == "**********"
    assert writes(recorder)[-1].json["litellm_params"]["api_key"] == PROVIDER_KEY
    recorder.clear()
    again = states.present(name, model_api_key=PROVIDER_KEY)
    assert (again["result"], again["changes"]) == (True, {})
    assert sent(recorder) == [LIST]


def test_adoption_of_a_row_that_matches_changes_its_owner_and_nothing_else(
    api, states, recorder, name
):
    model_id = api.create(name, SAME_PARAMS, SAME_INFO)
    before = api.one(name)
    predicted = states.present(name, test=True)
    done = states.present(name)
    assert done["changes"] == predicted["changes"] == {"owner": {"old": None, "new": name}}
    assert set(writes(recorder)[-1].json) == {"model_info"}
    after = api.one(name)
    assert after["model_info"].pop(MARKER)["name"] == name
    assert after == before
    assert id_of(after) == model_id
    assert states.present(name)["changes"] == {}


def test_several_unmarked_rows_are_refused_and_the_advice_works(api, states, recorder, name):
    ids = {api.create(name, {"rpm": number}) for number in (1, 2, 3)}
    for test in (True, False):
        result = states.present(name, test=test, rpm=9)
        assert (result["result"], result["changes"]) == (False, {})
        assert all(model_id in result["comment"] for model_id in ids)
    assert writes(recorder) == []
    advised = re.search(r"`model_id: (\S+)`", result["comment"]).group(1)
    assert advised in ids
    assert states.present(name, rpm=9, model_id=advised)["result"] is True
    assert {id_of(row): row["litellm_params"]["rpm"] for row in api.named(name)}[advised] == 9
    assert {id_of(row) for row in api.named(name)} == ids
    # From now on its marker says which one it is.
    assert states.present(name, rpm=9)["changes"] == {}


def test_absent_refuses_several_unmarked_rows(api, states, recorder, name):
    ids = {api.create(name) for _ in range(2)}
    result = states.absent(name)
    assert (result["result"], result["changes"]) == (False, {})
    assert all(model_id in result["comment"] for model_id in ids)
    assert writes(recorder) == []


def test_rows_of_other_states_are_no_candidates(api, states, name):
    states.present(f"{name}-other", model_name=name, rpm=1)
    theirs = id_of(api.one(name))
    free = api.create(name, {"rpm": 2})
    done = states.present(name, rpm=3)
    assert done["changes"]["owner"] == {"old": None, "new": name}
    rpms = {id_of(row): row["litellm_params"]["rpm"] for row in api.named(name)}
    assert rpms == {theirs: 1, free: 3}
    assert states.present(f"{name}-other", model_name=name, rpm=1)["changes"] == {}


def test_the_marker_of_another_set_is_not_ours(api, states, name):
    theirs = api.create(name, info={MARKER: {"version": 1, "name": name, "set": "x", "keys": []}})
    assert states.present(name, rpm=5)["changes"]["model_name"] == {"old": None, "new": name}
    assert len(api.named(name)) == 2
    assert states.present(name, rpm=5)["changes"] == {}
    for changed in (True, False):
        result = states.absent(name)
        assert (result["result"], bool(result["changes"])) == (False, changed)
        assert f"{name} is still there: {theirs} belongs to '{name} in x'" in result["comment"]
        assert id_of(api.one(name)) == theirs


# ---------------------------------------------------------------- names


def test_a_rename_is_in_place(api, states, recorder, name):
    api.create(f"{name}-other")  # else the row would be tentative, until it is written again
    states.present(name, rpm=5, model_api_key=PROVIDER_KEY)
    model_id = id_of(api.one(name))
    recorder.clear()
    renamed = {"rpm": 5, "model_api_key": PROVIDER_KEY, "model_name": f"{name}-public"}
    predicted = states.present(name, test=True, **renamed)
    done = states.present(name, **renamed)
    assert done["changes"] == {"model_name": {"old": name, "new": f"{name}-public"}}
    assert done["changes"] == predicted["changes"]
    assert writes(recorder)[-1].json == {"model_name": f"{name}-public"}
    assert api.named(name) == []
    assert id_of(api.one(f"{name}-public")) == model_id
    assert states.present(name, **renamed)["changes"] == {}
    # Without the argument, the state's own name is the model name again.
    done = states.present(name, rpm=5, model_api_key=PROVIDER_KEY)
    assert done["changes"] == {"model_name": {"old": f"{name}-public", "new": name}}
    assert id_of(api.one(name)) == model_id


def test_a_row_that_somebody_renamed_is_renamed_back(api, states, name):
    states.present(name, rpm=5)
    model_id = id_of(api.one(name))
    api.patch(model_id, model_name=f"{name}-theirs")
    done = states.present(name, rpm=5)
    assert done["changes"] == {"model_name": {"old": f"{name}-theirs", "new": name}}
    assert id_of(api.one(name)) == model_id
    assert api.named(f"{name}-theirs") == []


def test_absent_removes_the_row_that_was_renamed_and_not_its_namesake(api, states, name):
    states.present(name)
    api.patch(id_of(api.one(name)), model_name=f"{name}-theirs")
    namesake = api.create(name)
    assert states.absent(name)["changes"]["model_name"] == {"old": f"{name}-theirs", "new": None}
    assert api.named(f"{name}-theirs") == []
    assert id_of(api.one(name)) == namesake


@pytest.mark.parametrize("adopted", [True, False])
def test_a_wildcard_is_a_name_like_any_other(api, states, adopted):
    wildcard = "openai/*"
    declared = {"custom_llm_provider": "openai", "base_model": "*", "rpm": 5}
    model_id = api.create(wildcard, {"model": wildcard}) if adopted else None
    done = states.present(wildcard, **declared)
    assert done["result"] is True
    assert ("owner" in done["changes"]) is adopted
    row = api.one(wildcard)
    assert row["litellm_params"]["model"] == wildcard
    assert model_id in (None, id_of(row))
    assert states.present(wildcard, **declared)["changes"] == {}
    assert states.absent(wildcard)["changes"]
    assert api.named(wildcard) == []


def test_a_teams_row_is_not_renamed(states, recorder, name):
    info = {**SAME_INFO, "id": "x", "db_model": True}
    info.update(team_id="team-1", team_public_model_name=name)
    params = {**SAME_PARAMS, "model": "openai/gpt-4"}
    listing(recorder, {"model_name": "internal", "litellm_params": params, "model_info": info})
    team = {"model_info": {"team_id": "team-1"}}  # else the row is the team's
    result = states.present(name, test=True, **team)
    assert result["changes"] == {"owner": {"old": None, "new": name}}


def test_an_agent_is_not_adopted_as_a_model(states, recorder, name):
    agent = f"a2a/{name}"
    params = {"model": agent, "custom_llm_provider": "a2a"}
    info = {"id": "x", "db_model": True}
    listing(recorder, {"model_name": agent, "litellm_params": params, "model_info": info})
    result = states.present(agent, test=True)
    assert result["changes"]["model_name"] == {"old": None, "new": agent}
    assert states.absent(agent)["changes"] == {}


# ---------------------------------------------------------------- markers


def test_a_marker_broken_by_hand_does_no_harm(api, states, name):
    """Others that are broken are in tests/unit/models/test_broken_markers.py."""
    declared = {"rpm": 5, "model_api_key": PROVIDER_KEY}
    states.present(name, **declared)
    model_id = id_of(api.one(name))
    broken = {"name": name, "keys": [5, None, ""], "secrets": {"": {}}, "key_id": []}
    api.patch(model_id, model_info={"id": model_id, "db_model": True, MARKER: broken})
    mended = states.present(name, **declared)
    assert mended["result"] is True, mended["comment"]
    row = api.one(name)
    assert id_of(row) == model_id
    assert row["litellm_params"]["rpm"] == 5
    assert row["model_info"][MARKER]["name"] == name
    assert states.present(name, **declared)["changes"] == {}


@pytest.mark.parametrize("test", [True, False])
def test_a_row_of_a_newer_version_is_refused(api, states, recorder, name, test):
    model_id = api.create(name, info={MARKER: {"version": 99, "name": name, "keys": {"a": 1}}})
    before = api.stored(model_id)
    result = states.present(name, test=test, rpm=5)
    assert (result["result"], result["changes"]) == (False, {})
    assert "newer saltext-litellm" in result["comment"]
    assert writes(recorder) == []
    assert {**api.stored(model_id), "updated_at": 0} == {**before, "updated_at": 0}


# ---------------------------------------------------------------- ids


def test_a_state_with_a_row_of_its_own_moves_to_the_id_it_is_given(api, states, recorder, name):
    states.present(name, rpm=5, model_api_key=PROVIDER_KEY)
    old, new = id_of(api.one(name)), f"{name}-id"
    pinned = {"rpm": 5, "model_api_key": PROVIDER_KEY, "model_id": new}
    recorder.clear()
    predicted = states.present(name, test=True, **pinned)
    assert writes(recorder) == []
    done = states.present(name, **pinned)
    assert done["result"] is True
    assert done["changes"] == predicted["changes"] == {"model_id": {"old": old, "new": new}}
    paths = [record.path for record in writes(recorder)]
    assert paths.index("/model/new") < paths.index("/model/delete")
    row = api.one(name)
    assert (id_of(row), row["litellm_params"]["rpm"]) == (new, 5)
    assert api.secrets(new)["api_key"] == "sk****89"
    assert states.present(name, **pinned)["changes"] == {}
    recorder.clear()
    del pinned["model_id"]  # the marker says which one it is
    assert states.present(name, **pinned)["changes"] == {}
    assert sent(recorder) == [LIST]
    assert id_of(api.one(name)) == new


def test_a_state_that_is_given_another_row_leaves_its_own(api, states, name):
    states.present(name)
    own, other = id_of(api.one(name)), api.create(name)
    predicted = states.present(name, model_id=other, test=True)
    result = states.present(name, model_id=other)
    assert (result["result"], result["changes"]) == (True, predicted["changes"])
    assert result["changes"]["model_id"] == {"old": own, "new": other}
    assert id_of(api.one(name)) == other
    assert states.present(name, model_id=other)["changes"] == {}


@pytest.mark.parametrize("function", ["present", "absent"])
@pytest.mark.parametrize("own", [True, False])
def test_a_row_of_another_owner_is_not_taken_by_its_id(api, states, recorder, name, function, own):
    if own:
        states.present(name)
    states.present(f"{name}-other", model_name=f"{name}-other")
    theirs = id_of(api.one(f"{name}-other"))
    before = api.rows()
    recorder.clear()
    for test in (True, False):
        result = getattr(states, function)(name, model_id=theirs, test=test)
        assert (result["result"], result["changes"]) == (False, {})
        assert f"{theirs} belongs to '{name}-other'" in result["comment"]
    assert writes(recorder) == []
    assert api.rows() == before


def test_a_move_cut_off_before_the_delete_is_finished_by_the_next_run(api, states, recorder, name):
    states.present(name, rpm=5)
    recorder.fault(method="POST", path="/model/delete", drop=True, times=1)
    assert states.present(name, rpm=5, model_id=f"{name}-id")["result"] is False
    assert len(api.named(name)) == 2
    assert states.present(name, rpm=5, model_id=f"{name}-id")["result"] is True
    assert id_of(api.one(name)) == f"{name}-id"
