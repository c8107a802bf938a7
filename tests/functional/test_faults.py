"""What a real gateway cannot be made to do: lost answers, overload, nonsense."""

import json

import pytest

from .conftest import LIST, sent

SAVED = (
    "Model create was saved to the database, but the model id(s) ['x'] are not live in this "
    "pod's router: unsupported provider"
)


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


def test_a_row_that_is_not_served_is_a_failure_with_the_reason(api, states, recorder, name):
    states.present(name, rpm=5)
    row = api.one(name)
    recorder.fault(method="POST", path="/model/new", status=500, json={"error": {"message": SAVED}})
    recorder.fault(
        method="GET",
        path="/v2/model/info",
        when=lambda record: "modelId" not in record.query,
        status=200,
        json={"data": []},
    )
    result = states.present(name, rpm=5)
    assert result["result"] is False
    assert "does not serve it" in result["comment"]
    assert "unsupported provider" in result["comment"]
    assert result["changes"]["rpm"] == {"old": None, "new": 5}
    assert api.one(name)["model_info"]["id"] == row["model_info"]["id"]
    predicted = states.present(name, test=True, rpm=5)
    assert (predicted["result"], predicted["changes"]) == (True, {})
    assert "does not serve it" in predicted["comment"]


@pytest.mark.parametrize("others", [True, False])
def test_a_real_row_that_is_not_served(api, states, name, others):
    """A provider that only LiteLLM's router refuses, on a gateway with and without other models."""
    if others:
        api.create(f"{name}-other")
    params = {"model": "no-such-provider/gpt-4", "mock_response": "x"}
    result = states.present(name, litellm_params=params)
    assert api.named(name) == []
    assert result["result"] is False
    assert "does not serve it" in result["comment"]
    again = states.present(name, litellm_params=params)
    assert again["result"] is False
    assert "does not serve it" in again["comment"]
    assert not others or again["changes"] == {}
    mended = states.present(name, litellm_params={**params, "model": "openai/gpt-4"})
    assert mended["result"] is True
    assert len(api.named(name)) == 1


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
    row["litellm_params"].update(input_cost_per_token="5e-06", timeout="600.0", tags=["b", "a"])
    recorder.fault(method="GET", path="/v2/model/info", status=200, json={"data": row})
    result = states.present(name, **declared)
    assert (result["result"], result["changes"]) == (True, {})
