"""A gateway that was set up in LiteLLM's UI is adopted as its administrator does it."""

import json
import re
import time

import pytest
import salt.utils.yaml

from tests.functional.conftest import Api

CREDENTIALS = json.dumps({"type": "service_account", "private_key": "vertex-0123456789"})
# What the UI sends of each model: the public name, litellm_params and model_info.
MODELS = [
    ("gpt-4o", {"model": "openai/gpt-4o", "api_key": "os.environ/OPENAI_API_KEY"}, {}),
    *(
        (
            "gpt-4o",
            {
                "model": f"azure/gpt-4o-{region}",
                "custom_llm_provider": "azure",
                "api_base": f"https://{region}.openai.azure.example",
                "api_version": "2024-10-21",
                "api_key": f"azure-{region}-0123456789",
                "rpm": 500,
            },
            {"base_model": "azure/gpt-4o"},
        )
        for region in ("eu", "us")
    ),
    (
        "gpt-4",
        {"model": "openai/gpt-4", "custom_llm_provider": "openai", "api_key": "sk-gpt4-0123456789"},
        {"base_model": "gpt-4", "tier": "paid"},
    ),
    ("claude", {"model": "anthropic/claude-sonnet-4-5", "api_key": "sk-ant-0123456789"}, {}),
    ("gemini", {"model": "gemini/gemini-2.5-pro", "api_key": "AIza-0123456789"}, {}),
    (
        "bedrock",
        {
            "model": "bedrock/anthropic.claude-3-sonnet-20240229-v1:0",
            "aws_access_key_id": "AKIA0123456789",
            "aws_secret_access_key": "aws-0123456789",
            "aws_region_name": "eu-central-1",
        },
        {},
    ),
    (
        "vertex",
        {
            "model": "vertex_ai/gemini-2.5-flash",
            "vertex_project": "project",
            "vertex_location": "europe-west4",
            "vertex_credentials": CREDENTIALS,
        },
        {},
    ),
    ("openai/*", {"model": "openai/*", "api_key": "sk-wild-0123456789"}, {}),
    ("llama", {"model": "ollama/llama3", "api_base": "http://ollama.example:11434"}, {}),
    (
        "embeddings",
        {"model": "openai/text-embedding-3-small", "api_key": "sk-embed-0123456789", "tpm": 9000},
        {"mode": "embedding"},
    ),
    (
        "ours",
        {
            "model": "hosted_vllm/ours",
            "api_base": "https://vllm.example/v1",
            "api_key": "vllm-0123456789",
            "input_cost_per_token": 3e-07,
            "extra_headers": {"X-Team": "a", "X-Auth-Token": "header-0123456789"},
        },
        {"description": "say '{{ hi }}'"},
    ),
    ("unset", {"model": "groq/llama3-8b-8192", "api_key": "os.environ/NOT_SET_ANYWHERE"}, {}),
    ("paused", {"model": "openai/gpt-4", "api_key": "sk-paused-0123456789"}, {}),
    ("hello", {"model": "openai/gpt-4", "mock_response": "Hello"}, {"team": "support"}),
]
# What the administrator knows and the gateway does not print, by the name of the state.
SECRETS = {
    "gpt-4o": {"api_key": "os.environ/OPENAI_API_KEY"},
    "gpt-4o-eu": {"api_key": "azure-eu-0123456789"},
    "gpt-4o-us": {"api_key": "azure-us-0123456789"},
    "gpt-4": {"api_key": "sk-gpt4-0123456789"},
    "claude": {"api_key": "sk-ant-0123456789"},
    "gemini": {"api_key": "AIza-0123456789"},
    "bedrock": {"aws_access_key_id": "AKIA0123456789", "aws_secret_access_key": "aws-0123456789"},
    "vertex": {"vertex_credentials": CREDENTIALS},
    "openai/*": {"api_key": "sk-wild-0123456789"},
    "embeddings": {"api_key": "sk-embed-0123456789"},
    # LiteLLM 1.83.14 cannot pause a model, and shows that a variable is asked for that is not set.
    "paused": {"api_key": "sk-paused-0123456789"},
    "unset": {"api_key": "os.environ/NOT_SET_ANYWHERE"},
    "ours": {"api_key": "vllm-0123456789", "X-Auth-Token": "header-0123456789"},
}


@pytest.fixture
def clicked(second_gateway):
    """A gateway of fifteen models that were made as LiteLLM's UI makes them."""
    shared = Api(second_gateway)
    for model_name, params, info in MODELS:
        model_id = shared.create(model_name, params, info)
        if model_name == "paused":
            shared.gateway.request("POST", "/model/block", json={"model_id": model_id})
    yield shared
    shared.empty()


