"""What is desired: from ``present``'s arguments to a deployment, in LiteLLM's field names.

A deployment is a flat table of values by path, such as ``("litellm_params", "rpm")``. A mapping
is taken apart into its keys, so that each is ours or somebody else's by itself; a list is one
value. Only this module and :mod:`.row` know LiteLLM's field names.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from . import marker as markers
from . import validate
from .errors import InvalidInput
from .marker import Path
from .secrets import NOT_SECRET, is_secret

PARAMS = "litellm_params"
INFO = "model_info"
BLOCKED: Path = ("blocked",)
MODEL: Path = (PARAMS, "model")
PROVIDER: Path = (PARAMS, "custom_llm_provider")
_BASE_MODEL: Path = (INFO, "base_model")
MODEL_SOURCES = frozenset({PROVIDER, _BASE_MODEL})
_TIER: Path = (INFO, "tier")
_MODE: Path = (INFO, "mode")
COSTS: frozenset[Path] = frozenset(
    {(PARAMS, "input_cost_per_token"), (PARAMS, "output_cost_per_token")}
)

Check = Callable[[str, Any], Any]

# Each argument's place in a row, and its check.
_ARGUMENTS: dict[str, tuple[Path, Check]] = {
    "custom_llm_provider": (PROVIDER, validate.text),
    "base_model": (_BASE_MODEL, validate.text),
    "model_api_key": ((PARAMS, "api_key"), validate.text),
    "model_api_base": ((PARAMS, "api_base"), validate.text),
    "api_version": ((PARAMS, "api_version"), validate.version),
    "tier": (_TIER, validate.text),
    "mode": (_MODE, validate.text),
    "tpm": ((PARAMS, "tpm"), validate.limit),
    "rpm": ((PARAMS, "rpm"), validate.limit),
    "input_cost_per_million_tokens": ((PARAMS, "input_cost_per_token"), validate.per_token),
    "output_cost_per_million_tokens": ((PARAMS, "output_cost_per_token"), validate.per_token),
    "aws_access_key_id": ((PARAMS, "aws_access_key_id"), validate.text),
    "aws_secret_access_key": ((PARAMS, "aws_secret_access_key"), validate.text),
    "aws_region_name": ((PARAMS, "aws_region_name"), validate.text),
    "blocked": (BLOCKED, validate.flag),
}
_ARGUMENT_AT = {path: argument for argument, (path, _) in _ARGUMENTS.items()}

_TIERS = ("free", "paid")
# The modes of LiteLLM 1.106.2's cost map, and the published contract's. Such a list ages.
_MODES = frozenset(
    ("audio_speech", "audio_transcription", "batch", "chat", "completion", "embedding")
    + ("evaluation", "extraction", "guardrail", "image_edit", "image_generation", "moderation")
    + ("ocr", "realtime", "rerank", "responses", "search", "vector_store", "video_generation")
)
_MODE_SPELLINGS = {"embeddings": "embedding"}  # the contract's word: LiteLLM's word

# LiteLLM encrypts strings at rest but not mappings, so a mapping is sent as a JSON string.
_JSON_STRINGS = frozenset({(PARAMS, "vertex_credentials"), (PARAMS, "vertex_ai_credentials")})
# Left out of every read by LiteLLM 1.106.2. That one does not show does not mean it is unset.
_UNREADABLE = (
    frozenset(
        (PARAMS, key)
        for key in ("api_key", "client_secret", "aws_access_key_id", "aws_secret_access_key")
    )
    | _JSON_STRINGS
)
# Lists whose order means nothing.
UNORDERED = frozenset({(PARAMS, "tags"), (INFO, "tags"), (INFO, "access_groups")})
_PRICE = re.compile(r"(^|_)cost_per_|_token_cost|^tiered_pricing$")
# LiteLLM's own entries in model_info, with what to say instead.
_RESERVED = {
    "id": "use model_id",
    "blocked": "use blocked",
    "db_model": "LiteLLM sets it itself",
    markers.KEY: "it is the marker of this extension",
}
# Names the ids we choose. Never to be changed: it would make every create a duplicate.
_NAMESPACE = uuid.UUID("5b0ad5cf-6c4b-5d8e-9d0c-1f6a3f0b8f6e")


@dataclass(frozen=True)
class Deployment:
    """What is desired.

    :param name: The name of the state: who owns the row.
    :param model_name: The public name clients call.
    :param values: The declared values by their place in a row.
    :param model_id: The row's id, if the user chose one.
    :param set: The ``managed`` state it belongs to, if any.
    :param listed: Whether it comes from a list, in which only its place tells it from its likes.
    :param warnings: What the user should look at, though it is no mistake.
    """

    name: str
    model_name: str
    values: Mapping[Path, Any] = field(repr=False)
    model_id: str | None = None
    set: str | None = None
    listed: bool = False
    warnings: tuple[str, ...] = ()

    @property
    def derived_id(self) -> str:
        """The id that a create chooses: the same for the same name, so it can be repeated."""
        return self.model_id or str(
            uuid.uuid5(_NAMESPACE, json.dumps([self.set, self.name], ensure_ascii=False))
        )


def desired(
    arguments: Mapping[str, Any], resolve: Callable[[Any], Any], *, partial: bool = False
) -> Deployment:
    """Check and normalise the arguments of ``present``.

    :param arguments: By name; ``None`` means not declared, others than ``present``'s are ignored.
    :param resolve: Replaces an ``sdb://`` reference by what it refers to. Used on secrets only.
    :param partial: The rest of the deployment exists already, so it need not be complete.
    :raises InvalidInput: With one sentence that names the argument.
    """
    name = validate.text("name", arguments.get("name"))
    model_name, model_id = arguments.get("model_name"), arguments.get("model_id")
    values = _sections(arguments)
    for argument, (path, check) in _ARGUMENTS.items():
        value = arguments.get(argument)
        if value is None or (path == _TIER and value == "free" and path in values):
            continue
        if path in values:
            raise InvalidInput(f"{argument} and {':'.join(path)} say the same thing; keep one")
        values[path] = check(argument, resolve(value) if is_secret(path[-1]) else value)
    _check_values(values)
    _complete(values, partial)
    return Deployment(
        name=name,
        model_name=name if model_name is None else validate.text("model_name", model_name),
        values={path: _sent(path, value, resolve) for path, value in values.items()},
        model_id=None if model_id is None else validate.identifier("model_id", model_id),
        warnings=tuple(_warnings(values)),
    )


def named(name: Any, model_id: Any) -> Deployment:
    """A deployment to be looked up: by the name of its state or its model name, or by its id."""
    if name is None and model_id is None:
        raise InvalidInput("name or model_id is needed")
    model_id = None if model_id is None else validate.identifier("model_id", model_id)
    name = model_id if name is None else validate.text("name", name)
    return Deployment(name=name, model_name=name, values={}, model_id=model_id)


def _sections(arguments: Mapping[str, Any]) -> dict[Path, Any]:
    """What ``litellm_params`` and ``model_info`` declare."""
    values: dict[Path, Any] = {}
    for section in (PARAMS, INFO):
        declared = arguments.get(section)
        if declared is not None:
            declared = validate.plain(section, validate.mapping(section, declared))
            for key, value in declared.items():
                if (section, key) in _JSON_STRINGS and value is not None:
                    values[(section, key)] = value
                else:
                    values.update(leaves((section, key), value))
    for key, advice in _RESERVED.items():
        if any(path[:2] == (INFO, key) for path in values):
            raise InvalidInput(f"{INFO}:{key} cannot be declared: {advice}")
    return values


def leaves(path: Path, value: Any) -> Iterator[tuple[Path, Any]]:
    """The values in a mapping by path. A null says nothing, as it does in an argument."""
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from leaves((*path, key), item)
    elif value is not None:
        yield path, value


def _check_values(values: dict[Path, Any]) -> None:
    """What holds for a value wherever it was declared."""
    if _TIER in values and values[_TIER] not in _TIERS:
        raise InvalidInput(f"tier must be free or paid, not {values[_TIER]!r}")
    for path in values:
        if path[0] == INFO and is_price(path[1]):
            # LiteLLM drops a price in model_info; it mirrors those in litellm_params there.
            raise InvalidInput(f"{':'.join(path)} is dropped by LiteLLM; it belongs in {PARAMS}")
    if isinstance(values.get(_MODE), str):
        values[_MODE] = _MODE_SPELLINGS.get(values[_MODE], values[_MODE])


def _complete(values: dict[Path, Any], partial: bool) -> None:
    """Derive the upstream model from provider and base model, or say what is missing."""
    provider, base_model = values.get(PROVIDER), values.get(_BASE_MODEL)
    if MODEL in values:
        validate.text(":".join(MODEL), values[MODEL])
    elif provider and base_model:
        values[MODEL] = derived_model(values)
    elif provider or base_model:
        given, lacking = "custom_llm_provider", "base_model"
        if base_model:
            given, lacking = lacking, given
        raise InvalidInput(f"{given} needs {lacking} too, or litellm_params with a model")
    elif not partial:
        raise InvalidInput(
            "custom_llm_provider and base_model are missing, or litellm_params with a model"
        )


def _sent(path: Path, value: Any, resolve: Callable[[Any], Any]) -> Any:
    """A value as it is sent: its references resolved, in the form LiteLLM wants."""
    value = _resolved(is_secret_at(path), value, resolve)
    if path in _JSON_STRINGS and isinstance(value, Mapping):
        return json.dumps(value, sort_keys=True)
    return value


def _resolved(secret: bool, value: Any, resolve: Callable[[Any], Any]) -> Any:
    if isinstance(value, Mapping):
        return {
            key: _resolved(secret or is_secret(key), item, resolve) for key, item in value.items()
        }
    if isinstance(value, list):
        return [_resolved(secret, item, resolve) for item in value]
    return validate.plain("a secret", resolve(value)) if secret else value


# Every argument that says something of a deployment.
NAMES = frozenset({*_ARGUMENTS, "model_name", "model_id", PARAMS, INFO})


def place(argument: str) -> Path | None:
    """The place in a row that an argument declares."""
    return _ARGUMENTS[argument][0] if argument in _ARGUMENTS else None


def places(arguments: Mapping[str, Any]) -> set[Path]:
    """The places that arguments declare; of a mapping in a section its key."""
    said = {path for name, (path, _) in _ARGUMENTS.items() if arguments.get(name) is not None}
    for section in (PARAMS, INFO):
        declared = arguments.get(section)
        if isinstance(declared, Mapping):
            said |= {
                (section, key)
                for key, value in declared.items()
                if value is not None and not isinstance(value, Mapping)
            }
    return said


@lru_cache(4096)
def is_price(key: str) -> bool:
    """Whether LiteLLM takes a key for a price, which it drops from ``model_info``."""
    return _PRICE.search(key) is not None and not key.startswith("cost_per_ptu")


def argument_at(path: Path) -> str | None:
    """The argument that declares a place in a row."""
    return _ARGUMENT_AT.get(path)


def derived_model(values: Mapping[Path, Any]) -> str | None:
    """The upstream model that provider and base model make together."""
    provider, base_model = (values.get(path) for path in (PROVIDER, _BASE_MODEL))
    return f"{provider}/{base_model}" if provider and base_model else None


@lru_cache(4096)
def is_secret_at(path: Path) -> bool:
    """Whether a place in a row is one for secrets."""
    return any(is_secret(key) for key in path[1:])


def is_top(path: Path) -> bool:
    """Whether a place is a key of a section itself, not inside a mapping."""
    return len(path) == len(MODEL)


def may_be_masked(path: Path) -> bool:
    """Whether some version of LiteLLM masks a place that is none for secrets."""
    return path[0] == PARAMS and path[-1] in NOT_SECRET


def is_readable(path: Path) -> bool:
    """Whether reads show a place in a row at all, be it masked."""
    return path not in _UNREADABLE


def _warnings(values: Mapping[Path, Any]) -> Iterator[str]:
    mode = values.get(_MODE)
    if isinstance(mode, str) and mode not in _MODES:
        yield f"The mode {mode!r} is none that this version of saltext-litellm knows of"


def next_id(model_id: str) -> str:
    """The id of the row that replaces a row; it too can be worked out again after a crash."""
    return str(uuid.uuid5(_NAMESPACE, json.dumps(["replaces", model_id])))
