"""Arguments: where each goes, how it is normalised, and what is refused."""

import datetime
import json

import pytest

from saltext_litellm.errors import InvalidInput
from saltext_litellm.models import desired as deployment

MINIMAL = {
    "name": "gpt",
    "custom_llm_provider": "openai",
    "base_model": "gpt-4",
    "tier": "free",  # what present's signature passes on if nothing is said
}


def desired(resolve=lambda value: value, partial=False, **arguments):
    return deployment.desired({**MINIMAL, **arguments}, resolve, partial=partial)


@pytest.mark.parametrize(
    ("argument", "value", "path", "sent"),
    [
        ("custom_llm_provider", "azure", "litellm_params/custom_llm_provider", "azure"),
        ("base_model", "gpt-5", "model_info/base_model", "gpt-5"),
        ("base_model", "gpt-5", "litellm_params/model", "openai/gpt-5"),
        ("model_api_key", "sk-1", "litellm_params/api_key", "sk-1"),
        ("model_api_base", "https://h/v1", "litellm_params/api_base", "https://h/v1"),
        ("api_version", "2023-05-15", "litellm_params/api_version", "2023-05-15"),
        ("api_version", datetime.date(2023, 5, 15), "litellm_params/api_version", "2023-05-15"),
        ("api_version", 20230515, "litellm_params/api_version", "20230515"),
        ("tier", "paid", "model_info/tier", "paid"),
        ("mode", "completion", "model_info/mode", "completion"),
        ("mode", "embeddings", "model_info/mode", "embedding"),
        ("tpm", 100000, "litellm_params/tpm", 100000),
        ("tpm", "100000", "litellm_params/tpm", 100000),
        ("rpm", 0, "litellm_params/rpm", 0),
        ("input_cost_per_million_tokens", 30.0, "litellm_params/input_cost_per_token", 3e-05),
        ("input_cost_per_million_tokens", 0.1, "litellm_params/input_cost_per_token", 1e-07),
        ("input_cost_per_million_tokens", 0, "litellm_params/input_cost_per_token", 0.0),
        ("output_cost_per_million_tokens", "60", "litellm_params/output_cost_per_token", 6e-05),
        ("aws_access_key_id", "AK", "litellm_params/aws_access_key_id", "AK"),
        ("aws_secret_access_key", "SK", "litellm_params/aws_secret_access_key", "SK"),
        ("aws_region_name", "us-west-2", "litellm_params/aws_region_name", "us-west-2"),
        ("blocked", False, "blocked", False),
        ("litellm_params", {"timeout": 600}, "litellm_params/timeout", 600),
        ("litellm_params", {"a": {"b": {"c": 1}}}, "litellm_params/a/b/c", 1),
        ("litellm_params", {"a": {}}, "litellm_params/a", {}),
        ("model_info", {"owner": "me"}, "model_info/owner", "me"),
        ("model_info", {"since": datetime.date(2024, 1, 2)}, "model_info/since", "2024-01-02"),
    ],
)
def test_each_argument_has_its_place(argument, value, path, sent):
    values = desired(**{argument: value}).values
    assert values[tuple(path.split("/"))] == sent
    assert type(values[tuple(path.split("/"))]) is type(sent)


def test_model_name_defaults_to_the_name():
    wanted = desired()
    assert wanted.model_name == "gpt"
    assert wanted.values[("model_info", "tier")] == "free"


@pytest.mark.parametrize("cost", [0.1, 0.3, 0.7, 1.1, 2.5, 30.0, 59.99, 75, 1e-3])
def test_costs_are_divided_exactly(cost):
    sent = desired(input_cost_per_million_tokens=cost).values[
        ("litellm_params", "input_cost_per_token")
    ]
    assert sent == float(f"{cost}e-6")


def test_nulls_declare_nothing():
    wanted = desired(rpm=None, litellm_params={"timeout": None, "a": {"b": None}}, model_info=None)
    assert {path[-1] for path in wanted.values} == {
        "custom_llm_provider",
        "base_model",
        "model",
        "tier",
    }


def test_a_mapping_of_credentials_becomes_a_json_string():
    wanted = desired(litellm_params={"vertex_credentials": {"b": 1, "a": "x"}})
    sent = wanted.values[("litellm_params", "vertex_credentials")]
    assert json.loads(sent) == {"a": "x", "b": 1}


def test_references_are_resolved_in_secrets_only():
    wanted = desired(
        resolve=lambda value: "resolved" if str(value).startswith("sdb://") else value,
        model_api_key="sdb://s/k",
        model_api_base="sdb://s/base",
        litellm_params={
            "extra_headers": {"X-Token": "sdb://s/t", "X-Team": "sdb://s/x"},
            "fallbacks": [{"api_key": "sdb://s/f"}],
            "vertex_credentials": {"private": "sdb://s/p"},
        },
    )
    values = {path[-1]: value for path, value in wanted.values.items()}
    assert values["api_key"] == values["X-Token"] == "resolved"
    assert values["X-Team"] == "sdb://s/x"
    assert values["api_base"] == "sdb://s/base"
    assert values["vertex_credentials"] == '{"private": "resolved"}'


def test_an_unknown_mode_is_a_warning():
    assert "telepathy" in desired(mode="telepathy").warnings[0]
    assert not desired(mode="chat").warnings


def test_a_tier_in_model_info_replaces_the_default():
    assert desired(model_info={"tier": "paid"}).values[("model_info", "tier")] == "paid"


def test_a_model_makes_provider_and_base_model_needless():
    wanted = deployment.desired(
        {"name": "x", "litellm_params": {"model": "openai/gpt-4"}}, lambda value: value
    )
    assert wanted.values[("litellm_params", "model")] == "openai/gpt-4"


