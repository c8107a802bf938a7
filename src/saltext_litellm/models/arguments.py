"""The arguments of ``present`` and ``managed``, with their types and defaults.

The states and the execution functions all take theirs from here. What each argument means is in the
docstring of its state. A type says what is meant: users may give anything, and it is checked later.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, repr=False)  # it has secrets, which a repr would show
class DeploymentArguments:
    """The arguments of ``present``, and of the execution functions for one deployment."""

    name: str
    model_name: str | None = None
    custom_llm_provider: str | None = None
    base_model: str | None = None
    model_api_key: str | None = None
    model_api_base: str | None = None
    api_version: str | None = None
    tier: str | None = "free"
    mode: str | None = None
    tpm: int | None = None
    rpm: int | None = None
    input_cost_per_million_tokens: float | None = None
    output_cost_per_million_tokens: float | None = None
    aws_access_key_id: str | None = None
    aws_secret_access_key: str | None = None
    aws_region_name: str | None = None
    blocked: bool | None = None
    litellm_params: dict[str, Any] | None = None
    model_info: dict[str, Any] | None = None
    model_id: str | None = None
    verify_secrets: bool = False
    preflight: bool | str = False
    verify: bool = False
    profile: str | dict[str, Any] = "litellm"


@dataclass(frozen=True, repr=False)
class SetArguments:
    """The arguments of ``managed``, and of the execution functions for a set."""

    name: str
    models: dict[str, Any] | list[Any] | None = None
    defaults: dict[str, Any] | None = None
    pillar: str | None = None
    source: str | None = None
    prune: bool = False
    allow_empty: bool = False
    verify_secrets: bool = False
    preflight: bool | str = False
    verify: bool = False
    profile: str | dict[str, Any] = "litellm"