def seen(api):
    """What anybody can see of the gateway, but for the marker and the time of a write."""
    rows = {}
    for row in api.rows():
        own = ("saltext_litellm", "updated_at", "updated_by")
        info = {key: value for key, value in row["model_info"].items() if key not in own}
        masks = api.gateway.request("GET", f"/credentials/by_model/{info['id']}")
        rows[info["id"]] = (row["model_name"], row["litellm_params"], info, masks.text)
    models = sorted(model["id"] for model in api("GET", "/v1/models")["data"])
    call = {"model": "hello", "messages": [{"role": "user", "content": "Hi"}]}
    said = api("POST", "/chat/completions", json=call)["choices"][0]["message"]["content"]
    return rows, models, said


def block_in_head(text):
    """What the head of the file says to put somewhere else."""
    lines = text.partition("\n\n")[0].splitlines()
    return "\n".join(
        line.removeprefix("#").removeprefix("     ") for line in lines if line.startswith("#      ")
    )


def secret(name, key):
    word = key.rpartition(":")[2]
    return SECRETS[name]["api_key" if word == "model_api_key" else word]


def filled_in(text):
    """A pillar file with each null replaced by the secret, in the lines of its model."""
    name = None

    def put(found):
        nonlocal name
        if found["model"]:
            name = found["model"]
            return found[0]
        return found["key"] + json.dumps(secret(name, found["key"].strip(" :")))

    return re.sub(r"^  (?P<model>\S+):$|^(?P<key> +[\w-]+: )null$", put, text, flags=re.MULTILINE)


@pytest.mark.parametrize("set_", [None, pytest.param("production", marks=pytest.mark.long)])
def test_fifteen_models_are_adopted(clicked, salt_call, set_):
    """The steps of a person, of which each is a command or a file.

    1. Put the gateway's profile into the pillar: ``litellm: {url: …, api_key: …}``.
    2. ``salt-call litellm_model.list`` shows fifteen models without an owner.
    3. ``salt-call litellm_model.export path=/srv/salt/models.sls``, or for one ``managed`` state
       ``salt-call litellm_model.export path=/srv/pillar/models.sls set=production``.
    4. Read the head of the file. Put the secrets into the pillar that it asks for; with ``set``
       replace each ``null`` in the file, save the SLS that its head has as
       ``/srv/salt/models.sls``, and give the pillar file to the minion in the pillar's top.sls.
    5. ``salt-call state.apply models test=True``: each model would be adopted.
    6. ``salt-call state.apply models``.
    7. ``salt-call state.apply models`` again: there is nothing to do. ``litellm_model.list`` shows
       who owns each.
    """
    before, started = seen(clicked), time.monotonic()
    login = {"url": clicked.gateway.url, "api_key": clicked.gateway.key}
    salt_call.pillar({"litellm": login})
    listed = salt_call("litellm_model.list")
    assert (len(listed), {row["owner"] for row in listed}) == (15, {None})

    folder = salt_call.root / ("pillar" if set_ else "states")
    path = folder / "models.sls"
    named = [f"set={set_}"] if set_ else []
    assert salt_call("litellm_model.export", f"path={path}", *named)["deployments"] == 15
    text = path.read_text()
    assert "0123456789" not in text
    can_pause = clicked.gateway.request("POST", "/model/block", json={}).status_code == 422
    assert ("# - Secrets of paused: LiteLLM does not say" in text) is can_pause
    top = "base: {'*': [data, %s]}"
    if set_:
        salt_call.states("models", block_in_head(text))
        path.write_text(filled_in(text))
        (salt_call.root / "pillar/top.sls").write_text(top % "models")
    else:
        wanted = salt.utils.yaml.safe_load(block_in_head(text))
        for name, keys in wanted["litellm_secrets"].items():
            wanted["litellm_secrets"][name] = {key: secret(name, key) for key in keys}
        (salt_call.root / "pillar/secrets.sls").write_text(json.dumps(wanted))
        (salt_call.root / "pillar/top.sls").write_text(top % "secrets")

    planned = salt_call.apply("models", "test=True")
    assert len(planned) == (1 if set_ else 15)
    assert all(result["result"] is None for result in planned), planned
    assert all("would be adopted" in result["comment"] for result in planned), planned
    assert seen(clicked) == before

    adopted = salt_call.apply("models")
    assert all(result["result"] is True for result in adopted), adopted
    changes = [result["changes"] for result in adopted]
    if set_:
        changes = list(changes[0].values())
    assert len(changes) == 15
    for change in changes:
        assert set(change) - {"owner"} <= {
            "model_api_key",
            "aws_access_key_id",
            "aws_secret_access_key",
            "litellm_params:vertex_credentials",
            "litellm_params:extra_headers:X-Auth-Token",
        }
    assert seen(clicked) == before

    again = salt_call.apply("models")
    assert all((result["result"], result["changes"]) == (True, {}) for result in again), again
    owners = {row["owner"] for row in salt_call("litellm_model.list")}
    assert len(owners) == 15
    assert None not in owners
    assert time.monotonic() - started < 300  # it takes a person no more than five minutes
    assert seen(clicked) == before
