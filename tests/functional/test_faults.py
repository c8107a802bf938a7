"""What a real gateway cannot be made to do: lost answers, overload, nonsense."""

import json

import pytest

from .conftest import LIST, PUBLIC, UNSERVABLE, sent


def test_a_lost_answer_to_a_create_ends_in_one_row(api, states, recorder, name):
    recorder.fault(method="POST", path="/model/new", lose_response=True, times=1)
    result = states.present(name, rpm=5)
    assert result["result"] is True
    assert result["changes"]["rpm"] == {"old": None, "new": 5}
    assert len(api.named(name)) == 1
    assert states.present(name, rpm=5)["changes"] == {}


def test_a_create_that_never_arrived_fails_and_can_be_repeated(api, states, recorder, name):
    recorder.fault(method="POST", path="/model/new", drop=True, times=1)
    result = states.present(name, rpm=5)
    assert (result["result"], result["changes"]) == (False, {})
    assert "broke off POST /model/new" in result["comment"]
    assert states.present(name, rpm=5)["result"] is True
    assert len(api.named(name)) == 1


def test_a_duplicate_id_is_looked_up_and_adopted(api, states, recorder, name):
    """Somebody else has created it since this worker read its list."""
    states.present(name, rpm=5)
    recorder.fault(method="GET", path="/v2/model/info", status=200, json={"data": []}, times=1)
    result = states.present(name, rpm=6)
    assert result["result"] is True
    assert result["changes"] == {"rpm": {"old": 5, "new": 6}}
    assert api.one(name)["litellm_params"]["rpm"] == 6


@pytest.mark.parametrize("others", [True, False])
def test_a_create_that_cannot_be_served_is_taken_back(api, states, name, others):
    """A provider that only LiteLLM's router refuses, on a gateway with and without other models."""
    if others:
        api.create(f"{name}-other")
    params = {**UNSERVABLE, "mock_response": "x"}
    for _ in range(2):
        result = states.present(name, litellm_params=params)
        assert (result["result"], result["changes"]) == (False, {})
        assert f"{name} was not changed: LiteLLM saved it but " in result["comment"]
        assert "taken back" in result["comment"]
        assert api.in_database(name) == []
    mended = states.present(name, litellm_params={**params, "model": "openai/gpt-4"})
    assert mended["result"] is True
    assert len(api.named(name)) == 1


def test_a_change_that_cannot_be_served_is_never_green(api, states, name):
    good, bad = {**PUBLIC, "model": "openai/gpt-4"}, UNSERVABLE
    api.create(f"{name}-other")  # while it serves nothing, LiteLLM shows nothing
    states.present(name, litellm_params=good)
    result = states.present(name, litellm_params=bad)
    assert result["result"] is False
    assert "LiteLLM saved the change but " in result["comment"]
    assert list(result["changes"]) == ["litellm_params:model"]
    for test in (True, False, True, False):
        again = states.present(name, test=test, litellm_params=bad)
        assert (again["result"], again["changes"]) == (False, {})
        assert "LiteLLM does not serve it" in again["comment"]
    mended = states.present(name, litellm_params=good)
    assert (mended["result"], list(mended["changes"])) == (True, ["litellm_params:model", "served"])
    assert api.one(name)["litellm_params"]["model"] == "openai/gpt-4"
    assert states.present(name, litellm_params=good)["changes"] == {}


def test_a_row_that_is_not_served_does_not_stop_the_rest_of_its_set(api, managed, name):
    good, bad = {**PUBLIC, "model": "openai/gpt-4"}, UNSERVABLE
    api.create(f"{name}-other")
    managed(models={f"{name}-a": {"litellm_params": good}})
    managed(models={f"{name}-a": {"litellm_params": bad}})
    result = managed(
        models={f"{name}-a": {"litellm_params": bad}, f"{name}-b": {"litellm_params": good}}
    )
    assert result["result"] is False
    assert list(result["changes"]) == [f"{name}-b"]
    assert "LiteLLM does not serve it since it was last changed" in result["comment"]
    assert len(api.named(f"{name}-b")) == 1


