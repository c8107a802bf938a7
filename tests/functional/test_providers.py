"""A model whose provider LiteLLM does not know is named before it is written, and no other one."""

import pytest

from .conftest import MODEL, PUBLIC, managed_set

UNKNOWN = "The gateway's LiteLLM does not know the provider"
MAY = "The gateway's LiteLLM may not know the provider"
# No version from 1.83.14 to 1.106.2 finds the provider of these.
PREFIXES = {
    "zhipu/glm-4": "'zhipu'",
    "meta-llama/Llama-3": "'meta-llama'",
    "converse/anthropic.claude-3": "'converse'",
    "anyscale/x": "'anyscale'",
    "OpenAI/gpt-4": "'OpenAI'",
    "zhipu/*": "'zhipu'",
}
# All versions find the provider of these, though no list of providers has some of them.
KNOWN = (
    "openai/org/model",
    "anthropic.claude-3-sonnet-20240229-v1:0",
    "us.anthropic.claude-3-5-sonnet-20240620-v1:0",
    "gmi/anthropic/claude-opus-4.5",
    "abliteration/x",
    "custom_openai/x",
    "text-completion-openai/x",
    "azure_text/x",
    "vertex_ai_beta/x",
    "litellm_proxy/x",
    "bedrock/converse/anthropic.claude-3",
    "hosted_vllm/x",
    "bitbucket/gpt-4",
    "gitlab/gpt-4",
    "arize_phoenix/gpt-4",
    "low/1024-x-1024/gpt-image-1.5",
    "amazon_nova_x/foo",
    "ft:gpt-4-foo",
    "gpt-4o",
    "text-embedding-3-small",
    "*",
)


def writes(recorder):
    return [record.path for record in recorder.requests if record.method != "GET"]


REFUSED = [
    *(({"model": model}, f"{UNKNOWN} {prefix}") for model, prefix in PREFIXES.items()),
    ({"model": "my-own-llama"}, f"{UNKNOWN} of the model 'my-own-llama': declare "),
    ({"model": "mistral"}, f"{UNKNOWN} of the model 'mistral': declare "),
    ({"model": "opnai/gpt-4"}, f"{UNKNOWN} 'opnai' (did you mean openai?) of the model "),
    ({"model": "glm-4", "custom_llm_provider": "zhipu"}, f"{UNKNOWN} 'zhipu'"),
    ({"model": "openai/glm-4", "custom_llm_provider": "zhipu"}, f"{UNKNOWN} 'zhipu'"),
    ({"model": "zhipu/glm-4", "api_base": "http://vllm:8000/v1"}, f"{UNKNOWN} 'zhipu'"),
    ({"model": "my-own-llama", "api_base": "http://10.0.0.1:8000"}, f"{UNKNOWN} of the model"),
]


@pytest.mark.parametrize("test", [True, False])
def test_it_is_named_before_anything_is_sent(states, api, recorder, name, test):
    names = [f"{name}-{number:02}" for number in range(len(REFUSED))]
    told = states.run(
        *(
            ("present", {"name": one, "litellm_params": params})
            for one, (params, _) in zip(names, REFUSED, strict=True)
        ),
        test=test,
    )
    for one, result, (_, said) in zip(names, told, REFUSED, strict=True):
        assert (result["result"], result["changes"]) == (False, {})
        assert result["comment"].startswith(f"{one} was not changed: {said}")
    assert writes(recorder) == []
    assert not [row for row in api.all_rows() if row["model_name"] in names]


def test_what_litellm_finds_is_created_as_predicted(states, api, name):
    models = {f"{name}-{i}": {"litellm_params": {"model": m}} for i, m in enumerate(KNOWN)}
    models |= {
        f"{name}-{provider}": {"custom_llm_provider": provider, "base_model": "x"}
        for provider in ("gmi", "abliteration")
    }
    would = states.run(managed_set(name, models), test=True)
    assert would["result"] is None
    assert MAY not in would["comment"]
    done = states.run(managed_set(name, models))
    assert done["result"] is True, done["comment"]
    assert would["changes"] == done["changes"]
    assert {row["model_name"] for row in api.rows()} >= set(models)


def test_in_a_set_every_such_model_is_named_and_nothing_is_written(states, recorder, name):
    models = {
        f"{name}-a": {"litellm_params": {"model": "zhipu/glm-4"}},
        f"{name}-b": MODEL,
        f"{name}-c": {"custom_llm_provider": "zhipu", "base_model": "glm-5"},
    }
    told = states.run(managed_set(name, models))
    assert told["result"] is False
    assert f"{name}-a: {UNKNOWN} 'zhipu'" in told["comment"]
    assert f"{name}-c: {UNKNOWN} 'zhipu'" in told["comment"]
    assert writes(recorder) == []


def test_what_loses_its_provider_is_named(states, api, recorder, name):
    """Its model does not change, but the argument that said the provider goes."""
    params = {"model": "our-llama", "custom_llm_provider": "openai"}
    states.present(name, litellm_params=params)
    recorder.clear()
    for test in (True, False):
        told = states.present(name, litellm_params={"model": "our-llama"}, test=test)
        assert told["result"] is False
        assert f"{UNKNOWN} of the model 'our-llama'" in told["comment"]
    assert writes(recorder) == []
    assert api.one(name)["litellm_params"]["custom_llm_provider"] == "openai"


def test_where_the_base_url_may_say_the_provider_it_is_a_doubt(states, api, name):
    params = {"model": "zhipu/glm-4", **PUBLIC}
    would = states.present(name, litellm_params=params, test=True)
    assert would["result"] is None
    assert f"{MAY} 'zhipu' of the model 'zhipu/glm-4'" in would["comment"]
    done = states.present(name, litellm_params=params)
    assert done["result"] is False
    assert f"{MAY} 'zhipu' of the model 'zhipu/glm-4'" in done["comment"]
    assert api.in_database(name) == []


def test_a_base_url_of_a_provider_is_enough_where_litellm_says_so(
    states, api, name, gateway_can_block
):
    params = {"model": "some-llama", "api_base": "https://api.groq.com/openai/v1"}
    done = states.present(name, litellm_params=params)
    assert done["result"] is gateway_can_block  # 1.83.14 does not look at it
    assert (MAY in done["comment"]) is not gateway_can_block
    assert len(api.in_database(name)) == gateway_can_block


def test_by_its_own_deployment_of_this_name_litellm_answers_nothing(states, api, name):
    """1.106.2 asks for `prod-4o` instead, whose provider stands beside it."""
    model = f"gmi/{name}"
    api.create(model, {"model": "prod-4o", "custom_llm_provider": "openai"})
    done = states.present(name, litellm_params={"model": model})
    assert done["result"] is True, done["comment"]


@pytest.mark.parametrize("status", [401, 403, 404, 500])
def test_if_litellm_does_not_say_nothing_is_refused(states, recorder, name, status):
    path = "/utils/supported_openai_params"
    recorder.fault(path=path, status=status, json={"detail": "no"})
    would = states.present(name, litellm_params={"model": "zhipu/glm-4"}, test=True)
    assert (would["result"], would["comment"]) == (None, f"{name} would be created")
    assert path in [record.path for record in recorder.requests]
