"""Values that LiteLLM stores and then stumbles over, and names that are almost LiteLLM's."""

import pytest

from saltext_litellm.errors import InvalidInput
from saltext_litellm.models import desired as deployments
from saltext_litellm.models.misspelt import meant

PARAMS, INFO = "litellm_params", "model_info"
LISTS = [
    (INFO, "access_groups"),
    (INFO, "supported_environments"),
    (INFO, "supported_openai_params"),
    (PARAMS, "additional_drop_params"),
    (PARAMS, "allowed_openai_params"),
    (PARAMS, "cache_control_injection_points"),
    (PARAMS, "configurable_clientside_auth_params"),
    (PARAMS, "fallbacks"),
    (PARAMS, "guardrails"),
    (PARAMS, "tag_regex"),
    (PARAMS, "tags"),
]
MAPPINGS = [(PARAMS, "extra_body"), (PARAMS, "extra_headers"), (PARAMS, "headers")]
MAPPINGS += [(INFO, "health_check_params")]
NUMBERS = [(PARAMS, "max_parallel_requests"), (PARAMS, "num_retries"), (PARAMS, "weight")]
NUMBERS += [(INFO, key) for key in ("health_check_timeout", "itpm", "otpm", "rpm", "tpm")]
READ_AS_NUMBERS = ("health_check_max_tokens", "max_input_tokens", "max_output_tokens")


def desired(section=PARAMS, values=None):
    params = {"model": "openai/gpt-4"}
    arguments = {"name": "name", PARAMS: params, INFO: {}}
    arguments[section] = {**arguments[section], **(values or {})}
    return deployments.desired(arguments, lambda value: value)


def refusal(section, key, value):
    with pytest.raises(InvalidInput) as err:
        desired(section, {key: value})
    return str(err.value)


@pytest.mark.parametrize(("section", "key"), LISTS)
@pytest.mark.parametrize(
    ("wrong", "words"),
    [("production", "a string"), (5, "a number"), (True, "a boolean")]
    + [({"a": "b"}, "a mapping"), ({}, "a mapping")],
)
def test_a_list_must_be_one(section, key, wrong, words):
    assert refusal(section, key, wrong) == f"{section}:{key} must be a list, not {words}"


@pytest.mark.parametrize(("section", "key"), MAPPINGS)
@pytest.mark.parametrize("wrong", ["a: b", 5, False, [], [{"a": "b"}]])
def test_a_mapping_must_be_one(section, key, wrong):
    assert f"{section}:{key} must be a mapping, not " in refusal(section, key, wrong)


@pytest.mark.parametrize(("section", "key"), NUMBERS)
@pytest.mark.parametrize("wrong", ["5", "x", True, [5], {"a": 5}])
def test_a_number_must_be_one(section, key, wrong):
    assert refusal(section, key, wrong).partition(" must be a number, not ")[1]


@pytest.mark.parametrize(
    ("section", "key"), [(INFO, "mode"), (INFO, "litellm_provider"), (PARAMS, "base_url")]
)
@pytest.mark.parametrize("wrong", [5, True, ["a"], {"a": "b"}])
def test_a_string_must_be_one(section, key, wrong):
    assert " must be a string, not " in refusal(section, key, wrong)


@pytest.mark.parametrize(
    "key",
    ["api_base", "api_key", "api_version", "aws_region_name", "budget_duration", "client_id"]
    + ["litellm_credential_name", "organization", "region_name", "tenant_id", "vertex_project"],
)
@pytest.mark.parametrize(
    ("wrong", "words"), [(5, "a number"), (2024.1, "a number"), (False, "a boolean")]
)
def test_litellm_takes_a_number_for_no_text(key, wrong, words):
    """It answers 422, so this must not be predicted as a write."""
    assert refusal(PARAMS, key, wrong).endswith(f" must be a string, not {words}: put it in quotes")


@pytest.mark.parametrize("key", ["tags", "tag_regex"])
def test_litellm_takes_a_number_for_no_text_in_a_list(key):
    words = f"each of litellm_params:{key} must be a string, not a number: put it in quotes"
    assert refusal(PARAMS, key, ["a", 1]) == words


@pytest.mark.parametrize("key", READ_AS_NUMBERS)
@pytest.mark.parametrize("wrong", ["x", True, [5], {"a": 5}, -1, "nan"])
def test_what_is_read_as_a_number_must_look_like_one(key, wrong):
    assert " must " in refusal(INFO, key, wrong)
    desired(INFO, {key: "5"})


@pytest.mark.parametrize("key", ["supports_vision", "supports_reasoning", "supports_web_search"])
@pytest.mark.parametrize("wrong", ["maybe", 5, [True], {"a": True}])
def test_what_is_read_as_a_boolean_must_look_like_one(key, wrong):
    assert " must be true or false" in refusal(INFO, key, wrong)
    desired(INFO, {key: "yes"})


@pytest.mark.parametrize("wrong", [["prod"], ["production", "qa"], [None], [["production"]]])
def test_an_environment_is_one_that_litellm_has(wrong):
    words = "model_info:supported_environments must be a list of development, staging, production"
    assert refusal(INFO, "supported_environments", wrong) == words


