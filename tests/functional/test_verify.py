"""`verify`: LiteLLM checks what was written, and what does not answer is taken back."""

import json

import pytest

from tests.support.upstream import Upstream

from .conftest import LIST, sent

GOOD, BAD = "sk-good-0123456789", "sk-bad-0123456789"


@pytest.fixture
def upstream():
    with Upstream(GOOD) as upstream:
        yield upstream


@pytest.fixture
def model(upstream):
    """A deployment that the provider answers."""
    return {"model_api_base": upstream.url, "model_api_key": GOOD, "mode": "chat", "rpm": 1}


def test_what_answers_is_checked_once(states, recorder, name, upstream, model):
    assert states.present(name, **model, verify=True)["result"] is True
    assert upstream.calls == [GOOD]
    recorder.clear()
    assert states.present(name, **model, verify=True)["changes"] == {}
    assert sent(recorder) == [LIST]
    assert states.present(name, **{**model, "rpm": 2}, verify=True)["result"] is True
    assert upstream.calls == [GOOD]


def test_a_new_deployment_that_does_not_answer_is_deleted_again(states, api, name, model):
    refused = states.present(name, **{**model, "model_api_key": BAD}, verify=True)
    assert (refused["result"], refused["changes"]) == (False, {})
    assert "LiteLLM's health check has failed, so it was taken back: " in refused["comment"]
    assert "Incorrect API key" in refused["comment"]
    assert BAD not in json.dumps(refused)
    assert api.in_database(name) == []


def test_a_change_is_taken_back_if_what_was_there_is_known(states, api, name, model):
    states.present(name, **model)
    before = api.one(name)
    dead = {**model, "model_api_base": "http://127.0.0.1:9", "rpm": 7}
    for _ in range(2):
        refused = states.present(name, **dead, verify=True)
        assert (refused["result"], refused["changes"]) == (False, {})
        words = "LiteLLM's health check has failed, so what was there before is back: "
        assert words in refused["comment"]
        now = api.one(name)
        assert now["litellm_params"]["api_base"] == model["model_api_base"]
        assert now["litellm_params"]["rpm"] == 1
        assert now["model_info"]["id"] == before["model_info"]["id"]
    assert states.present(name, **model)["changes"] == {}


def test_a_wrong_key_stays_and_the_state_says_so(states, api, name, model):
    states.present(name, **model)
    refused = states.present(name, **{**model, "model_api_key": BAD}, verify=True)
    assert (refused["result"], set(refused["changes"])) == (False, {"model_api_key"})
    assert (
        "It was left as it is, because its former model_api_key cannot be read back"
        in (refused["comment"])
    )
    assert BAD not in json.dumps(refused)
    assert len(api.in_database(name)) == 1


def test_in_a_test_run_nothing_is_checked(states, name, upstream, model):
    assert states.present(name, **model, verify=True, test=True)["result"] is None
    assert upstream.calls == []


def test_of_a_set_what_answers_stays_and_few_are_checked_at_once(states, api, name):
    with Upstream(GOOD, seconds=0.3) as upstream:
        models = upstream.deployments(name, [GOOD, GOOD, GOOD, BAD, GOOD, GOOD])
        done = states.run(("managed", {"name": f"set-{name}", "models": models, "verify": True}))
        assert done["result"] is False
        assert done["comment"].startswith("5 of 6 models were created, 1 failed")
        assert 1 < upstream.most_at_once <= 4
    assert [bool(api.in_database(model)) for model in models] == [True] * 3 + [False] + [True] * 2


def test_a_check_that_fails_is_told_and_takes_nothing_back(states, api, recorder, name, model):
    recorder.fault(path="/health", status=500, json={"detail": "no"})
    done = states.present(name, **model, verify=True)
    assert (done["result"], bool(done["changes"])) == (False, True)
    assert "It was written, but its health could not be checked" in done["comment"]
    assert len(api.in_database(name)) == 1


@pytest.mark.parametrize("gone", [True, False])
def test_what_somebody_else_changes_meanwhile_stays(states, api, recorder, name, model, gone):
    def meanwhile(answer):
        row = api.one(name)
        if gone:
            api.delete(row["model_info"]["id"])
        else:
            api.patch(row["model_info"]["id"], litellm_params={"rpm": 5})
        return answer

    recorder.fault(path="/health", rewrite=meanwhile)
    done = states.present(name, **{**model, "model_api_key": BAD}, verify=True)
    assert done["result"] is False
    assert "It was left as it is, because somebody else has changed it" in done["comment"]
    assert [row["litellm_params"]["rpm"] for row in api.in_database(name)] == [5] * (not gone)


def test_an_old_check_takes_nothing_back(states, api, recorder, name, model):
    """As LiteLLM answers with `background_health_checks`: by what was there before."""
    old = {"healthy_endpoints": [], "unhealthy_endpoints": [{"error": "an old one"}]}
    recorder.fault(path="/health", status=503, json=old)
    done = states.present(name, **model, verify=True)
    assert (done["result"], bool(done["changes"])) == (False, True)
    assert done["comment"].endswith(
        "LiteLLM's health check has failed: an old one. It was left as it is, because a trial call "
        "has succeeded"
    )
    assert len(api.in_database(name)) == 1


def test_a_check_without_a_result_is_a_note(states, recorder, name, model):
    recorder.fault(path="/health", status=503, json={"unhealthy_endpoints": []})
    done = states.present(name, **model, verify=True)
    assert done["result"] is True
    assert "Its health was not checked: LiteLLM has no result for it" in done["comment"]


def test_other_values_are_refused(states, recorder, name):
    refused = states.present(name, verify="yes")
    assert refused["comment"] == "verify must be true or false, not 'yes'"
    assert sent(recorder) == []
