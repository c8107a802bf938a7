"""The arguments of the states, with their types and defaults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, repr=False)
class FallbackArguments:
    """The arguments of ``litellm_fallback.present``, and of its functions for one rule."""

    name: str
    fallback_models: list[str]
    model: str | None = None
    fallback_type: str = "general"
    profile: str | dict[str, Any] = "litellm"


@dataclass(frozen=True, repr=False)  # a setting may have a secret, which a repr would show
class SettingArguments:
    """The arguments of ``litellm_router.present``, and of its functions for one setting."""

    name: str
    value: Any
    profile: str | dict[str, Any] = "litellm"


@dataclass(frozen=True, repr=False)
class SettingsArguments:
    """The arguments of ``litellm_router.managed``, and of its function for several settings."""

    name: str
    settings: dict[str, Any]
    profile: str | dict[str, Any] = "litellm"