def test_a_row_that_is_served_after_all_is_well_again(api, states, name):
    """Somebody has mended what was wrong beside it, an upgrade for instance."""
    states.present(name, rpm=5)
    row = api.one(name)["model_info"]
    marker = {**row["saltext_litellm"], "unserved": True}
    info = {"id": row["id"], "db_model": True, "saltext_litellm": marker}
    api.patch(row["id"], model_info=info)
    predicted = states.present(name, test=True, rpm=5)
    done = states.present(name, rpm=5)
    assert predicted["changes"] == done["changes"] == {"served": {"old": False, "new": True}}
    assert (predicted["result"], done["result"]) == (None, True)
    assert states.present(name, rpm=5)["changes"] == {}


@pytest.mark.parametrize("status", [429, 503])
def test_overload_is_waited_for(api, states, recorder, profile, name, status):
    profile["retries"] = 2
    recorder.fault(
        method="POST", path="/model/new", status=status, headers={"retry-after": "1"}, times=1
    )
    assert states.present(name)["result"] is True
    assert sent(recorder).count(("POST", "/model/new")) == 2
    assert len(api.named(name)) == 1


def test_a_long_wait_is_not_waited_for(states, recorder, profile, name):
    profile["retries"] = 5
    recorder.fault(status=503, headers={"retry-after": "3600"})
    result = states.present(name)
    assert result["result"] is False
    assert "503" in result["comment"]
    assert sent(recorder) == [LIST]


def test_reads_are_repeated_after_a_lost_answer(api, states, recorder, profile, name):
    profile["retries"] = 1
    recorder.fault(method="GET", path="/v2/model/info", lose_response=True, times=1)
    assert states.present(name)["result"] is True


def test_a_lost_answer_to_a_delete(api, states, recorder, name):
    states.present(name)
    recorder.fault(method="POST", path="/model/delete", lose_response=True, times=1)
    result = states.absent(name)
    assert result["result"] is True
    assert api.named(name) == []


def test_a_gateway_too_slow_to_answer(states, recorder, profile, name):
    profile["timeout"] = 0.5
    recorder.fault(delay=2, times=1)
    result = states.present(name)
    assert result["result"] is False
    assert "did not answer GET /v2/model/info within 0.5 s" in result["comment"]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"status": 200, "body": "<html>a login page</html>"}, "not as a LiteLLM gateway does"),
        ({"status": 200, "json": "nonsense"}, "not in a form LiteLLM sends"),
        (
            {"status": 302, "headers": {"location": "https://sso.example.com/x?token=1"}},
            "redirects",
        ),
        ({"status": 404, "body": "nginx"}, "refused (404)"),
        ({"status": 403, "json": {"detail": "no"}}, "forbids this (403): no"),
        ({"status": 500, "json": {"detail": {"error": "DB not connected"}}}, "DB not connected"),
        ({"status": 500, "body": "Internal server error"}, "failed (500)"),
    ],
)
def test_nonsense_is_one_sentence(states, recorder, name, answer, words):
    recorder.fault(**answer)
    result = states.present(name)
    assert (result["result"], result["changes"]) == (False, {})
    assert words in result["comment"]
    assert "\n" not in result["comment"]
    assert "token=1" not in result["comment"]


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 500, "json": {"error": {"message": "LLM Model List not loaded in"}}},
        {"status": 200, "json": {"data": []}},
        {"status": 200, "json": []},
    ],
)
def test_a_gateway_without_models_is_an_empty_list(states, recorder, name, answer):
    recorder.fault(method="GET", path="/v2/model/info", **answer)
    result = states.present(name, test=True)
    assert result["result"] is None


def test_a_list_in_other_spellings_is_still_converged(api, states, recorder, name):
    declared = {
        "input_cost_per_million_tokens": 5.0,
        "litellm_params": {"timeout": 600, "tags": ["a", "b"]},
    }
    states.present(name, **declared)
    row = json.loads(json.dumps(api.one(name)))
    row["litellm_params"].update(input_cost_per_token="5e-06", timeout=600.0, tags=["b", "a"])
    recorder.fault(method="GET", path="/v2/model/info", status=200, json={"data": row})
    result = states.present(name, **declared)
    assert (result["result"], result["changes"]) == (True, {})
