"""Whole documents of many shapes: each converges and then rests, or is refused in one sentence.

Those in `documents/` have the shapes that people write. The others are LiteLLM's own examples.
"""

import re
from pathlib import Path

import pytest
import salt.utils.yaml

from tests.functional.conftest import States
from tests.support.install import installed

pytestmark = pytest.mark.long

FOLDER = Path(__file__).parent / "documents"
# What each is refused for; nothing for those that converge.
REFUSED = {
    "a_fallback_of_a_wildcard": "fallbacks: general/openai/gpt-4o: openai/gpt-4o is no model of "
    "its own, only openai/* covers it: LiteLLM takes only the names of models in a fallback",
    "a_fallback_to_an_alias": "fallbacks: general/claude: the gateway has no model gpt",
    "a_fallback_to_nothing": "fallbacks: general/chat: the gateway has no model gpt-4o-mini",
    "credential_of_the_environment": "credential_list: azure-default: credential_values:api_key "
    "has an os.environ/ reference, which LiteLLM would not resolve: it resolves them in the "
    "credentials of its config file only; write an sdb:// reference or the value",
    "fallbacks_as_a_mapping": "fallbacks: it must be a list, not a mapping",
    "free_tiers": "models: glm: The gateway's LiteLLM does not know the provider",
    "headers_by_variables": "model_list: chat: litellm_params:extra_headers:X-Token has an "
    "os.environ/ reference, which LiteLLM would not resolve: it resolves only whole texts",
    "misspelt": "model_list: chat: LiteLLM's model_list has no litellm_param (did you mean "
    "litellm_params?)",
    "shell_variables": "model_list: chat: model_api_key has a variable that nothing has filled "
    "in (${X} or $X) instead of a value",
    "templates": "cannot be read as YAML in line 5: a template stands there, and a source is not "
    "rendered",
}
# LiteLLM's endpoint for fallbacks takes only models by their own names.
REFUSED_EXAMPLES = {"oai_misc_config": "is no model of its own, only * covers it"}
CONVERGES = sorted({path.stem for path in FOLDER.glob("*.yaml")} - REFUSED.keys())


def with_settings(document):
    """Whether a document has router settings for the database, which LiteLLM 1.83 cannot take."""
    held = {"routing_strategy", "num_retries", "model_group_alias", "enable_tag_filtering"}
    return bool(held & (document.get("router_settings") or {}).keys())


@pytest.fixture(scope="session")
def variables():
    """The variables that the models name."""
    paths = [*(FOLDER / f"{name}.yaml" for name in CONVERGES), *examples()]
    models = [
        (salt.utils.yaml.safe_load(path.read_text()) or {}).get("model_list") for path in paths
    ]
    names = re.findall(r"os\.environ/(\w+)", str(models))
    return {name: f"https://{name}.test" for name in names}


@pytest.fixture(scope="session")
def gateway(shared_gateway, variables):
    return shared_gateway(environment=variables)


@pytest.fixture
def apply(loaders, gateway):
    states = States(loaders, {"url": gateway.url, "api_key": gateway.key})

    def apply(path, **more):
        given = {"name": "documented", "source": str(path), **more}
        return states.run(("litellm_gateway.managed", given))

    return apply


def examples():
    with installed() as installation:
        (folder,) = installation.root.glob(
            "lib/python*/site-packages/litellm/proxy/example_config_yaml"
        )
    return sorted(folder.glob("*.yaml"))


def is_servable(entry):
    """Some are stale: one has no litellm_params, another a provider that LiteLLM does not have."""
    model = (entry.get("litellm_params") or {}).get("model", "")
    return bool(model) and not model.startswith("mistralai/")


@pytest.fixture
def no_settings(whole):
    """Router settings that are others than any document has, as they cannot be unset."""
    if whole.has_settings():
        whole.set(routing_strategy="simple-shuffle", enable_tag_filtering=False)
        whole.set(model_group_alias={})


def converges(apply, path, document, whole):
    result = apply(path)
    if result["result"] is False and with_settings(document) and not whole.has_settings():
        assert "The gateway's LiteLLM is older than 1.106" in result["comment"]
        assert result["changes"] == {}
        return
    assert result["result"] is True, (path.name, result["comment"])
    again = apply(path, prune=True)
    assert (again["result"], again["changes"]) == (True, {}), (path.name, again["comment"])
    assert len(whole.models()) == len(document.get("model_list") or ()), path.name
    names = [one["credential_name"] for one in document.get("credential_list") or ()]
    assert sorted(whole.credentials()) == sorted(names)
    for section in ("router_settings", "litellm_settings"):
        for key in ("fallbacks", "context_window_fallbacks", "content_policy_fallbacks"):
            for entry in (document.get(section) or {}).get(key) or ():
                kind = {"fallbacks": "general"}.get(key, key.removesuffix("_fallbacks"))
                ((model, targets),) = entry.items()
                assert whole.rules()[kind][model] == targets, path.name


@pytest.mark.parametrize("name", CONVERGES)
def test_a_document_converges_and_rests(apply, whole, no_settings, name):
    path = FOLDER / f"{name}.yaml"
    converges(apply, path, salt.utils.yaml.safe_load(path.read_text()), whole)


@pytest.mark.parametrize("name", REFUSED)
def test_a_document_is_refused_in_one_sentence(apply, whole, no_settings, name):
    result = apply(FOLDER / f"{name}.yaml")
    assert (result["result"], result["changes"]) == (False, {})
    assert REFUSED[name] in result["comment"]
    assert (whole.models(), whole.credentials()) == ([], {})


@pytest.mark.parametrize("path", examples(), ids=lambda path: path.stem)
def test_an_example_of_litellm_converges_and_rests(apply, whole, no_settings, path):
    document = salt.utils.yaml.safe_load(path.read_text()) or {}
    if not all(map(is_servable, document.get("model_list") or ())):
        pytest.skip("it has entries that LiteLLM itself cannot serve")
    if path.stem in REFUSED_EXAMPLES:
        assert REFUSED_EXAMPLES[path.stem] in apply(path)["comment"]
        assert whole.models() == []
    else:
        converges(apply, path, document, whole)


def test_what_is_left_out_is_named(apply, whole, no_settings):
    result = apply(FOLDER / "guardrails_and_more.yaml")
    left = "callback_settings, environment_variables, guardrails, router_settings:provider_budget"
    if whole.has_settings():
        assert left in result["comment"]
        assert "sk-lf-0123456789" not in str(result)


def test_there_are_twenty_documents():
    assert len([*FOLDER.glob("*.yaml")]) >= 20
