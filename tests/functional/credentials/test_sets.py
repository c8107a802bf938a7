"""The states `managed` and `absent`, models that name credentials, and the functions by hand."""

import pytest
import requests

from tests.functional.conftest import MARKER, sent
from tests.support.upstream import Upstream

from .conftest import VALUES

KEY, NEXT = VALUES["api_key"], "sk-9876543210"
LIST = ("GET", "/credentials")


@pytest.fixture
def run(states):
    def run(function, test=False, **args):
        return states.run((f"litellm_credential.{function}", args), test=test)

    return run


@pytest.fixture
def call(loaders, profile):
    def call(function, *args, **kwargs):
        function = loaders.modules[f"litellm_credential.{function}"]
        return function(*args, **{"profile": profile, **kwargs})

    return call


def using(name, **more):
    """A model that names a credential."""
    return {
        "custom_llm_provider": "openai",
        "base_model": "gpt-4",
        "litellm_params": {"litellm_credential_name": name, **more},
    }


def model_named(gateway, model_name):
    params = {"search": "%%", "size": 100000}
    rows = gateway.request("GET", "/v2/model/info", params=params).json()["data"]
    return [row for row in rows if row["model_name"] == model_name]


def test_a_set(run, api, name, recorder):
    many = {f"{name}-{letter}": {"credential_values": VALUES} for letter in "abc"}
    arguments = {"name": f"set-{name}", "credentials": many}
    predicted, result = run("managed", test=True, **arguments), run("managed", **arguments)
    assert (predicted["result"], result["result"]) == (None, True)
    assert predicted["changes"] == result["changes"]
    assert predicted["comment"] == "All 3 credentials would be created"
    assert result["comment"] == "All 3 credentials were created"
    owners = {api.one(one)["credential_info"][MARKER]["set"] for one in many}
    assert owners == {f"set-{name}"}
    recorder.clear()
    assert run("managed", **arguments)["comment"] == "All 3 credentials are as declared"
    assert sent(recorder) == [LIST]
    del many[f"{name}-b"]
    left = run("managed", **arguments)
    assert left["changes"] == {}
    assert f"left alone without `prune: True`: {name}-b" in left["comment"]
    predicted = run("managed", test=True, prune=True, **arguments)
    result = run("managed", prune=True, **arguments)
    assert predicted["changes"] == result["changes"]
    assert result["changes"] == {
        f"{name}-b": {"credential_name": {"old": f"{name}-b", "new": None}}
    }
    assert [bool(api.one(f"{name}-{letter}")) for letter in "abc"] == [True, False, True]


def test_defaults_and_mistakes_in_a_set(run, api, name):
    arguments = {
        "name": f"set-{name}",
        "defaults": {"credential_info": {"custom_llm_provider": "openai"}},
        "credentials": {
            f"{name}-a": {"credential_values": {"api_key": KEY}},
            f"{name}-b": {"credential_values": {"headers": {"token": KEY}}, "api_key": KEY},
        },
    }
    result = run("managed", **arguments)
    assert (result["result"], result["changes"]) == (False, {})
    assert f"{name}-b: there is no argument api_key" in result["comment"]
    assert f"{name}-b: credential_values:headers:token is a secret inside" in result["comment"]
    assert KEY not in str(result)
    del arguments["credentials"][f"{name}-b"]
    assert run("managed", **arguments)["result"] is True
    assert api.one(f"{name}-a")["credential_info"]["custom_llm_provider"] == "openai"


@pytest.mark.parametrize("declared", [{}, None])
def test_an_empty_set_prunes_nothing_unless_that_is_allowed(run, api, name, declared):
    run("managed", name=f"set-{name}", credentials={name: {"credential_values": VALUES}})
    result = run("managed", name=f"set-{name}", credentials=declared, prune=True)
    assert result["result"] is False
    assert api.one(name)
    if declared == {}:
        arguments = {"credentials": {}, "prune": True, "allow_empty": True}
        assert run("managed", name=f"set-{name}", **arguments)["result"] is True
        assert api.one(name) is None


@pytest.mark.parametrize("test", [True, False])
def test_what_a_model_names_is_not_deleted(states, run, api, gateway, name, test):
    model = f"{name}-model"
    states.run(
        (
            "litellm_credential.managed",
            {"name": f"set-{name}", "credentials": {name: {"credential_values": VALUES}}},
        ),
        ("present", {"name": model, **using(name)}),
    )
    (row,) = model_named(gateway, model)
    said = f"{model} ({row['model_info']['id']}) names the credential {name}: change or delete it"
    pruned = run(
        "managed", test=test, name=f"set-{name}", credentials={}, prune=True, allow_empty=True
    )
    assert (pruned["result"], pruned["changes"]) == (False, {})
    assert said in pruned["comment"]
    gone = run("absent", test=test, name=name)
    assert gone["result"] is False
    assert api.one(name)
    states.run(("absent", {"name": model}))
    assert model_named(gateway, model) == []


def test_everything_goes_in_one_run_and_in_the_right_order(states, api, gateway, name):
    model = f"{name}-model"
    made = [
        ("litellm_credential.present", {"name": name, "credential_values": VALUES}),
        ("present", {"name": model, **using(name)}),
    ]
    predicted, done = states.run(*made, test=True), states.run(*made)
    assert [one["result"] for one in predicted] == [None, None]
    assert [one["result"] for one in done] == [True, True]
    assert [one["changes"] for one in predicted] == [one["changes"] for one in done]
    gone = [("absent", {"name": model}), ("litellm_credential.absent", {"name": name})]
    predicted, done = states.run(*gone, test=True), states.run(*gone)
    assert [one["result"] for one in predicted] == [None, None], predicted
    assert [one["result"] for one in done] == [True, True], done
    assert (api.one(name), model_named(gateway, model)) == (None, [])
    again = states.run(*gone)
    assert [(one["result"], one["changes"]) for one in again] == [(True, {}), (True, {})]


