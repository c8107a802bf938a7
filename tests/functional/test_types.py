"""Types of values: those that LiteLLM keeps as they are, and those that it makes itself."""

import pytest

from .conftest import LIST, id_of, sent


@pytest.mark.parametrize("section", ["litellm_params", "model_info"])
def test_a_corrected_type_is_written_where_litellm_keeps_it(api, states, name, section):
    before, after = ["false", "5", 1, "1.0", True], [False, 5, True, 1.0, "true"]

    def declared(values):
        model = {"model": "openai/gpt-4"} if section == "litellm_params" else {}
        own = {f"own_{number}": value for number, value in enumerate(values)}
        nested = {f"nested_{number}": {"extra": [value]} for number, value in enumerate(values)}
        return {section: {**model, **own, **nested}}

    states.present(name, **declared(before))
    paths = [f"{section}:own_{n}" for n in range(5)] + [
        f"{section}:nested_{n}:extra" for n in range(5)
    ]
    result = states.present(name, **declared(after))
    assert sorted(result["changes"]) == sorted(paths)
    assert states.present(name, **declared(after))["changes"] == {}
    stored = api.stored(id_of(api.one(name)))[section]
    found = [stored[f"nested_{number}"]["extra"][0] for number in range(5)]
    assert [(type(value), value) for value in found] == [(type(value), value) for value in after]


def test_a_type_that_litellm_makes_itself_is_no_change(states, name):
    loose = {"rpm": "5", "litellm_params": {"max_retries": "2", "use_litellm_proxy": "true"}}
    strict = {"rpm": 5, "litellm_params": {"max_retries": 2, "use_litellm_proxy": True}}
    assert states.present(name, **loose)["result"] is True
    assert states.present(name, **loose)["changes"] == {}
    assert states.present(name, **strict)["changes"] == {}


IN_ANOTHER_FORM = {
    "litellm_params": {
        "timeout_by_service_tier": {"flex": "30", "priority": 5},
        "max_budget": " 1e2 ",
        "use_xai_oauth": "yes",
        "stream_timeout": 30,
        "seed": "5",
        "not_litellms": "true",
    },
    "model_info": {
        "discoverable": "on",
        "member_auto_router": "no",
        "own_number": "5",
        "own_time": "2026-01-01T10:00:00Z",
    },
}


def declared(section):
    model = {"model": "openai/gpt-4"} if section == "litellm_params" else {}
    return {section: {**model, **IN_ANOTHER_FORM[section]}}


@pytest.mark.parametrize("section", IN_ANOTHER_FORM)
@pytest.mark.parametrize("adopted", [False, True])
def test_what_litellm_stores_in_its_own_form_converges_in_one_run(
    api, states, recorder, name, section, adopted
):
    if adopted:
        api.create(name)
    result = states.present(name, **declared(section))
    assert (result["result"], "pending" in result["comment"]) == (True, False), result
    recorder.requests.clear()
    result = states.present(name, **declared(section))
    assert (result["result"], result["changes"]) == (True, {}), result
    assert sent(recorder) == [LIST]


def test_what_another_makes_of_such_a_value_is_found(api, states, name):
    states.present(name, **declared("litellm_params"))
    model_id = id_of(api.one(name))
    tiers = {"flex": 31, "priority": 5}
    api.patch(model_id, litellm_params={"timeout_by_service_tier": tiers, "use_xai_oauth": True})
    result = states.present(name, **declared("litellm_params"))
    assert list(result["changes"]) == ["litellm_params:timeout_by_service_tier:flex"]
    assert float(api.one(name)["litellm_params"]["timeout_by_service_tier"]["flex"]) == 30
    assert states.present(name, **declared("litellm_params"))["changes"] == {}


def test_access_windows_converge_in_one_run(states, recorder, name):
    window = {"start": "09:00", "end": "17:30", "timezone": "Europe/Berlin", "team_ids": ["team"]}
    declared = {"model_info": {"access_windows": [window, {**window, "start": "00:00:30"}]}}
    assert states.present(name, **declared)["result"] is True
    recorder.requests.clear()
    result = states.present(name, **declared)
    assert (result["result"], result["changes"]) == (True, {}), result
    assert sent(recorder) == [LIST]
