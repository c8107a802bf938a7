"""Canaries: a secret in each place that one can stand in shows in no channel, in no spelling."""

import json
import logging
import pkgutil
from urllib.parse import quote

import pytest
import salt.output
from salt.exceptions import CommandExecutionError, SaltInvocationError

from tests.support.canary import Canaries, deployment, rotated

from ..conftest import MARKER, States

TABLE = "Canary"
OF_VERY_MANY = pytest.mark.survive
# All that Salt ships, but for those that show a progress bar, keys of a master, or nothing.
OUTPUTTERS = sorted(
    {module.name.removesuffix("_out") for module in pkgutil.iter_modules(salt.output.__path__)}
    - {"key", "progress", "no_return"}
) + ["newline_values_only", "quiet"]


@pytest.fixture
def canary(gateway):
    canaries = Canaries()
    canaries.watch("the profile's api_key", gateway.key)
    return canaries


@pytest.fixture
def profile(profile, canary):
    headers = {
        "X-Tenant": canary("a header of the profile"),
        "X-Login": f"Bearer {canary('a login in a header of the profile')}",
    }
    fingerprint_key = canary("the profile's fingerprint_key")
    return {**profile, "headers": headers, "fingerprint_key": fingerprint_key}


@pytest.fixture
def seen(canary, caplog, survived, loaders, recorder):
    """`seen(channel, data)`: no canary is in it, in any outputter; nor in the log afterwards."""
    caplog.set_level(1)

    def seen(channel, data):
        texts = [repr(data), json.dumps(data, default=str, ensure_ascii=False)]
        is_run = isinstance(data, dict) and "__run_num__" in data
        shown = {"local": {"litellm_model_|-x_|-x_|-present": data} if is_run else data}
        for outputter in OUTPUTTERS:
            if outputter == "highstate" and not is_run:
                continue
            if outputter == "profile" and is_run and isinstance(data["duration"], str):
                continue  # that of Salt 3006 cannot read 3006's own durations
            opts = {**loaders.opts, "color": False, "extension_modules": ""}
            texts.append(salt.output.out_format(shown, outputter, opts))
        assert canary.leaked("\n".join(map(str, texts))) == []
        survived(TABLE, channel, len(texts))
        return data

    yield seen
    logged = caplog.get_records("call")  # what `caplog.records` has by now is of the teardown
    own = [one for one in logged if "litellm" in one.name or "urllib3" in one.name]
    assert own or not recorder.requests
    text = "\n".join(logging.Formatter("%(name)s %(message)s").format(one) for one in own)
    assert canary.leaked(text) == []
    survived(TABLE, "log lines of ours and of urllib3, level all", len(own))


def test_the_canaries_are_found_where_they_are(canary):
    """Else the other tests would prove nothing."""
    declared = json.dumps(deployment(canary))
    found = {place.rpartition(" (")[0] for place in canary.leaked(declared)}
    assert found == set(canary.places.values()) - {"the profile's api_key"}


def test_a_deployments_life(seen, canary, states, modules, api, name, survived):
    first = deployment(canary)
    second = rotated(first, canary)
    channel = "returns and comments of states, an outputter each"
    results = [
        seen(channel, states.present(name, test=True, **first)),
        seen(channel, states.present(name, **first)),
        seen(channel, states.present(name, **first)),
        seen(channel, states.present(name, test=True, **second)),
        seen(channel, states.present(name, **second)),
        seen(channel, states.present(name, verify_secrets=True, **second)),
    ]
    assert [one["result"] for one in results] == [None, True, True, None, True, True]
    assert [bool(one["changes"]) for one in results] == [True, True, False, True, True, False]
    assert len(results[4]["changes"]) >= 16
    row = api.one(name)
    assert canary.leaked(json.dumps(row["model_info"][MARKER])) == []
    survived(TABLE, "markers")
    channel = "returns of execution functions, an outputter each"
    seen(channel, modules("list"))
    seen(channel, modules("get", name))
    seen(channel, modules("export"))
    seen(channel, modules("export", data=True))
    seen(channel, modules("plan", name, **first))
    seen(channel, modules("update", name, **first))
    seen("returns and comments of states, an outputter each", states.absent(name))


SHAPES = {
    "a message": lambda echo: {"json": {"error": {"message": f"{{'error': {echo!r}}}"}}},
    "a detail": lambda echo: {"json": {"detail": {"error": f"failed: {echo}"}}},
    "a validation": lambda echo: {
        "json": {"detail": [{"loc": ["body", "x"], "msg": f"bad {echo}", "input": echo}]}
    },
    "HTML": lambda echo: {"body": f"<html><body>{echo}</body></html>"},
    "the whole": lambda echo: {"json": {"echo": echo}},
}
SPELLINGS = {"JSON": str, "Python": lambda text: repr(json.loads(text)), "URL": quote}


@pytest.fixture
def echo(states, recorder, name, canary):
    """What a gateway might echo: the request with all its headers."""
    declared = deployment(canary)
    recorder.fault(method="POST", path="/model/new", drop=True, times=1)
    states.present(name, **declared)
    (request,) = [one for one in recorder.requests if one.path == "/model/new"]
    text = json.dumps({"body": request.json, "headers": dict(request.headers)})
    missing = set(canary.places.values()) - {
        place.rpartition(" (")[0] for place in canary.leaked(text)
    }
    assert missing == {"the profile's fingerprint_key"}  # which is never sent
    return declared, text


