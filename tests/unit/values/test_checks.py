"""What is refused before anything is sent, and what is not."""

import datetime

import pytest

from saltext_litellm.errors import InvalidInput
from saltext_litellm.models import desired as deployment
from saltext_litellm.values import checks

KEY = "sk-0123456789abcdef"
endless: dict = {"a": []}
endless["a"].append(endless)
doubled: list = ["x"]
for _ in range(40):  # as YAML's anchors make it: 2^40 values from a short file
    doubled = [doubled, doubled]
deep: list = []
for _ in range(2000):
    deep = [deep]


def refused(**arguments):
    declared = {"name": "gpt", "custom_llm_provider": "openai", "base_model": "gpt-4"}
    with pytest.raises(InvalidInput) as err:
        deployment.desired({**declared, **arguments}, lambda value: value)
    message = str(err.value)
    assert len(message) < 5000
    return message


def accepted(**arguments):
    declared = {"name": "gpt", "custom_llm_provider": "openai", "base_model": "gpt-4"}
    return deployment.desired({**declared, **arguments}, lambda value: value)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (endless, "litellm_params refers to itself"),
        (doubled, "litellm_params is too large, or nested too deeply"),
        (deep, "litellm_params is too large, or nested too deeply"),
        ("a\ud800", "litellm_params:x has half a character"),
        ("a\0", "litellm_params:x has a zero byte"),
        ({"\ud800": 1}, "half a character"),
        ({1: 1}, "has the key 1, which must be a string"),
        ({"a": {datetime.date(2024, 1, 1): 1}}, "which must be a string: put it in quotes"),
        ({"": 1}, "litellm_params:x has an empty key"),
        pytest.param(
            10**5000, "litellm_params:x is too large: a number too long to read", id="5000"
        ),
        (2**63, "litellm_params:x is too large"),
        (-(2**63), "litellm_params:x is too large"),
        (float("nan"), "must be a number that JSON can carry, not nan"),
        ([float("-inf")], "must be a number that JSON can carry, not -inf"),
        (b"x", "must be made of mappings, lists and plain values"),
        ({"a": {1, 2}}, "must be made of mappings, lists and plain values"),
        (object(), "must be made of mappings, lists and plain values"),
    ],
)
def test_what_json_or_a_database_cannot_hold_is_refused(value, words):
    assert words in refused(litellm_params={"x": value})


def test_what_is_merely_large_is_accepted():
    params = {"a": "x" * 1_000_000, "b": 2**63 - 1, "c": 5e-324, "d": [{"e": [None, 1.5]}]}
    assert accepted(litellm_params=params).values[("litellm_params", "d")] == params["d"]


@pytest.mark.parametrize("word", ["nan", "sNaN", "inf", "-inf", "Infinity", "1e999", "1e999999999"])
@pytest.mark.parametrize(
    "place",
    ["rpm", "timeout", "stream_timeout", "max_budget", "input_cost_per_token", "max_retries"]
    + ["weight", "order", "ocr_cost_per_page", "regional_endpoint_uplift_multiplier"],
)
def test_what_is_not_finite_is_refused_where_a_number_is_meant(place, word):
    refused(litellm_params={place: word})


@pytest.mark.parametrize(
    "value", ["nan", "sNaN", "-inf", "1e400", "9" * 5000, pytest.param(10**5000, id="5000"), 10**20]
)
@pytest.mark.parametrize("argument", ["rpm", "tpm", "input_cost_per_million_tokens"])
def test_no_argument_takes_a_number_that_is_none(argument, value):
    if value == 10**20 and "cost" in argument:
        assert accepted(**{argument: value})
    else:
        assert argument in refused(**{argument: value})


