"""Quoting what others wrote: a person knows it again, and no secret is told."""

import pytest

from saltext_litellm.errors import InvalidInput
from saltext_litellm.models.desired import desired, named
from saltext_litellm.values import checks, quote
from saltext_litellm.values.quote import clean, counted, line, quoted


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("fast", "'fast'"),
        (True, "True"),
        (None, "None"),
        (1.5, "1.5"),
        ({"api_key": "sk-1"}, "a mapping"),
        (["sk-1"], "a list"),
        (object(), "that"),
        ("a long word " * 100, "'a long word a long word a long word a lo…'"),
        ("sk-1", "a string of 4 characters"),
        ("0123456789abcdef", "a string of 16 characters"),
        ("Bearer x", "a string of 8 characters"),
        ("https://me:pw@host", "a string of 18 characters"),
        (10**100, f"1{'0' * 39}…"),
        ("\x1b[31m\ud800", "'\\x1b[31m\\ud800'"),
    ],
)
def test_a_value_is_quoted(value, told):
    assert quoted(value) == told


@pytest.mark.parametrize("size", [16_000, 70_000, 1_000_000])
@pytest.mark.parametrize("piece", ["a", "1", "a1", "://a", "@", "sk", "é", "\x1b", ".", '"', "\n"])
def test_a_value_of_any_length_is_quoted_in_a_moment(piece, size):
    """What is quadratic takes minutes here."""
    text = (piece * size)[:size]
    assert len(quoted(text)) < 500
    assert quoted(f"a word {text}")
    assert len(quote.short(text)) < 100
    assert len(quote.unknown_key(text, ["model", "tier"])) < 100
    assert len(line(text)) < 50_000


@pytest.mark.parametrize(
    "text",
    [
        f"sk-0123456789abcdef {'a word ' * 5000}",
        f"{'a word ' * 2} sk-0123456789abcdef {'a word ' * 5000}",
        f"https://me:{'p' * 5000}@host and {'a word ' * 5000}",
        f"https://me:{'p' * 90}@host and {'a word ' * 5000}",
        "x" * 5000,
    ],
    ids=range(5),
)
def test_the_beginning_of_a_long_value_shows_no_secret(text):
    assert quoted(text) == f"a string of {len(text)} characters"


def test_a_long_line_is_cut():
    assert line("a" * 5000) == "a" * 5000
    assert line("a" * 5001) == f"{'a' * 5000}…"


MEGABYTE = "aB1:/.$" * 150_000
ARGUMENTS = ["name", "model_name", "model_id", "custom_llm_provider", "base_model", "api_version"]
ARGUMENTS += ["model_api_key", "model_api_base", "tier", "mode", "tpm", "rpm", "aws_region_name"]
ARGUMENTS += ["input_cost_per_million_tokens", "aws_secret_access_key", "blocked"]
ARGUMENTS += ["litellm_params", "model_info"]
MODEL = {"name": "gpt", "custom_llm_provider": "openai", "base_model": "gpt-4"}
LONG = {
    **{argument: {argument: MEGABYTE} for argument in ARGUMENTS},
    **{f"{argument} of words": {argument: "a b " * 250_000} for argument in ARGUMENTS},
    "key": {"litellm_params": {MEGABYTE: 1}},
    "key of model_info": {"model_info": {MEGABYTE: 1}},
    "header": {"litellm_params": {"extra_headers": {MEGABYTE: "a"}}},
    "key of many": {"litellm_params": {MEGABYTE: dict.fromkeys(map(str, range(10_000)), 1)}},
    "keys above each other": {"litellm_params": {MEGABYTE: {MEGABYTE: {MEGABYTE: float("nan")}}}},
    "value": {"litellm_params": {"rpm": MEGABYTE, "timeout": MEGABYTE, "drop_params": MEGABYTE}},
    "secret": {"litellm_params": {"x_api_key": f"{MEGABYTE}\n{MEGABYTE}"}},
    "mask": {"litellm_params": {"x_api_key": "*" * 1_000_000}},
    "JSON": {"litellm_params": {"vertex_credentials": "{" + MEGABYTE}},
    "key of JSON": {"litellm_params": {"vertex_credentials": f'{{"{MEGABYTE}": 1}}'}},
    "templates": {"litellm_params": {"x_api_key": "{{" * 500_000, "api_base": "${a" * 300_000}},
}


@pytest.mark.parametrize("arguments", LONG.values(), ids=LONG)
def test_no_message_about_an_argument_grows_with_it(arguments):
    try:
        told = desired({**MODEL, **arguments}, lambda value: value).warnings
    except InvalidInput as err:
        told = (str(err),)
    assert sum(map(len, told)) < 4000


@pytest.mark.parametrize("given", [(MEGABYTE, None), ("a b " * 250_000, None), (None, MEGABYTE)])
def test_no_message_about_a_name_grows_with_it(given):
    with pytest.raises(InvalidInput) as err:
        named(*given)
    assert len(str(err.value)) < 300


@pytest.mark.parametrize("character", ["*", "?", "[", "a", "!"])
def test_a_pattern_is_not_endless(character):
    with pytest.raises(InvalidInput, match="owner must not be longer than 500 characters"):
        checks.pattern("owner", character * 1_000_000)


def test_text_is_cleaned_of_what_a_terminal_obeys_and_a_job_cache_cannot_hold():
    assert clean("a\x1b[31mb\x00\ud800ü\n") == "a\\x1b[31mb\\x00\\ud800ü\n"


def test_a_number_that_python_refuses_to_print_is_named():
    assert quoted(10**5000) == "a number too long to read"


def test_what_a_person_reads_stays_in_its_line():
    assert line("a\x1b[31m\ud800\u202e\r\nb é 日本") == "a\\x1b[31m\\ud800\\u202e\\r\\nb é 日本"


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ({"model": 2, "key": 1}, "2 models and 1 key"),
        ({"model": 0, "key": 3}, "3 keys"),
        ({}, ""),
    ],
)
def test_what_there_is_none_of_is_not_counted(counts, said):
    assert counted(counts) == said
