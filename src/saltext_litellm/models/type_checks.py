"""Refuses values of a type that LiteLLM would store and then stumble over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import InvalidInput
from ..values import checks
from ..values.paths import Path
from ..values.quote import kind
from .fields import (
    BOOLEANS,
    INFO,
    KNOWN_PROVIDER,
    MODE,
    PARAMS,
    REFERENCE,
    WHOLE_NUMBERS,
    WINDOWS,
    is_coerced,
    is_price,
    is_top,
    label,
)

# Numbers that LiteLLM also accepts as a string.
_LOOSE_NUMBERS = frozenset(
    (PARAMS, key) for key in ("order", "stream_timeout", "timeout", "weight")
)
_LOOSE_BOOLEANS = frozenset({(PARAMS, "drop_params")})  # any other string stays
_MAPPINGS_OF_NUMBERS = frozenset(
    (PARAMS, key)
    for key in ("search_context_cost_per_query", "stream_timeout_by_service_tier")
    + ("timeout_by_service_tier",)
)
_TIERED_PRICING: Path = (PARAMS, "tiered_pricing")
# LiteLLM takes nothing but a string in these (1.83.14 to 1.110.2; the last row from 1.106 on).
_TEXTS = (
    ("api_base", "api_key", "api_version", "aws_access_key_id", "aws_bedrock_runtime_endpoint")
    + ("aws_region_name", "aws_secret_access_key", "budget_duration", "custom_llm_provider")
    + ("gcs_bucket_name", "litellm_credential_name", "organization", "region_name")
    + ("s3_bucket_name", "s3_encryption_key_id", "vector_store_id", "vertex_location")
    + ("vertex_project", "watsonx_region_name")
    + ("aws_external_id", "azure_ad_token", "client_id", "client_secret", "tenant_id")
)
_LISTS_OF_TEXTS = frozenset((PARAMS, key) for key in ("tag_regex", "tags"))
# LiteLLM stores any type in these others, but needs this one (1.83.14 and 1.106.2). With another
# one, the model's calls or health checks fail, or every list of models, or every call of the
# gateway.
_NEEDED: dict[Path, type] = {
    **dict.fromkeys(
        [
            (PARAMS, key)
            for key in ("additional_drop_params", "allowed_openai_params")
            + ("cache_control_injection_points", "configurable_clientside_auth_params")
            + ("fallbacks", "guardrails", "tag_regex", "tags")
        ],
        list,
    ),
    **{
        (INFO, key): list
        for key in ("access_groups", "supported_environments", "supported_openai_params")
    },
    **{(PARAMS, key): dict for key in ("extra_body", "extra_headers", "headers")},
    (INFO, "health_check_params"): dict,
    **{(PARAMS, key): str for key in ("base_url", *_TEXTS)},
    MODE: str,
    KNOWN_PROVIDER: str,
    **{(PARAMS, key): float for key in ("max_parallel_requests", "num_retries", "weight")},
    **{(INFO, key): float for key in ("health_check_timeout", "itpm", "otpm", "rpm", "tpm")},
}
_IN_WORDS = {list: "a list", dict: "a mapping", str: "a string", float: "a number"}
# It reads these as numbers or booleans, and takes a string of digits or a word for that.
_READ_AS_NUMBERS = frozenset(
    (INFO, key) for key in ("health_check_max_tokens", "max_input_tokens", "max_output_tokens")
)
_READ_AS_BOOLEANS = frozenset(
    (INFO, f"supports_{what}")
    for what in ("fast_mode", "function_calling", "parallel_function_calling", "reasoning")
    + ("url_context", "vision", "web_search")
)
# A row that is for another environment, or for none of these, is not served after a restart.
_ENVIRONMENTS = ("development", "staging", "production")


def check(path: Path, value: Any) -> None:
    """Refuse a value that is no number, or no boolean, in a place where LiteLLM expects one.

    LiteLLM accepts some wrong values: a limit of 1e20, a timeout or a cost that is not a number.
    Then it cannot serve the row, and often no other row either.
    """
    top, name = path[:2], label(path[:2])
    if top == _TIERED_PRICING or top in _MAPPINGS_OF_NUMBERS:
        _check_inside(label(path), path[-1], value, prices=top == _TIERED_PRICING)
        return
    if path == WINDOWS:
        _check_windows(value)
    if not is_top(path):
        value = {path[-1]: value}
    if top in _NEEDED:
        _check_type(top, value)
    if top in BOOLEANS | _READ_AS_BOOLEANS:
        if top not in _LOOSE_BOOLEANS or not isinstance(value, str):
            checks.truth(name, value)
    elif top in _LOOSE_NUMBERS:
        if not (isinstance(value, str) and value.startswith(REFERENCE)):
            checks.numeric(name, value)
    elif is_coerced(top) or top in _READ_AS_NUMBERS:
        checks.numeric(name, value, whole=top in WHOLE_NUMBERS)


def _check_type(path: Path, value: Any) -> None:
    """Refuse a value of a type that LiteLLM stores, but then stumbles over."""
    needed, name = _NEEDED[path], label(path)
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not (number if needed is float else isinstance(value, needed)):
        if needed is str:
            checks.text(name, value)
        raise InvalidInput(f"{name} must be {_IN_WORDS[needed]}, not {kind(value)}")
    for one in value if path in _LISTS_OF_TEXTS else ():
        checks.text(f"each of {name}", one)
    if path == (INFO, "supported_environments") and not all(one in _ENVIRONMENTS for one in value):
        raise InvalidInput(f"{name} must be a list of {', '.join(_ENVIRONMENTS)}")


def _check_windows(value: Any) -> None:
    """Refuse a time that is a number. YAML reads 17:30 as 1050, and LiteLLM that as 00:17:30."""
    for window in value if isinstance(value, list) else ():
        for key in ("start", "end"):
            time = window.get(key) if isinstance(window, Mapping) else None
            if time is not None:
                checks.text(f"{label(WINDOWS)}:{key}", time)


def _check_inside(name: str, key: str, value: Any, *, prices: bool) -> None:
    """Check the numbers in a price or a timeout that is a mapping or a list.

    :param prices: Check only the keys that are prices.
    """
    if isinstance(value, Mapping):
        for inner, item in value.items():
            _check_inside(f"{name}:{inner}", inner, item, prices=prices)
    elif isinstance(value, list):
        for item in value:
            _check_inside(name, key, item, prices=prices)
    elif value is not None and (is_price(key) or not prices):
        checks.numeric(name, value)
