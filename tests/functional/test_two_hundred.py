"""A whole gateway's life: 200 mixed deployments, step by step, checked by LiteLLM's own API."""

from pathlib import Path

import pytest

from .conftest import Api, States, sent

pytestmark = pytest.mark.long

PROVIDERS = ("openai", "azure", "anthropic", "bedrock", "gemini")


def arguments(number):
    declared = {
        "custom_llm_provider": PROVIDERS[number % 5],
        "base_model": f"model-{number}",
        "model_api_key": f"sk-secret-{number:04}-0123456789",
        "tier": ("free", "paid")[number % 2],
        "rpm": number,
        "litellm_params": {"timeout": 600, "tags": ["a", f"t{number % 3}"]},
        "model_info": {"team": {"name": f"team-{number % 7}"}},
    }
    if number % 4 == 0:
        declared["litellm_params"]["extra_headers"] = {
            "X-Team": "a",
            "X-Auth-Token": f"header-{number:04}-0123456789",
        }
    if number % 10 == 1:
        declared["model_name"] = f"group-{number % 3}"  # load balanced
    if number % 20 == 2:
        declared["model_name"] = f"wild-{number}/*"
        declared["litellm_params"]["model"] = "openai/*"
        del declared["base_model"]
    if number % 3 == 0:
        declared["input_cost_per_million_tokens"] = number / 10
    if number % 5 == 0:
        declared["aws_secret_access_key"] = f"aws-secret-{number:04}-0123456789"
        declared["blocked"] = False
    return declared


@pytest.fixture
def fresh(gateway_factory):
    return Api(gateway_factory())


def seen(api):
    """Everything that LiteLLM shows, but the markers."""
    rows = {}
    for row in api.rows():
        info = {key: value for key, value in row["model_info"].items() if key != "saltext_litellm"}
        rows[info["id"]] = (row["model_name"], row["litellm_params"], info)
    return rows


def masks(api):
    return {model_id: api.secrets(model_id) for model_id in seen(api)}


def pillar_secrets(declared):
    """The pillar that an export of the set asks for."""
    wanted = {}
    for name, args in declared.items():
        wanted[name] = {"model_api_key": args["model_api_key"]}
        if "aws_secret_access_key" in args:
            wanted[name]["aws_secret_access_key"] = args["aws_secret_access_key"]
        token = args["litellm_params"].get("extra_headers", {}).get("X-Auth-Token")
        if token:
            wanted[name]["litellm_params:extra_headers:X-Auth-Token"] = token
    return wanted


def test_two_hundred_deployments(fresh, loaders, loaders_with, recorder_for):
    recorder = recorder_for(fresh.gateway)
    login = {"url": recorder.url, "api_key": fresh.gateway.key}
    states = States(loaders, login)
    declared = {f"model-{number:03}": arguments(number) for number in range(200)}

    def managed(**args):
        recorder.clear()
        return states.run(("managed", {"name": "all", "models": declared, **args}))

    created = managed()
    assert created["result"] is True, created["comment"]
    assert len(created["changes"]) == 200
    by_owner = {row["model_info"]["saltext_litellm"]["name"]: row for row in fresh.rows()}
    assert by_owner.keys() == declared.keys()
    for name, args in declared.items():
        row = by_owner[name]
        assert row["model_name"] == args.get("model_name", name)
        assert row["litellm_params"]["rpm"] == args["rpm"]
        assert row["model_info"]["team"] == args["model_info"]["team"]
        cost = args.get("input_cost_per_million_tokens")
        if cost is not None:
            assert row["litellm_params"]["input_cost_per_token"] == pytest.approx(cost / 1e6)

    assert managed()["changes"] == {}
    assert len(sent(recorder)) == 1

    for number in range(0, 70, 10):
        declared[f"model-{number:03}"]["rpm"] = 5000 + number
    changed = managed()
    assert set(changed["changes"]) == {f"model-{number:03}" for number in range(0, 70, 10)}
    # One read, seven PATCHes; that an older LiteLLM serves what it saved is looked up once.
    recent = fresh.gateway.request("POST", "/model/block", json={}).status_code == 422
    assert len(sent(recorder)) == (1 + 7 if recent else 1 + 7 + 1)
    rows = {row["model_info"]["saltext_litellm"]["name"]: row for row in fresh.rows()}
    assert rows["model-060"]["litellm_params"]["rpm"] == 5060

    for number in range(5):
        del declared[f"model-{number:03}"]
    removed = managed(prune=True)
    assert len(removed["changes"]) == 5
    assert len(fresh.rows()) == 195

    before, before_masks = seen(fresh), masks(fresh)
    data = loaders.modules.litellm_model.export(profile=login, data=True)
    assert len(data) == 195
    text = loaders.modules.litellm_model.export(profile=login)
    assert "sk-secret" not in text
    assert "0123456789" not in text
    fresh.empty()

    secrets = filled_in(data, declared, by_owner)
    filled_loaders = loaders_with({"litellm": login, "litellm_secrets": secrets})
    Path(filled_loaders.opts["root_dir"], "rebuilt.sls").write_text(text)
    rebuilt = filled_loaders.modules.state.sls("rebuilt").raw
    assert isinstance(rebuilt, dict), rebuilt
    assert all(result["result"] for result in rebuilt.values())
    assert seen(fresh) == before
    assert masks(fresh) == before_masks


def filled_in(data, declared, by_owner):
    """The secrets that an export asks for, found by the ids of its states."""
    by_id = {row["model_info"]["id"]: name for name, row in by_owner.items()}
    everything = pillar_secrets(declared)
    return {name: everything[by_id[args["model_id"]]] for name, args in data.items()}