@OF_VERY_MANY
@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 429, 500, 502, 503])
def test_an_echo_in_an_error(status, echo, seen, states, recorder, name):
    declared, text = echo
    for shape in SHAPES.values():
        for spelling in SPELLINGS.values():
            recorder._faults.clear()
            answer = shape(spelling(text))
            recorder.fault(method="POST", path="/model/new", status=status, **answer)
            result = states.present(name, **declared)
            assert result["result"] is False
            seen("errors that echo the request, an outputter each", result)


@OF_VERY_MANY
@pytest.mark.parametrize("fault", ["drop", "lose_response", "delay", "400"])
def test_a_failure(fault, seen, canary, states, recorder, profile, name):
    declared = deployment(canary)
    profile["timeout"] = 0.5
    more = {"delay": {"delay": 1, "drop": True}, "400": {"status": 400, "json": {"x": 1}}}
    recorder.fault(path="/model/*", **more.get(fault, {fault: True}))
    seen("failures, an outputter each", states.present(name, **declared))
    profile["timeout"] = 30


@OF_VERY_MANY
def test_what_is_refused(seen, canary, modules, name):
    """A secret in the wrong place, or of the wrong type."""
    key = canary("a refused value")
    wrong = [
        {"litellm_params": {"timeout": key}},
        {"rpm": key},
        {"tpm": f"sk-{key}"},
        {"tier": key},
        {"blocked": key},
        {"input_cost_per_million_tokens": key},
        {"model_api_key": {"key": key}},
        {"model_api_key": [key]},
        {"litellm_params": key},
        {"litellm_params": [key]},
        {"litellm_params": {"api_key": key}, "model_api_key": key},
        {"model_id": f"{key}/{key}"},
        {"model_info": {"input_cost_per_token": key}},
    ]
    for arguments in wrong:
        try:
            said = modules("plan", name, custom_llm_provider="openai", **arguments)
        except (CommandExecutionError, SaltInvocationError) as err:
            said = str(err)
        seen("refusals, an outputter each", {"said": said})


@pytest.mark.parametrize(
    "way",
    [
        "pillar",
        *(pytest.param(way, marks=OF_VERY_MANY) for way in ("models", "source", "defaults")),
    ],
)
def test_a_set(way, seen, canary, loaders_with, profile, api, name, survived, tmp_path):
    declared = deployment(canary)
    models, arguments = {name: declared}, {}
    if way == "defaults":
        models, arguments["defaults"] = {name: {"tier": "paid"}}, declared
    if way == "source":
        params = {"model": "openai/gpt-4", "api_key": declared["model_api_key"]}
        params |= {**declared["litellm_params"], "api_base": declared["model_api_base"]}
        entry = {"model_name": name, "litellm_params": params, "model_info": declared["model_info"]}
        (tmp_path / "config.yaml").write_text(json.dumps({"model_list": [entry]}))
        arguments["source"] = str(tmp_path / "config.yaml")
    elif way == "pillar":
        arguments["pillar"] = "models"
    else:
        arguments["models"] = models
    states = States(loaders_with({"models": models}), profile)
    channel = "returns and comments of states, an outputter each"
    for test in (True, False, False):
        done = seen(channel, states.run(("managed", {"name": name, **arguments}), test=test))
        assert done["result"] is (None if test else True), done["comment"]
    assert canary.leaked(json.dumps(api.one(name)["model_info"][MARKER])) == []
    survived(TABLE, "markers")


def test_what_is_shown_of_states(seen, canary, loaders_with, gateway, recorder, name, tmp_path):
    """What stands in pillar, or behind sdb://, is not part of a rendered SLS."""
    pillar = {
        "litellm": {"url": recorder.url, "api_key": gateway.key},
        "models": {name: deployment(canary)},
    }
    present = {"model_api_key": "sdb://osenv/CANARY", "litellm_params": {"model": "openai/x"}}
    sls = {
        "set": {"litellm_model.managed": [{"pillar": "models"}]},
        name: {"litellm_model.present": [{key: value} for key, value in present.items()]},
    }
    loaders = loaders_with(pillar, osenv={"driver": "env"})
    (tmp_path / "models.sls").write_text("#!json\n" + json.dumps(sls))
    (tmp_path / "top.sls").write_text("base: {'*': [models]}")
    for function in ("show_sls", "show_low_sls"):
        shown = loaders.modules[f"state.{function}"]("models")
        assert "litellm_model" in str(shown)
        seen("state.show_*, an outputter each", shown)
    for function in ("show_highstate", "show_lowstate"):
        shown = loaders.modules[f"state.{function}"]()
        assert "litellm_model" in str(shown)
        seen("state.show_*, an outputter each", shown)


def test_a_reference(seen, canary, loaders_with, profile, api, name, monkeypatch):
    monkeypatch.setenv("CANARY", canary("behind sdb://"))
    states = States(loaders_with(osenv={"driver": "env"}), profile)
    headers = {"extra_headers": {"X-Token": "sdb://osenv/CANARY"}}
    declared = {"model_api_key": "sdb://osenv/CANARY", "litellm_params": headers}
    channel = "returns and comments of states, an outputter each"
    for _ in range(2):
        assert seen(channel, states.present(name, **declared))["result"] is True
    model_id = api.one(name)["model_info"]["id"]
    stored = api.stored(model_id)["litellm_params"]["extra_headers"]["X-Token"]
    assert canary.leaked(stored)  # it was resolved
    monkeypatch.setenv("CANARY", canary("behind sdb://, rotated"))
    assert set(seen(channel, states.present(name, **declared))["changes"]) == {
        "model_api_key",
        "litellm_params:extra_headers:X-Token",
    }
