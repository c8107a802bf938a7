"""`preflight`: what does not answer is not written, and what is there goes on serving."""

import json

import pytest

from tests.support.upstream import Upstream, only, reasons

from .conftest import LIST, sent

GOOD, ALSO_GOOD, BAD = "sk-good-0123456789", "sk-other-0123456789", "sk-bad-0123456789"
TRIAL = ("POST", "/health/test_connection")


@pytest.fixture
def upstream():
    with Upstream(GOOD, ALSO_GOOD) as upstream:
        yield upstream


@pytest.fixture
def model(upstream):
    """A deployment that the provider answers."""
    return {"model_api_base": upstream.url, "model_api_key": GOOD, "mode": "chat", "rpm": 1}


def answers(api, name):
    """Whether a client of the gateway gets an answer."""
    body = {"model": name, "messages": [{"role": "user", "content": "Hi"}]}
    return api.gateway.request("POST", "/v1/chat/completions", json=body).status_code == 200


def written(recorder):
    return [one for one in sent(recorder) if one[0] != "GET" and one != TRIAL]


def test_a_rotated_key_that_does_not_work_replaces_none_that_does(
    states, api, recorder, name, upstream, model
):
    assert states.present(name, **model, preflight=True)["result"] is True
    assert upstream.calls == [GOOD]
    recorder.clear()
    refused = states.present(name, **{**model, "model_api_key": BAD}, preflight=True)
    assert (refused["result"], refused["changes"]) == (False, {})
    assert refused["comment"].startswith(
        f"{name} was not changed: A trial call has failed, so it was not written: "
    )
    assert "Incorrect API key" in refused["comment"]
    assert BAD not in json.dumps(refused)
    assert written(recorder) == []
    assert upstream.calls == [GOOD, BAD]
    assert answers(api, name)
    rotated = states.present(name, **{**model, "model_api_key": ALSO_GOOD}, preflight=True)
    assert (rotated["result"], set(rotated["changes"])) == (True, {"model_api_key"})
    assert answers(api, name)
    assert upstream.calls[-1] == ALSO_GOOD


def test_a_new_deployment_that_does_not_work_is_not_made(states, api, recorder, name, model):
    refused = states.present(name, **{**model, "model_api_key": BAD}, preflight=True)
    assert (refused["result"], refused["changes"]) == (False, {})
    assert api.in_database(name) == []
    assert written(recorder) == []


def test_what_a_call_does_not_depend_on_is_not_tried(states, recorder, name, upstream, model):
    states.present(name, **model)
    upstream.keys.clear()  # nothing would be answered now
    recorder.clear()
    assert states.present(name, **model, preflight=True)["changes"] == {}
    assert sent(recorder) == [LIST]
    cheaper = {**model, "rpm": 2, "tier": "paid", "input_cost_per_million_tokens": 1}
    assert states.present(name, **cheaper, preflight=True)["result"] is True
    assert upstream.calls == []


def test_a_paused_deployment_is_not_tried(states, name, upstream, model, gateway_can_block):
    if not gateway_can_block:
        pytest.skip("this LiteLLM cannot pause deployments")
    paused = {**model, "model_api_key": BAD, "blocked": True}
    assert states.present(name, **paused, preflight=True)["result"] is True
    assert upstream.calls == []


def test_a_test_run_says_what_would_be_tried_and_tries_nothing(states, name, upstream, model):
    bad = {**model, "model_api_key": BAD}
    would = states.present(name, **bad, preflight=True, test=True)
    assert would["result"] is None
    assert would["comment"] == (
        f"{name} would be created. Its parameters would be tried out first, "
        "by one call to the provider"
    )
    assert upstream.calls == []


def test_a_test_run_tries_if_it_is_asked_to(states, api, name, upstream, model):
    bad = states.present(name, **{**model, "model_api_key": BAD}, preflight="test", test=True)
    assert (bad["result"], bad["changes"]) == (False, {})
    assert "A trial call has failed" in bad["comment"]
    good = states.present(name, **model, preflight="test", test=True)
    assert (good["result"], good["comment"]) == (None, f"{name} would be created")
    assert upstream.calls == [BAD, GOOD]
    assert api.in_database(name) == []


