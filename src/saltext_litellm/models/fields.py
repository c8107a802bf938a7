"""LiteLLM's field names: which values a model's row has, and which argument declares which value.

Other files take LiteLLM's field names from here, but for a few with a rule of their own. A row is a
table of values by path, such as ``("litellm_params", "rpm")``. A mapping is split into its keys,
because each key may be ours or somebody else's. A list is one value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from ..objects import marker as markers
from ..objects.fields import Fields, Meaning
from ..objects.row import MISSING
from ..values import checks, placeholders
from ..values.paths import Path
from ..values.secrets import NOT_SECRET, hides, is_secret

PARAMS = "litellm_params"
INFO = "model_info"
SECTIONS = (PARAMS, INFO)
BLOCKED: Path = ("blocked",)
NAME: Path = ("model_name",)
MODEL: Path = (PARAMS, "model")
PROVIDER: Path = (PARAMS, "custom_llm_provider")
BASE_MODEL: Path = (INFO, "base_model")
KNOWN_PROVIDER: Path = (INFO, "litellm_provider")  # LiteLLM adds it on reads
CREDENTIAL: Path = (PARAMS, "litellm_credential_name")
REGION: Path = (PARAMS, "aws_region_name")
API_BASE: Path = (PARAMS, "api_base")
API_KEY: Path = (PARAMS, "api_key")
MODEL_SOURCES = frozenset({PROVIDER, BASE_MODEL})
TEAM: Path = (INFO, "team_id")
TIER: Path = (INFO, "tier")
MODE: Path = (INFO, "mode")
COSTS: frozenset[Path] = frozenset(
    {(PARAMS, "input_cost_per_token"), (PARAMS, "output_cost_per_token")}
)

# Each argument's place in a row, and its check.
ARGUMENTS: dict[str, tuple[Path, Callable[[str, Any], Any]]] = {
    "custom_llm_provider": (PROVIDER, checks.text),
    "base_model": (BASE_MODEL, checks.text),
    "model_api_key": (API_KEY, checks.text),
    "model_api_base": ((PARAMS, "api_base"), checks.text),
    "api_version": ((PARAMS, "api_version"), checks.version),
    "tier": (TIER, checks.text),
    "mode": (MODE, checks.text),
    "tpm": ((PARAMS, "tpm"), checks.limit),
    "rpm": ((PARAMS, "rpm"), checks.limit),
    "input_cost_per_million_tokens": ((PARAMS, "input_cost_per_token"), checks.per_token),
    "output_cost_per_million_tokens": ((PARAMS, "output_cost_per_token"), checks.per_token),
    "aws_access_key_id": ((PARAMS, "aws_access_key_id"), checks.text),
    "aws_secret_access_key": ((PARAMS, "aws_secret_access_key"), checks.text),
    "aws_region_name": ((PARAMS, "aws_region_name"), checks.text),
    "blocked": (BLOCKED, checks.flag),
}

_PLACES = frozenset(path for path, _ in ARGUMENTS.values())

TIERS = ("free", "paid")
# The modes in LiteLLM 1.106.2's cost map and in the published contract. Newer versions have more.
MODES = frozenset(
    ("audio_speech", "audio_transcription", "batch", "chat", "completion", "embedding")
    + ("evaluation", "extraction", "guardrail", "image_edit", "image_generation", "moderation")
    + ("ocr", "realtime", "rerank", "responses", "search", "vector_store", "video_generation")
)
MODE_SPELLINGS = {"embeddings": "embedding"}  # the contract's word: LiteLLM's word
# Providers that LiteLLM 1.83 to 1.110 know, so that the gateway need not be asked for them.
PROVIDERS = frozenset(
    ("anthropic", "azure", "azure_ai", "bedrock", "cohere", "databricks", "deepseek")
    + ("fireworks_ai", "gemini", "groq", "hosted_vllm", "huggingface", "mistral", "nvidia_nim")
    + ("ollama", "ollama_chat", "openai", "openrouter", "perplexity", "replicate", "sagemaker")
    + ("together_ai", "vertex_ai", "watsonx", "xai")
)

# Keepers of prompts, which may stand before a model in the place of a provider, and the key of
# litellm_params that names a prompt. LiteLLM serves such a model whatever its provider is.
PROMPT_MANAGERS = frozenset(
    ("arize_phoenix", "bitbucket", "dotprompt", "generic_prompt", "gitlab", "humanloop")
    + ("langfuse",)
)
PROMPT_ID: Path = (PARAMS, "prompt_id")

REFERENCE = "os.environ/"  # begins a value that LiteLLM takes from its own environment

# Providers some of whose models bear their name: groq/groq/compound (LiteLLM 1.106.2's cost map).
DOUBLING_PROVIDERS = frozenset({"groq", "openrouter", "perplexity"})

# LiteLLM encrypts strings in its database but not mappings, so a mapping is sent as a JSON string.
JSON_STRINGS = frozenset({(PARAMS, "vertex_credentials"), (PARAMS, "vertex_ai_credentials")})
# LiteLLM 1.106.2 leaves these out of every read, so a value may be set although it is not shown.
UNREADABLE = JSON_STRINGS | {
    (PARAMS, key)
    for key in ("api_key", "client_secret", "aws_access_key_id", "aws_secret_access_key")
}
# The parameters that decide where a call goes, and whether a call is made at all.
WAYS = frozenset(
    (PARAMS, key)
    for key in ("api_base", "api_version", "base_url", "custom_llm_provider", "extra_headers")
    + ("litellm_credential_name", "mock_response", "mock_tool_calls")
)
# The secrets that /credentials/by_model knows of (LiteLLM 1.83.14 and 1.106.2).
VERIFIABLE = ("api_key", "aws_access_key_id", "aws_secret_access_key", "vertex_credentials")
# The tokens that begin and end a prompt. They are named like secrets, but their spaces and line
# breaks count.
_PROMPT_TOKEN = re.compile(r"(^|_)(bos|eos|cls|mask|pad|sep|start|end|stop|unk)_token$")
_HEADERS = frozenset({"default_headers", "extra_headers", "headers"})
_ONE_LINE = re.compile(
    r"(^|_)(arn|base|endpoint|host|id|location|model|name|organization|project|provider|region"
    r"|url|version)$"
)
# Lists whose order means nothing.
_UNORDERED = frozenset({(PARAMS, "tags"), (INFO, "tags"), (INFO, "access_groups")})
# LiteLLM 1.106.2 stores a value for these in every row, so false means the same as not set.
FALSE_UNLESS_SET = frozenset(
    (PARAMS, key)
    for key in ("allow_client_keepalive_override", "merge_reasoning_content_in_choices")
    + ("use_in_pass_through", "use_litellm_proxy", "use_xai_oauth")
)
# LiteLLM declares these as booleans or numbers, and prices too. So it turns what it is sent into
# a boolean or a number (1.83.14 to 1.109.1). It stores all else unchanged: "5" stays a string.
BOOLEANS = (
    FALSE_UNLESS_SET
    | {
        (PARAMS, key)
        for key in ("anthropic_disable_workload_identity_federation", "drop_params")
        + ("fireworks_forward_user_id", "thought_signature_in_tool_call_id")
        + ("use_chat_completions_api", "valkey_ssl")
    }
    | {
        (INFO, key)
        for key in ("allow_fail_open", "discoverable", "enable_tag_filtering")
        + ("enforce_supported_endpoints", "internal_router_model")
    }
)
WHOLE_NUMBERS = frozenset(
    (PARAMS, key)
    for key in ("anthropic_issuer_ttl_seconds", "auto_router_max_input_chars")
    + ("default_api_key_rpm_limit", "default_api_key_tpm_limit", "itpm", "max_retries", "otpm")
    + ("output_vector_size", "rpd", "rpm", "tpd", "tpm", "valkey_port")
) | {(INFO, "max_embedding_batch_size"), (INFO, "ptu_count")}
_NUMBERS = frozenset(
    (PARAMS, key)
    for key in ("keepalive_seconds", "max_budget", "max_file_size_mb")
    + ("regional_endpoint_uplift_multiplier", "regional_processing_uplift_multiplier_eu")
    + ("regional_processing_uplift_multiplier_us",)
) | {(INFO, "cost_per_ptu_per_hour")}
_COERCED = BOOLEANS | WHOLE_NUMBERS | _NUMBERS
# LiteLLM 1.106.2 stores 09:00 as 09:00:00. A later PATCH of a row with windows fails, so this
# cannot be learnt and recorded as for other fields.
WINDOWS: Path = (INFO, "access_windows")
_WHOLE_MINUTE = re.compile(r"\d\d:\d\d")
# From LiteLLM 1.106 on, a null clears these in place, and nothing else (1.106.2; 1.83.14: nothing).
_CLEARED_BY_NULL = frozenset(
    (PARAMS, key)
    for key in ("cache_control_injection_points", "cache_creation_input_token_cost")
    + ("cache_read_input_token_cost", "input_cost_per_character", "input_cost_per_token")
    + ("litellm_credential_name", "output_cost_per_character", "output_cost_per_token")
    + ("tiered_pricing",)
)
# A PATCH with model_info sets it to false unless it is sent (LiteLLM 1.106.2).
RESET_INFO: Path = (INFO, "member_auto_router")
# On reads, LiteLLM 1.106.2 adds these and the model's entry in its cost map to model_info.
SERVER_KEYS = frozenset(
    ("access_via_team_ids", "blocked", "created_at", "created_by", "db_model", "direct_access")
    + ("id", "key", "litellm_provider", "member_auto_router", "pricing_overrides")
    + ("supported_openai_params", "updated_at", "updated_by", markers.KEY)
)
# The beginning of each key of model_info that configures the health check of a row.
HEALTH_CHECK = "health_check_"
# These keys (LiteLLM 1.83.14 to 1.106.2; newer versions have more).
CHECK_TOKENS, CHECK_SECONDS, CHECK_MODEL = (
    HEALTH_CHECK + key for key in ("max_tokens", "timeout", "model")
)
# The modes that LiteLLM checks by a chat call of 5 tokens (1.83.14) or 16 (1.106.2). It takes a
# model for a chat model if neither its mode nor the cost map says otherwise.
CHAT_MODES = frozenset({"chat", "completion", "responses", "anthropic_messages"})
# Keys of model_info that cannot be declared, and what to do instead.
RESERVED = {
    "id": "use model_id",
    "blocked": "use blocked",
    "db_model": "LiteLLM sets it itself",
    # LiteLLM's enterprise edition shows the database's own values instead of these.
    "created_at": "LiteLLM sets it itself",
    "created_by": "LiteLLM sets it itself",
    "updated_at": "LiteLLM sets it itself",
    "updated_by": "LiteLLM sets it itself",
    # LiteLLM finds these out for each caller, and its UI does not show stored ones.
    "access_via_team_ids": "LiteLLM finds it out for each caller",
    "direct_access": "LiteLLM finds it out for each caller",
    # LiteLLM adds these on reads. From 1.106 on it drops the second, and with the first also
    # other values that its cost map has.
    "key": "LiteLLM would take the row for a copy of what it shows",
    "pricing_overrides": "LiteLLM makes it itself",
    markers.KEY: "it is the marker of this extension",
}
_PRICE = re.compile(r"(^|_)cost_per_|_token_cost|^tiered_pricing$")


def derived_model(values: Mapping[Path, Any]) -> str | None:
    """The upstream model that provider and base model make together."""
    provider, base_model = (values.get(path) for path in (PROVIDER, BASE_MODEL))
    return f"{provider}/{base_model}" if provider and base_model else None


@lru_cache(4096)
def is_price(key: str) -> bool:
    """Whether LiteLLM takes a key for a price. It drops prices from ``model_info``."""
    return _PRICE.search(key) is not None and not key.startswith("cost_per_ptu")


@lru_cache(4096)
def is_coerced(path: Path) -> bool:
    """Whether LiteLLM turns what is written to a place into a number or a boolean."""
    return path in _COERCED or (is_top(path) and path[0] == PARAMS and is_price(path[1]))


def in_stored_form(path: Path, value: Any) -> Any:
    """A value in the form in which LiteLLM stores it, where that must be known before the write."""
    if path != WINDOWS or not isinstance(value, list):
        return value
    return [
        {
            key: f"{time}:00" if isinstance(time, str) and _WHOLE_MINUTE.fullmatch(time) else time
            for key, time in window.items()
        }
        if isinstance(window, Mapping)
        else window
        for window in value
    ]


def is_limit(path: Path) -> bool:
    """Whether a place holds a limit or a price. LiteLLM can serve a row with any number there."""
    return is_coerced(path) and path not in FALSE_UNLESS_SET


def is_cleared_by_null(path: Path) -> bool:
    """Whether a null clears a place, from LiteLLM 1.106 on."""
    return path in _CLEARED_BY_NULL


@lru_cache(4096)
def is_secret_at(path: Path) -> bool:
    """Whether LiteLLM takes the value at a place for a secret, and does not show it."""
    return any(is_secret(key) for key in path[1:])


@lru_cache(4096)
def is_hidden_at(path: Path) -> bool:
    """Whether we never show the value at a place, even if LiteLLM does."""
    return any(hides(key) for key in path[1:])


@lru_cache(4096)
def is_free_text(path: Path) -> bool:
    """Whether LiteLLM takes a text at a place as it is, be it empty or several lines long."""
    return _PROMPT_TOKEN.search(path[-1]) is not None


@lru_cache(4096)
def is_name(path: Path) -> bool:
    """Whether a text at a place is a name, a URL or another word, which stands in one line."""
    in_call = path[0] == PARAMS and (is_top(path) or path[1] == "fallbacks")
    return path in _PLACES or (in_call and _ONE_LINE.search(path[-1]) is not None)


@lru_cache(4096)
def is_one_line(path: Path) -> bool:
    """Whether a text at a place is sent in a header, a URL or as a name."""
    in_call = path[0] == PARAMS and (is_hidden_at(path) or not _HEADERS.isdisjoint(path[1:-1]))
    return (in_call and not is_free_text(path)) or is_name(path)


def is_top(path: Path) -> bool:
    """Whether a place is a key of a section itself and not inside a mapping."""
    return len(path) == len(MODEL)


def is_readable(path: Path) -> bool:
    """Whether reads show the value at a place, perhaps masked."""
    return path not in UNREADABLE


def is_set(path: Path, value: Any) -> bool:
    """Whether the value at a place counts as set."""
    if path == BLOCKED or path in FALSE_UNLESS_SET:
        return value is True
    return value is not MISSING


def is_reference(value: Any) -> bool:
    """Whether LiteLLM takes a value from its own environment."""
    return isinstance(value, str) and value.startswith(REFERENCE)


def _text_at(path: Path) -> placeholders.Kind:
    """What a text at a place is for."""
    if path[0] == PARAMS and is_hidden_at(path) and not is_free_text(path):
        return placeholders.SECRET
    return placeholders.NAME if is_name(path) else placeholders.TEXT


def _meaning(path: Path) -> Meaning:
    return Meaning(
        ordered=path not in _UNORDERED,
        masked=path[0] == PARAMS and path[-1] in NOT_SECRET,
        coerced=is_coerced(path),
    )


def _reported(differing: Mapping[Path, Any], declared: Mapping[Path, Any]) -> Iterator[Path]:
    """The places to report. The upstream model is left out if its parts are reported."""
    derived = derived_model(declared)
    for path, value in differing.items():
        if path == MODEL and value == derived and MODEL_SOURCES & differing.keys():
            continue
        yield path


FIELDS = Fields(
    sections=SECTIONS,
    arguments=ARGUMENTS,
    names={"model_name": checks.title, "model_id": checks.identifier},
    defaults={"tier": "free"},
    is_secret=is_secret_at,
    takes_sdb=is_secret_at,
    is_hidden=is_hidden_at,
    is_readable=is_readable,
    is_reference=is_reference,
    is_set=is_set,
    is_one_line=is_one_line,
    is_free_text=is_free_text,
    text_at=_text_at,
    json_strings=JSON_STRINGS,
    in_stored_form=in_stored_form,
    meaning=_meaning,
    in_user_unit=lambda path, value: checks.per_million(value) if path in COSTS else value,
    reported=_reported,
)
label = FIELDS.label
