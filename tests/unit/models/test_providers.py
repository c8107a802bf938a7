"""Which models are refused because LiteLLM does not know their provider, and what is asked."""

import pytest

from saltext_litellm.errors import Refused
from saltext_litellm.models import desired as deployments
from saltext_litellm.models.deployments import Deployments
from saltext_litellm.models.options import ModelOptions
from tests.support.cluster import Client, Cluster
from tests.support.properties import FINGERPRINTER

LOCAL, ADDRESS, PUBLIC = "http://vllm:8000/v1", "10.0.0.1:8000", "https://api.example.com/v1"


class Asked(Client):
    """A client that records which models it is asked for."""

    asked: tuple[str, ...] = ()

    def providers(self):
        return ["openai", "groq", "zai"]

    def cost_map(self):
        return {"gpt-4o": {}, "other/model": {}}

    def resolves(self, model):
        self.asked += (model,)
        return model.startswith("gmi/")


@pytest.fixture
def client():
    return Asked(Cluster(), 0)


def plan(client, params, **more):
    arguments = {"name": "name", "litellm_params": params, **more}
    wanted = deployments.desired(arguments, lambda value: value)
    (outcome,) = Deployments(client, FINGERPRINTER).apply([wanted], ModelOptions(test=True))
    return outcome


@pytest.mark.parametrize(
    ("params", "asked"),
    [
        ({"model": "openai/x"}, ()),
        ({"model": "azure/org/x"}, ()),
        ({"model": "zai/x"}, ()),
        ({"model": "x", "custom_llm_provider": "groq"}, ()),
        ({"model": "zhipu/x", "custom_llm_provider": "groq"}, ()),
        ({"model": "groq/x", "custom_llm_provider": "groq"}, ()),
        ({"model": "x", "api_base": "os.environ/BASE"}, ()),
        ({"model": "bitbucket/x"}, ()),
        ({"model": "mine/x", "prompt_id": "p"}, ()),
        ({"model": "gmi/x"}, ("gmi/x",)),
        ({"model": "x", "custom_llm_provider": "gmi"}, ("gmi/x",)),
        ({"model": "gpt-4o"}, ("gpt-4o",)),
    ],
)
def test_what_litellm_may_find_is_not_refused(client, params, asked):
    outcome = plan(client, params)
    assert (outcome.status, outcome.notes, client.asked) == ("created", (), asked)


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"model": "zhipu/x"}, "'zhipu' of the model 'zhipu/x': declare custom_llm_provider"),
        ({"model": "other/model"}, "'other' of the model 'other/model': declare "),
        ({"model": "Zai/x"}, "'Zai' (did you mean zai?) of the model 'Zai/x': declare "),
        ({"model": "llama"}, "of the model 'llama': declare custom_llm_provider"),
        ({"model": "zhipu/glm-4.5-air"}, "'zhipu' of the model 'zhipu/glm-4.5-air': declare "),
        ({"model": "x", "custom_llm_provider": "zhipu"}, "'zhipu'"),
        ({"model": "zhipu/x", "api_base": LOCAL}, "'zhipu' of the model"),
        ({"model": "zhipu/x", "api_base": ADDRESS}, "'zhipu' of the model"),
    ],
)
def test_what_it_cannot_find_is_refused(client, params, said):
    with pytest.raises(Refused) as err:
        plan(client, params)
    assert str(err.value).startswith(f"The gateway's LiteLLM does not know the provider {said}")


@pytest.mark.parametrize("base", [PUBLIC, "api.example.com/v1", "https://[broken"])
def test_a_public_base_url_may_say_the_provider(client, base):
    outcome = plan(client, {"model": "zhipu/x", "api_base": base})
    assert outcome.status == "created"
    assert outcome.notes == (
        "The gateway's LiteLLM may not know the provider 'zhipu' of the model 'zhipu/x': "
        "declare custom_llm_provider",
    )


def test_the_name_of_a_deployment_says_nothing_about_a_model(client):
    client.create(
        {"model_name": "ours/x", "litellm_params": {"model": "openai/x"}, "model_info": {}}
    )
    assert plan(client, {"model": "ours/x"}).status == "created"


def test_what_does_not_change_the_provider_is_not_asked(client):
    """The model was made when its LiteLLM knew the provider."""
    client.create(
        {"model_name": "name", "litellm_params": {"model": "old/x"}, "model_info": {"id": "1"}}
    )
    assert plan(client, {"model": "old/x", "rpm": 5}).status == "adopted"
    assert client.asked == ()