@pytest.mark.parametrize(
    ("section", "key", "value", "words"),
    [
        ("litellm_params", "rpm", "abc", "rpm must be a whole number, not 'abc'"),
        ("litellm_params", "rpm", "1e3", "rpm must be a whole number"),
        ("litellm_params", "rpm", 1.5, "rpm must be a whole number, not 1.5"),
        ("litellm_params", "rpm", True, "rpm must be a number, not True"),
        ("litellm_params", "rpm", 10**18 * 100, "litellm_params:rpm is too large"),
        ("litellm_params", "rpm", {}, "rpm must be a number, not a mapping"),
        ("litellm_params", "rpm", {"a": 1}, "rpm must be a number, not a mapping"),
        ("litellm_params", "rpm", [1], "rpm must be a number, not a list"),
        ("litellm_params", "rpm", "os.environ/RPM", "rpm must be a whole number"),
        ("litellm_params", "max_retries", -1, "max_retries must not be negative"),
        ("litellm_params", "max_budget", "much", "max_budget must be a number, not 'much'"),
        ("litellm_params", "input_cost_per_token", -1, "must not be negative, but is -1"),
        ("litellm_params", "timeout", "abc", "litellm_params:timeout must be a number, not 'abc'"),
        ("litellm_params", "timeout", True, "litellm_params:timeout must be a number, not True"),
        (
            "litellm_params",
            "timeout_by_service_tier",
            {"flex": "nan"},
            "tier:flex must be a finite",
        ),
        (
            "litellm_params",
            "tiered_pricing",
            [{"range": [0, 1], "input_cost_per_token": "inf"}],
            "tiered_pricing:input_cost_per_token must be a finite",
        ),
        (
            "litellm_params",
            "search_context_cost_per_query",
            {"search_context_size_low": "nan"},
            "search_context_size_low must be a finite number",
        ),
        ("litellm_params", "use_in_pass_through", "abc", "must be true or false, not 'abc'"),
        ("litellm_params", "use_in_pass_through", 2, "must be true or false, not 2"),
        ("litellm_params", "drop_params", 2, "must be true or false, not 2"),
        ("model_info", "cost_per_ptu_per_hour", "nan", "must be a finite number"),
        ("model_info", "ptu_count", 1.5, "model_info:ptu_count must be a whole number"),
    ],
)
def test_a_number_or_boolean_of_litellms_own_is_one(section, key, value, words):
    assert words in refused(**{section: {key: value}})


@pytest.mark.parametrize(
    "params",
    [
        {"rpm": "100", "tpm": " 5 ", "max_retries": 3.0, "max_budget": "1.5", "timeout": "30"},
        {"timeout": "os.environ/TIMEOUT", "stream_timeout": 0.5, "weight": 2, "order": 0},
        {"use_in_pass_through": "yes", "drop_params": "no", "use_litellm_proxy": 1},
        {"drop_params": "os.environ/DROP", "timeout_by_service_tier": {"flex": 900}},
        {"tiered_pricing": [{"range": [0, 128000], "input_cost_per_token": 1e-6}]},
        {"mock_response": "nan", "temperature": -1, "some_flag": "abc"},
    ],
)
def test_what_litellm_reads_as_it_is_meant_is_accepted(params):
    assert accepted(litellm_params=params)


@pytest.mark.parametrize("cost", ["1e-400", "1e-330", 5e-324])
def test_a_cost_is_not_rounded_down_to_nothing(cost):
    assert "is too small" in refused(input_cost_per_million_tokens=cost)


# ---------------------------------------------------------------- what stands for a secret


@pytest.mark.parametrize(
    "mask",
    ["…", "...", "*****", "**********", "sk****78", "sk-1***********abcd", "Bearer ****", "***"]
    + ['{{ pillar["litellm_secrets"]["gpt"]["model_api_key"] | tojson }}', "Bearer **********"],
)
def test_what_only_stands_for_a_secret_is_refused(mask):
    said = "is a mask or a placeholder, not a secret"
    assert refused(model_api_key=mask) == f"model_api_key {said}"
    places = [
        {"extra_headers": {"Authorization": mask}},
        {"fallbacks": [{"model": "x", "api_key": mask}]},
        {"vertex_credentials": {"type": "service_account", "private_key": mask}},
        {"vertex_credentials": mask},
        {"x.api.key": mask},  # secret by habit, and so not shown
    ]
    for params in places:
        assert said in refused(litellm_params=params)
        assert mask not in refused(litellm_params=params)
    assert "login" in refused(model_api_base="https://**********@gateway.example.com")


