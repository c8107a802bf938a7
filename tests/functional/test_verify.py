"""`verify`: LiteLLM checks what was written. A check that fails is told, and takes nothing back."""

import json

import pytest

from tests.support.upstream import Upstream, only, reasons

from .conftest import LIST, managed_set, sent

GOOD, BAD = "sk-good-0123456789", "sk-bad-0123456789"
CHECK = ("GET", "/health")
FAILED = "It was written, but LiteLLM's health check has failed: "
HINT = "If it answers its users, declare "


@pytest.fixture
def upstream():
    with Upstream(GOOD) as upstream:
        yield upstream


@pytest.fixture
def model(upstream):
    """A deployment that the provider answers."""
    return {"model_api_base": upstream.url, "model_api_key": GOOD, "mode": "chat", "rpm": 1}


@pytest.fixture
def answers(api):
    """Whether clients of the gateway are answered by a model, by a chat call or another one."""

    def answers(name, path="/v1/chat/completions", **body):
        body = body or {"messages": [{"role": "user", "content": "Hi"}]}
        call = {"model": name, **body}
        return api.gateway.request("POST", path, json=call).status_code == 200

    return answers


@pytest.fixture
def nothing_after_the_check(recorder):
    """After the first check of the test's last run, nothing is written."""
    yield
    requests = sent(recorder)
    after = requests[requests.index(CHECK) :] if CHECK in requests else []
    assert CHECK in requests
    assert [one for one in after if one[0] != "GET"] == []


def test_what_answers_is_checked_once(states, recorder, name, upstream, model):
    assert states.present(name, **model, verify=True)["result"] is True
    assert upstream.calls == [GOOD]
    recorder.clear()
    assert states.present(name, **model, verify=True)["changes"] == {}
    assert sent(recorder) == [LIST]
    assert states.present(name, **{**model, "rpm": 2}, verify=True)["result"] is True
    assert upstream.calls == [GOOD]


@pytest.mark.usefixtures("nothing_after_the_check")
def test_a_model_that_thinks_fails_the_check_and_stays(
    states, recorder, upstream, api, name, model, answers
):
    upstream.refusal = reasons
    told = states.present(name, **model, verify=True)
    assert told["result"] is False
    assert set(told["changes"]) >= {"model_name", "model_id", "model_api_base"}
    assert told["comment"].startswith(f"{name} was created. {FAILED}")
    assert "too small to finish the reasoning" in told["comment"]
    assert HINT + "`model_info:health_check_max_tokens`" in told["comment"]
    assert told["changes"]["model_id"]["new"] == api.one(name)["model_info"]["id"]
    assert answers(name)
    # What the sentence says helps. It is no parameter of calls, so it is checked with the next one.
    helped = {**model, "model_info": {"health_check_max_tokens": 100}}
    moved = {**helped, "model_api_base": upstream.url + "/"}
    recorder.clear()
    done = states.present(name, **moved, verify=True)
    assert (done["result"], done["comment"]) == (True, f"{name} was updated")


@pytest.mark.usefixtures("nothing_after_the_check")
def test_a_change_that_fails_the_check_stays_and_is_reported(
    states, recorder, upstream, api, name, model, answers
):
    states.present(name, **model)
    upstream.refusal = reasons
    recorder.clear()
    told = states.present(name, **{**model, "model_api_base": upstream.url + "/"}, verify=True)
    assert (told["result"], set(told["changes"])) == (False, {"model_api_base"})
    assert told["comment"].startswith(f"{name} was updated. {FAILED}")
    assert api.one(name)["litellm_params"]["api_base"] == upstream.url + "/"
    assert answers(name)
    assert states.present(name, **{**model, "model_api_base": upstream.url + "/"})["changes"] == {}


@pytest.mark.usefixtures("nothing_after_the_check")
def test_an_embedder_without_a_mode_fails_the_check_and_stays(
    states, upstream, api, name, model, answers
):
    upstream.refusal = only("/embeddings")
    embedder = {**model, "mode": None, "base_model": f"our-{name}"}
    told = states.present(name, **embedder, verify=True)
    assert told["result"] is False
    assert "This is not a chat model" in told["comment"]
    assert HINT + "`mode` or `model_info:health_check_max_tokens`" in told["comment"]
    assert answers(name, "/v1/embeddings", input="Hi")
    assert len(api.in_database(name)) == 1


@pytest.mark.parametrize(
    ("mode", "way", "call"),
    [
        ("embedding", "/embeddings", {"input": "Hi"}),
        ("image_generation", "/images/generations", {"prompt": "A dot"}),
    ],
)
def test_with_its_mode_it_is_checked_by_its_own_call(
    states, upstream, name, model, answers, mode, way, call
):
    upstream.refusal = only(way)
    done = states.present(name, **{**model, "mode": mode}, verify=True)
    assert (done["result"], done["comment"]) == (True, f"{name} was created")
    assert answers(name, f"/v1{way}", **call)