@pytest.mark.parametrize("test", [True, False])
def test_a_model_that_names_a_credential_that_is_nowhere(states, gateway, name, test):
    result = states.run(("present", {"name": name, **using(f"{name}-nowhere")}), test=test)
    assert (result["result"], result["changes"]) == (False, {})
    assert f"There is no credential '{name}-nowhere'" in result["comment"]
    assert model_named(gateway, name) == []


def test_a_rotated_key_reaches_every_model_with_the_next_call(states, run, gateway, name):
    def call(model):
        answer = requests.post(
            f"{gateway.url}/v1/chat/completions",
            headers={"Authorization": f"Bearer {gateway.key}"},
            json={"model": model, "messages": [{"role": "user", "content": "?"}]},
            timeout=60,
        )
        assert answer.status_code == 200, answer.text

    models = [f"{name}-model-{number}" for number in range(3)]
    with Upstream(KEY, NEXT) as upstream:
        values = {"api_base": upstream.url, "api_key": KEY}
        states.run(
            ("litellm_credential.present", {"name": name, "credential_values": values}),
            *(("present", {"name": model, **using(name)}) for model in models),
        )
        for key in (KEY, NEXT):
            run("present", name=name, credential_values={**values, "api_key": key})
            upstream.calls.clear()
            for model in models:
                call(model)
            assert upstream.calls == [key] * 3
    for model in models:
        states.run(("absent", {"name": model}))


def test_a_model_goes_from_a_key_of_its_own_to_a_credential(states, gateway, name):
    model = f"{name}-model"
    with Upstream(NEXT) as upstream:
        where = {"name": model, "model_api_base": upstream.url}
        own = {"custom_llm_provider": "openai", "base_model": "gpt-4", "model_api_key": KEY}
        states.run(("present", {**where, **own}))
        results = states.run(
            ("litellm_credential.present", {"name": name, "credential_values": {"api_key": NEXT}}),
            ("present", {**where, **using(name)}),
        )
        assert [one["result"] for one in results] == [True, True], results
        assert len(model_named(gateway, model)) == 1
        body = {"model": model, "messages": [{"role": "user", "content": "?"}]}
        gateway.request("POST", "/v1/chat/completions", json=body).raise_for_status()
        assert upstream.calls == [NEXT]
    states.run(("absent", {"name": model}))


def test_by_hand(states, call, api, gateway, name):
    info = {"custom_llm_provider": "openai"}
    planned = call("plan", name, credential_values=VALUES, credential_info=info)
    assert api.one(name) is None
    done = call("apply", name, credential_values=VALUES, credential_info=info)
    assert (planned["action"], planned["changes"]) == (done["action"], done["changes"])
    assert call("apply", name, credential_values=VALUES, credential_info=info)["action"] == "none"
    (row,) = call("list", name)
    assert row == {
        "credential_name": name,
        "display_name": None,
        "provider": "openai",
        "values": "api_base, api_key",
        "owner": name,
        "source": "database",
    }
    assert call("list", f"{name[:-2]}*", owner="") == []
    shown = call("get", name)
    assert shown["credential_values"] == {"api_key": "**********", "api_base": VALUES["api_base"]}
    assert call("get", f"{name}-nowhere") is None
    states.run(("present", {"name": f"{name}-model", **using(name)}))
    (user,) = call("used_by", name)
    assert (user["model_name"], user["source"]) == (f"{name}-model", "database")
    states.run(("absent", {"name": f"{name}-model"}))
    assert call("used_by", name) == []
    assert call("delete", name, test=True)["action"] == "delete"
    assert api.one(name)
    assert call("delete", name)["changes"] == {"credential_name": {"old": name, "new": None}}
    assert api.one(name) is None
    assert call("delete", name)["action"] == "none"


@pytest.mark.parametrize("set_", [None, "exported"])
def test_an_export_is_adopted_without_another_change(call, run, api, name, set_):
    api.create(name, {"api_key": KEY, "api_base": "https://x.example.com", "n": 5}, {"d": {"e": 1}})
    found = call("export", data=True, set=set_)[name]
    assert KEY not in str(found)
    assert found["credential_values"]["api_base"] == "https://x.example.com"
    found["credential_values"]["api_key"] = KEY
    arguments = {"name": name, **found}
    if set_:
        arguments = {"name": set_, "credentials": {name: found}}
    function = "managed" if set_ else "present"
    changes = run(function, test=True, **arguments)["changes"]
    changes = changes.get(name, changes)
    assert changes.keys() == {"owner", "credential_values:api_key"}
    text = call("export", set=set_)
    assert ("pillar.get(" in text) is (set_ is None)
    assert "The credentials of" in text


def test_an_exported_sls_takes_its_secrets_from_the_pillar(
    call, loaders_with, profile, api, name, tmp_path
):
    api.create(name, {"api_key": KEY})
    assert call("export", path=str(tmp_path / "exported.sls"))["credentials"] == 1
    secrets = {name: {"credential_values:api_key": KEY}}
    salt = loaders_with({"litellm": profile, "litellm_credential_secrets": secrets})
    (result,) = salt.modules.state.sls("exported").raw.values()
    assert result["comment"].startswith(f"{name} was adopted"), result
    assert result["changes"].keys() == {"owner", "credential_values:api_key"}


def test_watch_repairs_what_only_the_database_has(states, run, api, name, recorder):
    run("present", name=name, credential_values=VALUES)
    recorder.clear()
    result = run("present", name=name, credential_values=VALUES, verify_secrets=True)
    assert (result["result"], result["changes"]) == (True, {})
