"""What a set declares: every mistake at once, each where it was made."""

import pytest

from saltext_litellm.errors import InvalidInput, Refused
from saltext_litellm.models import model_list

MODEL = {"custom_llm_provider": "openai", "base_model": "gpt-4"}


def mistakes(models, defaults=None, resolve=lambda value: value):
    with pytest.raises(InvalidInput) as err:
        model_list.read("set", models, defaults, resolve)
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
        model_list.read(
            "set", {n: {**MODEL, "model_api_key": "sdb://x/y"} for n in "ab"}, None, resolve
        )


def test_an_id_that_yaml_reads_as_a_number_is_the_one_litellm_makes_of_it():
    entry = {"model_name": "x", "litellm_params": {"model": "openai/x"}, "model_info": {"id": 5}}
    (wanted,) = model_list.read("set", [entry], None, lambda value: value)
    assert wanted.id == "5"
    assert "model_id must be a string" in mistakes([{**entry, "model_info": {"id": False}}])


PARAMS = {"model": "openai/x"}


def only(entry, defaults=None):
    """The one deployment of an entry."""
    entry = {"model_name": "gpt", "litellm_params": PARAMS, **entry}
    (wanted,) = model_list.read("set", [entry], defaults, lambda value: value)
    return wanted


@pytest.mark.parametrize("value", [True, False])
@pytest.mark.parametrize(
    "entry",
    [
        lambda value: {"blocked": value},
        lambda value: {"model_info": {"blocked": value}},
        lambda value: {"blocked": value, "model_info": {"blocked": not value}},
        lambda value: {"blocked": None, "model_info": {"blocked": value}},
    ],
)
def test_an_entry_may_be_paused(entry, value):
    wanted = only(entry(value))
    assert wanted.values[("blocked",)] is value
    assert wanted.warnings == ()
    assert ("model_info", "blocked") not in wanted.values


def test_what_an_entry_says_of_being_paused_is_checked_and_counts_before_the_defaults():
    assert only({"blocked": False}, {"blocked": True}).values[("blocked",)] is False
    assert only({"blocked": None}, {"blocked": True}).values[("blocked",)] is True
    assert ("blocked",) not in only({"blocked": None}).values
    entry = {"model_name": "gpt", "litellm_params": PARAMS, "blocked": "yes"}
    assert mistakes([entry]) == "gpt: blocked must be true or false, not 'yes'"


@pytest.mark.parametrize("key", ["plugin", "x-owner", "x-rpm", "description", "tags", "limit"])
def test_a_key_of_somebody_else_is_left_out(key):
    wanted = only({key: {"a": "sk-secret-0123456789"}})
    assert wanted.warnings == (f"LiteLLM's model_list has no {key}, so it is left out",)
    assert dict(wanted.values) == {("litellm_params", "model"): "openai/x"}


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("litellm_param", "litellm_params"),
        ("liteLLM_params", "litellm_params"),
        ("litellm-params", "litellm_params"),
        ("modelinfo", "model_info"),
        ("model-name", "model_name"),
        ("block", "blocked"),
        ("rmp", "rpm"),
        ("tmp", "tpm"),
    ],
)
def test_a_misspelt_key_of_an_entry_is_refused(key, meant):
    entry = {"model_name": "gpt", "litellm_params": PARAMS, key: 1}
    assert mistakes([entry]) == (f"gpt: LiteLLM's model_list has no {key} (did you mean {meant}?)")


@pytest.mark.parametrize("key", ["api_key", "api_base", "api_version", "custom_llm_provider"])
def test_what_decides_where_a_call_goes_is_not_left_out(key):
    entry = {"model_name": "gpt", "litellm_params": PARAMS, key: "sk-secret-0123456789"}
    assert mistakes([entry]) == f"gpt: {key} must stand in litellm_params, not beside it"


@pytest.mark.parametrize("value", [False, True, "no", {"set": "other"}])
@pytest.mark.parametrize("key", ["db_model", "saltext_litellm"])
def test_what_litellm_or_the_marker_sets_is_left_out_of_an_entry(key, value):
    wanted = only({"model_info": {key: value, "mode": "chat"}})
    (warning,) = wanted.warnings
    assert warning.startswith(f"model_info:{key} is not for a set, so it is left out: ")
    assert set(wanted.values) == {("litellm_params", "model"), ("model_info", "mode")}
    assert only({"model_info": {key: None}}).warnings == ()


def test_what_is_left_out_of_one_entry_does_not_hide_what_is_wrong():
    entry = {"model_name": "gpt", "litellm_params": {**PARAMS, "rpm": -1}, "plugin": 1}
    assert mistakes([entry]) == "gpt: rpm must not be negative, but is -1"


@pytest.mark.parametrize("key", ["rpm", "tpm"])
def test_a_null_does_not_hide_a_limit_beside_it(key):
    at = ("litellm_params", key)
    null = {"litellm_params": {**PARAMS, key: None}}
    assert only({**null, key: 5}).values[at] == 5
    assert only({**null, key: 5}, {key: 7}).values[at] == 5
    assert only({**null, key: None}, {key: 7}).values[at] == 7
    assert only(null, {key: 7}).values[at] == 7
    assert only(null, {"litellm_params": {key: 7}}).values[at] == 7
    assert only({**null, "model_info": {key: 5}}).values["model_info", key] == 5
    assert only({"litellm_params": {**PARAMS, key: 3}, key: 5}).values[at] == 3
    assert at not in only({**null, key: None}).values


@pytest.mark.parametrize(
    "key", ["input_cost_per_token", "output_cost_per_token", "cache_read_input_token_cost"]
)
def test_a_null_does_not_hide_a_price_in_model_info(key):
    at = ("litellm_params", key)
    null = {"litellm_params": {**PARAMS, key: None}}
    assert only({**null, "model_info": {key: 1e-6}}).values[at] == 1e-6
    assert only({**null, "model_info": {key: None}}, {"litellm_params": {key: 2e-6}}).values[
        at
    ] == (2e-6)
    assert only({"model_info": {key: 1e-6}}).values[at] == 1e-6
    both = {"litellm_params": {**PARAMS, key: 3e-6}, "model_info": {key: 1e-6}}
    assert only(both).values[at] == 3e-6
    assert ("model_info", key) not in only({**null, "model_info": {key: 1e-6}}).values


def test_a_null_inside_a_mapping_does_not_hide_the_default():
    headers = {"extra_headers": {"X-Team": "a", "X-Other": "b"}}
    wanted = only(
        {"litellm_params": {**PARAMS, "extra_headers": {"X-Team": None, "X-Other": "c"}}},
        {"litellm_params": headers},
    )
    assert wanted.values["litellm_params", "extra_headers", "X-Team"] == "a"
    assert wanted.values["litellm_params", "extra_headers", "X-Other"] == "c"
    (named,) = model_list.read(
        "set",
        {"gpt": {"litellm_params": {**PARAMS, "rpm": None}}},
        {"litellm_params": {"rpm": 7}},
        lambda value: value,
    )
    assert named.values["litellm_params", "rpm"] == 7
