"""What a set declares: every mistake at once, each where it was made."""

import pytest

from saltext_litellm.utils.litellm.errors import InvalidInput, Refused
from saltext_litellm.utils.models import sets

MODEL = {"custom_llm_provider": "openai", "base_model": "gpt-4"}


def mistakes(models, defaults=None, resolve=lambda value: value):
    with pytest.raises(InvalidInput) as err:
        sets.read("set", models, defaults, resolve)
    return str(err.value)


@pytest.mark.parametrize("value", ["text", [1], 5, True])
@pytest.mark.parametrize("section", ["litellm_params", "model_info"])
def test_a_section_of_an_entry_is_a_mapping(section, value):
    entry = {"model_name": "gpt", "litellm_params": {"model": "openai/gpt-4"}, section: value}
    assert mistakes([entry]).startswith(f"gpt: {section} must be a mapping, not ")


@pytest.mark.parametrize(
    ("name", "told"), [(False, "False"), (1.1, "1.1"), (None, "None"), (5, "5"), ((1, 2), "that")]
)
def test_what_yaml_makes_of_a_name_is_refused(name, told):
    said = mistakes({name: MODEL})
    assert said == f"{told}: the name of a model must be a string: put it in quotes"


def test_a_key_that_is_none_is_refused():
    assert "there is no argument False" in mistakes({"gpt": {**MODEL, False: 1}})
    assert "has the key 5, which must be a string" in mistakes(
        {"gpt": MODEL}, {"litellm_params": {"extra_headers": {5: "x"}}}
    )
    assert "LiteLLM's model_list has no 5" in mistakes([{"model_name": "x", 5: 1}])


@pytest.mark.parametrize(
    ("models", "defaults", "words"),
    [
        ({"gpt": {**MODEL, "bsae_model": 1}}, None, "bsae_model (did you mean base_model?)"),
        ({"gpt": MODEL}, {"rmp": 1}, "there is no argument rmp (did you mean rpm?)"),
        ([{"model_nmae": "x"}], None, "has no model_nmae (did you mean model_name?)"),
        ({"gpt": {**MODEL, "nonsense": 1}}, None, "gpt: there is no argument nonsense"),
    ],
)
def test_what_was_probably_meant_is_said(models, defaults, words):
    assert words in mistakes(models, defaults)


def test_every_mistake_of_every_model_is_told():
    said = mistakes({"a": {**MODEL, "rpm": -1, "tier": "gold"}, "b": {**MODEL, "tpm": "x"}, "c": 5})
    assert said == (
        "a: rpm must not be negative, but is -1; a: tier must be free or paid, not 'gold'; "
        "b: tpm must be a number, not 'x'; c: its arguments must be a mapping, not a number"
    )


@pytest.mark.parametrize("defaults", [{"rpm": -1}, {"litellm_params": {"timeout": "abc"}}])
def test_a_mistake_in_the_defaults_is_told_once(defaults):
    said = mistakes({f"model-{number}": MODEL for number in range(50)}, defaults)
    assert said.startswith("defaults: ")
    assert "; " not in said


def test_what_wrong_defaults_were_to_say_is_not_missing():
    assert mistakes({"a": {}, "b": {}}, {"litellm_params": "model: x"}) == (
        "defaults: litellm_params must be a mapping, not a string"
    )
    assert mistakes({"a": {}}, [1]) == "defaults: they must be a mapping, not a list"


def test_mistakes_of_models_stand_beside_those_of_defaults():
    said = mistakes({"a": MODEL, "b": {**MODEL, "tier": "gold"}}, {"rpm": -1})
    assert said == (
        "defaults: rpm must not be negative, but is -1; b: tier must be free or paid, not 'gold'"
    )


def test_an_id_that_is_given_twice_is_told_with_the_others():
    said = mistakes(
        {"a": {**MODEL, "model_id": "x"}, "b": {**MODEL, "model_id": "x"}, "c": {"rpm": -1}}
    )
    assert "c: rpm must not be negative" in said
    assert said.endswith("model_id x is given twice")


def test_hundreds_of_mistakes_stay_readable():
    said = mistakes({f"model-{number}": {**MODEL, "rpm": -1} for number in range(300)})
    assert said.endswith("; and 280 more")
    assert len(said) < 5000


def test_what_refers_to_itself_is_refused_before_it_is_merged():
    endless: dict = {}
    endless["x"] = endless
    params = {"model": "openai/gpt-4", "extra": endless}
    for models, defaults in (
        ({"gpt": {"litellm_params": params}}, {"litellm_params": params}),
        ([{"model_name": "gpt", "litellm_params": params}], {"litellm_params": params}),
    ):
        assert "refers to itself" in mistakes(models, defaults)


def test_references_that_lead_nowhere_are_no_mistakes_in_the_arguments():
    def resolve(value):
        raise Refused(f"Cannot resolve {value}")

    with pytest.raises(Refused, match="a: Cannot resolve sdb://x/y; b: Cannot"):
        sets.read("set", {n: {**MODEL, "model_api_key": "sdb://x/y"} for n in "ab"}, None, resolve)


def test_an_id_that_yaml_reads_as_a_number_is_the_one_litellm_makes_of_it():
    entry = {"model_name": "x", "litellm_params": {"model": "openai/x"}, "model_info": {"id": 5}}
    (wanted,) = sets.read("set", [entry], None, lambda value: value)
    assert wanted.model_id == "5"
    assert "model_id must be a string" in mistakes([{**entry, "model_info": {"id": False}}])