def test_of_a_set_what_answers_is_written_and_few_are_tried_at_once(states, api, name):
    with Upstream(GOOD, seconds=0.3) as upstream:
        models = upstream.deployments(name, [GOOD, GOOD, GOOD, BAD, GOOD, GOOD])
        arguments = {"name": f"set-{name}", "models": models, "preflight": True, "prune": True}
        done = states.run(("managed", arguments))
        assert done["result"] is False
        assert done["comment"].startswith("5 of 6 models were created, 1 failed")
        assert f"{name}-3 was not changed: A trial call has failed" in done["comment"]
        assert sorted(upstream.calls) == sorted([BAD] + [GOOD] * 5)
        assert 1 < upstream.most_at_once <= 4
    assert [bool(api.in_database(model)) for model in models] == [True] * 3 + [False] + [True] * 2


def test_a_row_of_the_same_model_does_not_answer_for_it(states, api, name, model):
    api.create(f"{name}-mock", {"mock_response": "from another row", "api_key": GOOD})
    dead = {**model, "model_api_base": "http://127.0.0.1:9"}
    refused = states.present(name, **dead, preflight=True)
    assert refused["result"] is False
    assert "Connection error" in refused["comment"]


def test_what_others_have_set_is_part_of_the_trial(states, api, name, upstream, model):
    states.present(name, **model)
    model_id = api.one(name)["model_info"]["id"]
    api.patch(model_id, litellm_params={"max_tokens": 7})
    moved = {**model, "model_api_base": upstream.url + "/"}
    assert states.present(name, **moved, preflight=True)["result"] is True
    assert api.one(name)["litellm_params"]["max_tokens"] == 7


def test_a_key_that_is_only_on_the_gateway_cannot_be_tried(states, api, name, upstream, model):
    api.create(name, {"api_base": upstream.url, "api_key": GOOD})
    given = {key: value for key, value in model.items() if key != "model_api_key"}
    done = states.present(name, **{**given, "model_api_base": upstream.url + "/"}, preflight=True)
    assert done["result"] is True
    assert "It was not tried out: " in done["comment"]
    assert "may have a secret that is not declared" in done["comment"]
    assert upstream.calls == []


def test_a_reference_of_the_gateway_cannot_be_tried(states, name, upstream, model):
    done = states.present(name, **{**model, "model_api_key": "os.environ/SOME_KEY"}, preflight=True)
    assert done["result"] is True
    assert "It was not tried out: LiteLLM takes no os.environ/ reference" in done["comment"]
    assert upstream.calls == []


def test_a_model_that_thinks_is_told_what_its_trial_needs(
    states, name, upstream, model, gateway_can_block
):
    upstream.refusal = reasons
    refused = states.present(name, **model, preflight=True)
    assert refused["result"] is False
    assert "A trial call has failed, so it was not written: " in refused["comment"]
    is_old = not gateway_can_block
    helps = ["`model_info:health_check_max_tokens`", "no `preflight`"][is_old:]
    assert refused["comment"].endswith(f"If it answers its users, declare {' or '.join(helps)}")
    if not is_old:  # LiteLLM 1.83.14 follows no such setting
        helped = {**model, "model_info": {"health_check_max_tokens": 100}}
        assert states.present(name, **helped, preflight=True)["result"] is True


def test_an_embedder_is_tried_by_its_mode(states, api, name, upstream, model):
    upstream.refusal = only("/embeddings")
    embedder = {**model, "base_model": f"our-{name}", "mode": None}
    refused = states.present(name, **embedder, preflight=True)
    assert refused["result"] is False
    assert "If it answers its users, declare `mode` or " in refused["comment"]
    assert api.in_database(name) == []
    done = states.present(name, **{**embedder, "mode": "embedding"}, preflight=True)
    assert (done["result"], done["comment"]) == (True, f"{name} was created")


@pytest.mark.parametrize("status", [403, 500, 502])
def test_a_trial_that_is_not_made_lets_nothing_be_written(
    states, api, recorder, name, model, status
):
    recorder.fault(path=TRIAL[1], status=status, json={"detail": "no"})
    refused = states.present(name, **model, preflight=True)
    assert (refused["result"], refused["changes"]) == (False, {})
    assert "It could not be tried out, so it was not written" in refused["comment"]
    assert written(recorder) == []
    assert sent(recorder).count(TRIAL) == 1


def test_other_values_are_refused(states_unasked, name):
    refused = states_unasked.present(name, preflight="yes")
    assert refused["comment"] == "preflight must be true, false or test, not 'yes'"
