"""What calls a provider and so costs tokens: `health` and `test_connection`."""

import time

import pytest
from salt.exceptions import CommandExecutionError

from .conftest import MODEL

DEAD = "http://127.0.0.1:9"
KEY = "sk-provider-0123456789"


@pytest.fixture
def patient(profile):
    """A profile that has anything sent again that may be."""
    return {**profile, "retries": 3}


def sent_to(recorder, path):
    return [record for record in recorder.requests if record.path == path]


# ---------------------------------------------------------------- health


def test_health_is_litellms_own(modules, api, states, name):
    states.present(name, litellm_params={"model": "openai/gpt-4", "mock_response": "x"})
    told = modules("health", name)
    assert told["healthy_count"] + told["unhealthy_count"] == 1
    deadline = time.monotonic() + 10  # LiteLLM keeps the result in the background
    while (
        health := modules("list", name)[0].get("health")
    ) is None and time.monotonic() < deadline:
        time.sleep(0.2)
    assert health == ("healthy" if told["healthy_count"] else "unhealthy")
    with pytest.raises(CommandExecutionError, match="no deployment"):
        modules("health", f"{name}-none")


def test_an_unhealthy_deployment_is_a_result_and_is_checked_once(
    modules, api, recorder, name, patient
):
    secret = "nested-secret-0123456789"
    params = {"api_base": DEAD, "api_key": KEY, "extra_headers": {"x-api-key": secret}}
    api.create(name, params)
    recorder.clear()
    told = modules("health", name, profile=patient)
    assert (told["healthy_count"], told["unhealthy_count"]) == (0, 1)
    (endpoint,) = told["unhealthy_endpoints"]
    assert "Connection error" in endpoint["error"]
    assert "Traceback" not in str(told)
    assert secret not in str(told)
    assert KEY not in str(told)
    assert len(sent_to(recorder, "/health")) == 1


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_check_that_fails_is_an_error_and_is_not_repeated(
    modules, api, recorder, name, patient, status
):
    api.create(name)
    answer = {"error": {"message": "too much to do"}}
    recorder.fault(path="/health", status=status, json=answer, headers={"Retry-After": "0"})
    with pytest.raises(CommandExecutionError, match=rf"\({status}\): too much to do"):
        modules("health", name, profile=patient)
    assert len(sent_to(recorder, "/health")) == 1


def test_a_check_that_takes_too_long_is_not_repeated(modules, api, recorder, name, patient):
    api.create(name)
    recorder.fault(path="/health", delay=3)
    with pytest.raises(CommandExecutionError, match="did not answer GET /health within 1 s"):
        modules("health", name, profile={**patient, "timeout": 1})
    assert len(sent_to(recorder, "/health")) == 1


# ---------------------------------------------------------------- test_connection


def test_a_connection_can_be_tried_without_creating_anything(modules, api, name):
    told = modules(
        "test_connection",
        name,
        **MODEL,
        model_api_key="sk-wrong-0123456789",
        model_api_base="http://127.0.0.1:9",
        mode="chat",
    )
    assert told["status"] == "error"
    assert "sk-wrong-0123456789" not in str(told)
    assert api.named(name) == []


def try_dead(modules, name, **more):
    """Try a provider that is not there."""
    arguments = {**MODEL, "model_api_key": KEY, "model_api_base": DEAD, "mode": "chat", **more}
    return modules("test_connection", name, **arguments)


def test_no_other_row_makes_a_dead_provider_answer(modules, api, name):
    params = {"mock_response": "from another row", "my_own": "x", "api_key": "sk-of-another-0123"}
    api.create(name, params)
    api.create(f"{name}-too", {"litellm_credential_name": "none-of-this-name", "api_base": DEAD})
    told = try_dead(modules, f"{name}-new")
    assert told["status"] == "error", told
    assert "Connection error" in told["result"]["error"]
    assert "Traceback" not in str(told)
    assert "my_own" not in told["result"]
    assert "notes" not in told


def test_a_row_of_its_own_does_not_either(modules, api, name):
    api.create(name, {"mock_response": "from its own row"})
    assert try_dead(modules, name)["status"] == "error"


@pytest.fixture(scope="module")
def mocking(loaders, gateway_factory):
    """A gateway whose config file answers any model, and has a row of one more by name."""

    def row(model_name, model):
        params = {"model": model, "mock_response": "from the config file", "api_key": "sk-1"}
        return {"model_name": model_name, "litellm_params": params}

    rows = [row("of-config", "openai/gpt-4"), row("openai/*", "openai/*"), row("*", "*")]
    gateway = gateway_factory(model_list=rows)
    profile = {"url": gateway.url, "api_key": gateway.key}

    def call(function, *args, **kwargs):
        return loaders.modules[f"litellm_model.{function}"](*args, **kwargs, profile=profile)

    return call


@pytest.mark.long
@pytest.mark.parametrize("model", ["openai/gpt-4", "openai/gpt-4o", "deepseek/deepseek-chat"])
def test_no_row_of_the_config_file_does_either(mocking, name, model):
    given = {"model_api_key": KEY, "model_api_base": DEAD, "mode": "chat"}
    told = mocking("test_connection", name, **given, litellm_params={"model": model})
    assert told["status"] == "error", told
    mocked = {"model": model, "mock_response": "given"}
    told = mocking("test_connection", name, **given, litellm_params=mocked)
    assert told["status"] == "success", told


def test_what_cannot_be_kept_out_is_said(modules, api, name):
    model_id = api.create(name, info={"health_check_model": "openai/gpt-4o"})
    assert try_dead(modules, f"{name}-new")["notes"] == [
        f"LiteLLM may have followed model_info:health_check_model of {model_id}"
    ]


def test_a_provider_that_echoes_the_key_does_not_show_it(modules, recorder, name, patient):
    answer = {"status": "error", "result": {"error": f"Incorrect API key provided: {KEY}."}}
    recorder.fault(path="/health/test_connection", status=200, json=answer)
    told = try_dead(modules, name, profile=patient)
    assert told["result"]["error"] == "Incorrect API key provided: **********."


@pytest.mark.parametrize("status", [429, 502, 503])
def test_a_connection_is_tried_once(modules, recorder, name, patient, status):
    path = "/health/test_connection"
    recorder.fault(path=path, status=status, json={"detail": "too much to do"})
    with pytest.raises(CommandExecutionError, match="too much to do"):
        try_dead(modules, name, profile=patient)
    assert len(sent_to(recorder, path)) == 1