@pytest.mark.parametrize("key", ["a*b", "sk-*-0123456789", "p**d", "sk-…-0123", "abcd***efgh", KEY])
def test_a_secret_may_look_a_little_like_a_mask(key):
    assert accepted(model_api_key=key)
    assert accepted(litellm_params={"mock_response": "**********", "note": "..."})


def test_a_reference_is_checked_for_what_it_leads_to():
    declared = {"name": "gpt", "custom_llm_provider": "openai", "base_model": "gpt-4"}
    for found, words in (
        ({"a": 1}, "model_api_key must be a string, not a mapping"),
        (5, "model_api_key must be a string, not a number"),
        ("**********", "model_api_key is a mask"),
        ("a\ud800", "model_api_key has half a character"),
    ):
        with pytest.raises(InvalidInput, match=words):
            deployment.desired(
                {**declared, "model_api_key": "sdb://x/y"},
                lambda value, found=found: found if value == "sdb://x/y" else value,
            )


# ---------------------------------------------------------------- words


def test_all_mistakes_are_told_at_once():
    told = refused(name=5, rpm=-1, tier="gold", mode=5, litellm_params={"timeout": "abc"})
    assert len(told.split("; ")) == 5, told
    for words in ("name must be", "rpm must not", "tier must be", "mode must be", "timeout must"):
        assert words in told


def test_what_was_refused_is_not_missing_as_well():
    assert refused(base_model=5) == "base_model must be a string, not a number: put it in quotes"
    told = refused(custom_llm_provider=None, base_model=None, litellm_params="model: x")
    assert told == "litellm_params must be a mapping, not a string"


def test_hundreds_of_mistakes_stay_readable():
    told = str(InvalidInput(*(f"mistake {number}" for number in range(300))))
    assert told.startswith("mistake 0; mistake 1; ")
    assert told.endswith("; mistake 19; and 280 more")
    assert len(str(InvalidInput(*["x" * 10_000] * 300))) < 5000


@pytest.mark.parametrize("name", ["a\nb", "\x1b[31m", "x" * 501, "a\0b", "\ud800"])
def test_a_name_is_one_line(name):
    for argument in ("name", "model_name"):
        told = refused(**{argument: name})
        assert told.startswith(argument)
        assert len(told) < 200


@pytest.mark.parametrize("value", ["false", "no", 5, 0, 1, "", [], "True", float("nan")])
def test_a_boolean_is_one(value):
    with pytest.raises(InvalidInput, match="prune must be true or false"):
        checks.flag("prune", value, False)


def test_a_boolean_that_is_not_given_has_its_default():
    assert checks.flag("any_owner", None, True) is True
    assert checks.flag("any_owner", False, True) is False


# ---------------------------------------------------------------- warnings


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"mode": "caht"}, "unknown mode 'caht' (did you mean chat?); written as given"),
        ({"mode": "telepathy"}, "unknown mode 'telepathy'; written as given"),
        ({"base_model": "openai/gpt-4"}, "so the model is openai/openai/gpt-4"),
        ({"model_api_base": "api.example.com/v1"}, "does not begin with https:// or http://"),
        (
            {"model_api_key": "sk-1", "litellm_params": {"litellm_credential_name": "openai"}},
            "model_api_key is used, and not the key of the credential",
        ),
    ],
)
def test_what_is_probably_not_meant_is_a_warning(arguments, words):
    (warning,) = accepted(**arguments).warnings
    assert words in warning


@pytest.mark.parametrize(
    "arguments",
    [
        {"mode": "embeddings"},
        {"custom_llm_provider": "groq", "base_model": "groq/compound"},
        {"base_model": "openai/gpt-oss-20b", "model_api_base": "http://vllm.example.com/v1"},
        {"base_model": "openai/gpt-4", "litellm_params": {"model": "openai/gpt-4"}},
        {"custom_llm_provider": "huggingface", "base_model": "openai/gpt-oss-20b"},
        {"model_api_base": "os.environ/AZURE_API_BASE"},
        {"litellm_params": {"model": "gpt-4"}},
        {"litellm_params": {"litellm_credential_name": "openai", "api_base": "https://a.b"}},
    ],
)
def test_what_is_right_for_somebody_is_none(arguments):
    assert accepted(**arguments).warnings == ()