@pytest.mark.parametrize("time", [1050, 9.5, True, ["09:00"]])
@pytest.mark.parametrize("key", ["start", "end"])
def test_a_time_without_quotes_is_refused(key, time):
    """YAML reads 17:30 as 1050, and LiteLLM that as 00:17:30."""
    window = {"start": "09:00", "end": "17:30", key: time}
    assert f"model_info:access_windows:{key} must be a string" in refusal(
        INFO, "access_windows", [window]
    )


@pytest.mark.parametrize(
    "values",
    [
        (INFO, {"supported_environments": ["production", "staging"], "access_groups": []}),
        (INFO, {"health_check_timeout": 5.5, "rpm": 5, "tpm": 0, "mode": "chat"}),
        (INFO, {"access_windows": [{"start": "09:00", "end": "17:30"}], "supports_vision": True}),
        (PARAMS, {"extra_headers": {"X-Team": "a"}, "extra_body": {}, "headers": {"a": "b"}}),
        (PARAMS, {"tags": ["a"], "fallbacks": [{"a": ["b"]}], "guardrails": ["a"], "weight": 0.5}),
        (PARAMS, {"cache_control_injection_points": [{"location": "message", "role": "system"}]}),
        (PARAMS, {"cooldown_time": "5", "order": "1", "timeout": "30", "tools": [], "stop": "x"}),
    ],
)
def test_what_litellm_can_use_is_accepted(values):
    assert desired(*values).warnings == ()


@pytest.mark.parametrize("key", ["created_at", "created_by", "updated_at", "updated_by"])
@pytest.mark.parametrize("value", ["2026-01-01", ["x"], {"a": "b"}])
def test_what_litellm_sets_itself_cannot_be_declared(key, value):
    assert refusal(INFO, key, value).startswith(f"model_info:{key} cannot be declared: ")


@pytest.mark.parametrize(
    "key", ["access_via_team_ids", "db_model", "direct_access", "key", "pricing_overrides"]
)
def test_what_litellm_makes_on_reads_cannot_be_declared(key):
    assert f"model_info:{key} cannot be declared: " in refusal(INFO, key, True)


# ---------------------------------------------------------------- empty secrets


@pytest.mark.parametrize("empty", ["", " ", "\n"])
@pytest.mark.parametrize(
    ("section", "key", "nest"),
    [
        (PARAMS, "api_key", lambda empty: empty),
        (PARAMS, "aws_session_token", lambda empty: empty),
        (PARAMS, "vertex_credentials", lambda empty: empty),
        (PARAMS, "vertex_credentials", lambda empty: {"private_key": empty}),
        (PARAMS, "vertex_credentials", lambda _: '{"private_key": ""}'),
        (PARAMS, "extra_headers", lambda empty: {"Authorization": empty}),
        (PARAMS, "mine", lambda empty: [{"deep": {"password": empty}}]),
        (PARAMS, "mine", lambda empty: {"tokens": {"token": [empty]}}),
        (INFO, "own_secret", lambda empty: empty),
    ],
)
def test_an_empty_secret_is_refused_everywhere(section, key, nest, empty):
    said = refusal(section, key, nest(empty))
    assert said.startswith((f"{section}:{key}", "model_api_key"))
    assert said.endswith(" must not be empty")


@pytest.mark.parametrize(
    "values", [{"eos_token": "", "bos_token": ""}, {"mine": ""}, {"vertex_credentials": {"a": ""}}]
)
def test_what_is_no_secret_may_be_empty(values):
    desired(PARAMS, values)


# ---------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("rpm_limit", "rpm"),
        ("tpm_limit", "tpm"),
        ("apibase", "api_base"),
        ("apiBase", "api_base"),
        ("apikey", "api_key"),
        ("API_KEY", "api_key"),
        ("base-url", "base_url"),
        ("timeouts", "timeout"),
        ("timout", "timeout"),
        ("extra_header", "extra_headers"),
        ("max_retry", "max_retries"),
        ("aws_region", "aws_region_name"),
        ("vertex_projet", "vertex_project"),
        ("output_cost_per_tokens", "output_cost_per_token"),
    ],
)
def test_a_near_miss_of_a_name_is_a_warning(key, name):
    (warning,) = desired(PARAMS, {key: 5}).warnings
    assert warning == (
        f"LiteLLM has no parameter {key} and sends it to the provider: is {name} meant?"
    )


OTHERS = """
temperature top_p max_tokens max_completion_tokens n stop seed user stream tools thinking
reasoning_effort response_format top_k min_p repetition_penalty num_ctx keep_alive api_type
vertex_ai_project vertex_ai_location organization_id s3_region_name weights models metadata
output_cost_per_token_batches input_cost_per_token_above_200k_tokens max_file_size_mb
aws_bedrock_runtime_endpoint region model_list request_timeout hf_model_name ttl stream_options
timeout stream_timeout rpm tpm api_base api_key tag_regex dimensions
"""


@pytest.mark.parametrize("key", OTHERS.split())
def test_other_names_are_none(key):
    assert meant(key) is None


def test_an_apikey_is_watsonxs_own():
    arguments = {"name": "n", PARAMS: {"model": "watsonx/ibm/granite", "apikey": "1"}}
    assert deployments.desired(arguments, lambda value: value).warnings == ()


def test_a_parameter_that_locks_a_row_is_a_warning():
    (warning,) = desired(PARAMS, {"provider_affinity_header": "X-Session"}).warnings
    assert "can neither change nor delete" in warning
