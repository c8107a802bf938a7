"""`os.environ/NAME`: where it is refused before anything is sent, and where it is a warning."""

import json

import pytest

from saltext_litellm.errors import InvalidInput
from saltext_litellm.models import desired, model_list, references

REFERENCE = "os.environ/NAME"
GIVEN = {"name": "gpt", "custom_llm_provider": "openai", "base_model": "gpt-4"}
INSIDE = "would not resolve: it resolves only whole texts that stand directly in litellm_params"


def declared(**arguments):
    return desired.desired({**GIVEN, **arguments}, lambda value: value)


def refused(**arguments):
    with pytest.raises(InvalidInput) as err:
        declared(**arguments)
    return str(err.value)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("litellm_params:model", {"litellm_params": {"model": REFERENCE}}),
        ("custom_llm_provider", {"custom_llm_provider": REFERENCE}),
        ("custom_llm_provider", {"litellm_params": {"custom_llm_provider": REFERENCE}}),
    ],
)
def test_what_names_the_model_is_no_reference(name, arguments):
    if "custom_llm_provider" not in arguments:
        arguments = {"custom_llm_provider": None, "base_model": None, **arguments}
    told = refused(**arguments)
    assert f"{name} must not be an os.environ/ reference: while its variable is not set" in told


@pytest.mark.parametrize("key", ["weight", "order", "max_parallel_requests"])
def test_what_litellm_calculates_with_is_no_reference(key):
    told = refused(litellm_params={key: REFERENCE})
    assert f"litellm_params:{key} must be a number and no os.environ/ reference" in told


@pytest.mark.parametrize("argument", ["rpm", "tpm", "input_cost_per_million_tokens", "blocked"])
def test_a_number_or_a_boolean_is_no_reference(argument):
    assert f"{argument} must be" in refused(**{argument: REFERENCE})


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("base_model", {"base_model": REFERENCE}),
        ("base_model", {"model_info": {"base_model": REFERENCE}, "base_model": None}),
        ("mode", {"mode": REFERENCE}),
        ("model_info:note", {"model_info": {"note": REFERENCE}}),
        ("model_info:team", {"model_info": {"team": [REFERENCE]}}),
        ("model_info:nested:key", {"model_info": {"nested": {"key": REFERENCE}}}),
        ("model_name", {"model_name": REFERENCE}),
        (
            "litellm_params:extra_headers:X-Key",
            {"litellm_params": {"extra_headers": {"X-Key": REFERENCE}}},
        ),
        (
            "litellm_params:extra_body:a:b",
            {"litellm_params": {"extra_body": {"a": {"b": REFERENCE}}}},
        ),
        ("litellm_params:stop", {"litellm_params": {"stop": ["x", REFERENCE]}}),
        (
            "litellm_params:fallbacks",
            {"litellm_params": {"fallbacks": [{"model": "x", "api_key": REFERENCE}]}},
        ),
        (
            "litellm_params:vertex_credentials",
            {"litellm_params": {"vertex_credentials": {"private_key": REFERENCE}}},
        ),
        (
            "litellm_params:vertex_credentials",
            {"litellm_params": {"vertex_credentials": json.dumps({"private_key": REFERENCE})}},
        ),
        ("model_api_key", {"model_api_key": f"Bearer {REFERENCE}"}),
        ("model_api_base", {"model_api_base": f"https://{REFERENCE}/v1"}),
        ("api_version", {"api_version": f"v{REFERENCE}"}),
    ],
)
def test_what_no_version_resolves_is_refused(name, arguments):
    told = refused(**arguments)
    assert f"{name} has an os.environ/ reference, which LiteLLM {INSIDE}" in told


def test_a_reference_inside_of_the_model_is_refused():
    params = {"litellm_params": {"model": f"azure/{REFERENCE}"}}
    told = refused(custom_llm_provider=None, base_model=None, **params)
    assert told.startswith("litellm_params:model has an os.environ/ reference")


def test_a_reference_names_a_variable():
    told = refused(model_api_key="os.environ/")
    assert told == "model_api_key is os.environ/ without the name of a variable"


@pytest.mark.parametrize(
    "arguments",
    [
        {"model_api_key": REFERENCE, "model_api_base": REFERENCE, "api_version": REFERENCE},
        {"litellm_params": {"timeout": REFERENCE, "drop_params": REFERENCE}},
        {"litellm_params": {"vertex_credentials": REFERENCE, "organization": REFERENCE}},
        {"litellm_params": {"dataSources": [{"parameters": {"key": REFERENCE}}]}},
        {"model_info": {"note": f"Its key is what {REFERENCE} stands for."}},
        {"litellm_params": {"mock_response": f"Say {REFERENCE} twice, please."}},
    ],
)
def test_what_some_version_resolves_or_what_is_prose_is_accepted(arguments):
    assert declared(**arguments)


def test_each_entry_of_a_set_and_its_defaults_are_checked():
    entry = {"model_name": "a", "litellm_params": {"model": REFERENCE}}
    other = {**GIVEN, "litellm_params": {"extra_headers": {"X-Key": REFERENCE}}}
    for models in ([entry], {"a": {"litellm_params": entry["litellm_params"]}}):
        with pytest.raises(InvalidInput, match="model must not be a"):
            model_list.read("set", models, None, lambda value: value)
    with pytest.raises(InvalidInput, match="X-Key has an"):
        model_list.read("set", {"b": other}, None, lambda value: value)
    defaults = {"model_info": {"note": REFERENCE}}
    with pytest.raises(InvalidInput, match="note has an"):
        model_list.read("set", {"b": GIVEN}, defaults, lambda value: value)


def test_what_depends_on_the_version_is_named():
    params = {"organization": REFERENCE, "aws_region_name": REFERENCE, "tenant_id": REFERENCE}
    values = declared(model_api_key=REFERENCE, litellm_params=params).values
    assert references.unsure(values) == ["litellm_params:organization", "model_api_key"]
    assert references.warning(values).startswith("litellm_params:organization, model_api_key: ")
    assert references.unsure(declared(model_api_key="sk-0123456789").values) == []