@pytest.mark.usefixtures("nothing_after_the_check")
def test_a_slow_model_fails_the_check_and_stays(states, upstream, api, name, model, answers):
    upstream.seconds = 2
    slow = {**model, "model_info": {"health_check_timeout": 1}}
    told = states.present(name, **slow, verify=True)
    assert told["result"] is False
    assert told["comment"].startswith(f"{name} was created. {FAILED}Timeout")
    assert "`model_info:health_check_timeout`" in told["comment"]
    assert answers(name)
    assert len(api.in_database(name)) == 1


@pytest.mark.usefixtures("nothing_after_the_check")
def test_a_wrong_key_stays_and_the_state_says_so(states, recorder, api, name, model):
    states.present(name, **model)
    recorder.clear()
    told = states.present(name, **{**model, "model_api_key": BAD}, verify=True)
    assert (told["result"], set(told["changes"])) == (False, {"model_api_key"})
    assert "Incorrect API key" in told["comment"]
    assert BAD not in json.dumps(told)
    assert len(api.in_database(name)) == 1


def test_by_hand_it_is_reported_in_the_same_way(modules, api, name, model, upstream):
    upstream.refusal = reasons
    arguments = {"custom_llm_provider": "openai", "base_model": "gpt-4", **model, "verify": True}
    moved = {"model_api_base": upstream.url + "/", "verify": True}
    for function, given, action in (
        ("create", arguments, "create"),
        ("update", moved, "update"),
        ("apply", arguments, "update"),
    ):
        told = modules(function, name, **given)
        assert (told["action"], told["written"]) == (action, True)
        assert told["failure"].startswith(FAILED)
        assert api.one(name)["litellm_params"]["api_base"] == given["model_api_base"]
    (unhealthy,) = modules("health", name)["unhealthy_endpoints"]
    assert "too small to finish the reasoning" in unhealthy["error"]


def test_in_a_test_run_nothing_is_checked(states, name, upstream, model):
    assert states.present(name, **model, verify=True, test=True)["result"] is None
    assert upstream.calls == []


def test_a_paused_deployment_is_not_checked(states, name, upstream, model, gateway_can_block):
    if not gateway_can_block:
        pytest.skip("this LiteLLM cannot pause deployments")
    upstream.keys.clear()
    assert states.present(name, **model, blocked=True, verify=True)["result"] is True
    assert upstream.calls == []


def test_of_a_set_all_stay_and_few_are_checked_at_once(states, api, name, recorder):
    with Upstream(GOOD, seconds=0.3) as upstream:
        models = upstream.deployments(name, [GOOD, GOOD, GOOD, BAD, GOOD, GOOD])
        done = states.run(managed_set(name, models, verify=True, prune=True))
        assert done["result"] is False
        summary, detail = done["comment"].split("\n")
        assert summary == "5 of 6 models were created, 1 was written, but is not known to work"
        assert detail.startswith(f"{name}-3 was written as declared: {FAILED}")
        assert set(done["changes"]) == set(models)
        assert 1 < upstream.most_at_once <= 4
    assert [len(api.in_database(model)) for model in models] == [1] * 6
    requests = sent(recorder)
    assert {method for method, _ in requests[requests.index(CHECK) :]} == {"GET"}


@pytest.mark.parametrize("status", [403, 500, 502])
def test_a_check_that_cannot_be_made_is_told_as_that(states, api, recorder, name, model, status):
    recorder.fault(path=CHECK[1], status=status, json={"detail": "no"})
    done = states.present(name, **model, verify=True)
    assert (done["result"], bool(done["changes"])) == (False, True)
    assert (
        f"{name} was created. It was written, but its health could not be checked: "
        in (done["comment"])
    )
    assert "health check has failed" not in done["comment"]
    assert len(api.in_database(name)) == 1
    assert sent(recorder).count(CHECK) == 1


@pytest.mark.parametrize(
    "answer",
    [
        {"unhealthy_endpoints": []},
        {"healthy_endpoints": [], "unhealthy_endpoints": [{"error": "No", "model_id": "another"}]},
        {"healthy_endpoints": [{"model_id": "another"}], "unhealthy_endpoints": []},
    ],
)
def test_a_check_without_a_result_is_a_note(states, modules, recorder, name, model, answer):
    """LiteLLM 1.83.14 with `background_health_checks` has the results of all the others."""
    recorder.fault(path=CHECK[1], status=503, json=answer)
    done = states.present(name, **model, verify=True)
    assert done["result"] is True
    assert "Its health was not checked: LiteLLM has no result for it" in done["comment"]
    health = modules("health", name)
    assert (health["healthy_endpoints"], health["unhealthy_endpoints"]) == ([], [])
    assert (health["healthy_count"], health["unhealthy_count"]) == (0, 0)


def test_other_values_are_refused(states, recorder, name):
    refused = states.present(name, verify="yes")
    assert refused["comment"] == "verify must be true or false, not 'yes'"
    assert sent(recorder) == []