def test_a_model_is_a_text():
    for model in ({"a": "b"}, ["a"], 5):
        with pytest.raises(InvalidInput, match="litellm_params:model must be a string, not a"):
            desired(litellm_params={"model": model})


def test_a_given_model_wins_over_provider_and_base_model():
    wanted = desired(litellm_params={"model": "azure/my-deployment"})
    assert wanted.values[("litellm_params", "model")] == "azure/my-deployment"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"custom_llm_provider": None}, "base_model needs custom_llm_provider too"),
        ({"base_model": None}, "custom_llm_provider needs base_model too"),
        ({"custom_llm_provider": None, "base_model": None}, "are missing"),
        ({"custom_llm_provider": ""}, "custom_llm_provider must not be empty"),
        ({"name": ""}, "name must not be empty"),
        ({"name": "  "}, "name must not be empty"),
        ({"name": 4}, "name must be a string"),
        ({"model_name": " "}, "model_name must not be empty"),
        ({"model_api_key": 123}, "model_api_key must be a string"),
        ({"tier": "gold"}, "tier must be free or paid, not 'gold'"),
        ({"tier": 5}, "tier must be a string"),
        ({"model_info": {"tier": "gold"}}, "tier must be free or paid"),
        ({"tpm": -1}, "tpm must not be negative"),
        ({"tpm": "many"}, "tpm must be a number"),
        ({"tpm": True}, "tpm must be a number, not True"),
        ({"tpm": 1.5}, "tpm must be a whole number"),
        ({"rpm": float("nan")}, "rpm must be a finite number"),
        ({"rpm": float("inf")}, "rpm must be a finite number"),
        ({"rpm": [1]}, "rpm must be a number"),
        ({"input_cost_per_million_tokens": -0.1}, "must not be negative"),
        ({"input_cost_per_million_tokens": "cheap"}, "must be a number"),
        ({"output_cost_per_million_tokens": float("nan")}, "must be a finite number"),
        ({"output_cost_per_million_tokens": "1e400"}, "must be a finite number"),
        ({"output_cost_per_million_tokens": False}, "must be a number"),
        ({"blocked": "yes"}, "blocked must be true or false"),
        ({"blocked": 1}, "blocked must be true or false"),
        ({"litellm_params": "model: x"}, "litellm_params must be a mapping"),
        ({"litellm_params": [1]}, "litellm_params must be a mapping"),
        ({"model_info": "x"}, "model_info must be a mapping"),
        ({"litellm_params": {1: "x"}}, "must be a string"),
        ({"litellm_params": {"x": float("nan")}}, "litellm_params:x must be a number"),
        ({"litellm_params": {"x": {1, 2}}}, "litellm_params:x must be made of"),
        ({"litellm_params": {"x": b"bytes"}}, "litellm_params:x must be made of"),
        ({"litellm_params": {"model": ""}}, "litellm_params:model must not be empty"),
        ({"tpm": 1, "litellm_params": {"tpm": 1}}, "tpm and litellm_params:tpm say the same"),
        ({"tier": "paid", "model_info": {"tier": "paid"}}, "tier and model_info:tier say the same"),
        ({"model_info": {"base_model": "x"}}, "base_model and model_info:base_model say the same"),
        (
            {"model_api_key": "sk-1", "litellm_params": {"api_key": "sk-2"}},
            "model_api_key and litellm_params:api_key say the same",
        ),
        (
            {
                "input_cost_per_million_tokens": 1,
                "litellm_params": {"input_cost_per_token": 1e-6},
            },
            "say the same",
        ),
        ({"model_info": {"id": "x"}}, "model_info:id cannot be declared: use model_id"),
        ({"model_info": {"blocked": True}}, "model_info:blocked cannot be declared"),
        ({"model_info": {"saltext_litellm": {"a": 1}}}, "model_info:saltext_litellm cannot be"),
        ({"model_info": {"input_cost_per_token": 1}}, "it belongs in litellm_params"),
        ({"model_id": "a#b"}, "model_id 'a#b' cannot stand in a URL"),
        ({"model_id": "a b"}, "cannot stand in a URL"),
        ({"model_id": "a?b"}, "cannot stand in a URL"),
        ({"model_id": ".."}, "cannot stand in a URL"),
        ({"model_id": "a\nb"}, "cannot stand in a URL"),
        ({"model_id": ""}, "model_id must not be empty"),
        ({"model_id": 7}, "model_id must be a string"),
    ],
)
def test_wrong_input_is_one_sentence(arguments, words):
    with pytest.raises(InvalidInput) as err:
        desired(**arguments)
    message = str(err.value)
    assert words in message
    assert "\n" not in message
    assert "sk-" not in message


def test_a_cost_word_in_model_info_is_not_a_price():
    assert desired(model_info={"cost_center": "R&D"}).values[("model_info", "cost_center")] == "R&D"


def test_a_partial_deployment_need_not_be_complete():
    wanted = deployment.desired({"name": "x", "rpm": 5}, lambda value: value, partial=True)
    assert wanted.values == {("litellm_params", "rpm"): 5}
    assert wanted.model_name is None  # it stays as it is


def test_a_secret_is_resolved_once():
    """What a reference refers to may itself look like one."""
    found = {"sdb://a": "sdb://b", "sdb://b": "wrong"}.get
    wanted = desired(found, model_api_key="sdb://a")
    assert wanted.values[("litellm_params", "api_key")] == "sdb://b"
    wanted = desired(found, litellm_params={"extra_headers": {"X-Token": "sdb://a"}})
    assert wanted.values[("litellm_params", "extra_headers", "X-Token")] == "sdb://b"
