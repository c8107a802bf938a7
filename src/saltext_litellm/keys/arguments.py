"""The arguments of ``present`` and ``managed``, with their types and defaults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, repr=False)  # it may have a key, which a repr would show
class KeyArguments:
    """The arguments of ``present``, and of the execution functions for one key."""

    name: str
    key: str | None = None
    key_alias: str | None = None
    team: str | None = None
    user_id: str | None = None
    models: list[str] | None = None
    max_budget: float | None = None
    budget_duration: str | None = None
    budget_id: str | None = None
    tpm_limit: int | None = None
    rpm_limit: int | None = None
    max_parallel_requests: int | None = None
    duration: str | None = None
    aliases: dict[str, str] | None = None
    blocked: bool | None = None
    metadata: dict[str, Any] | None = None
    settings: dict[str, Any] | None = None
    generate: bool | None = None
    rotate: bool | None = None
    profile: str | dict[str, Any] = "litellm"


@dataclass(frozen=True, repr=False)
class KeySetArguments:
    """The arguments of ``managed``, and of the execution function for a set."""

    name: str
    keys: dict[str, Any] | None = None
    defaults: dict[str, Any] | None = None
    pillar: str | None = None
    prune: bool = False
    allow_empty: bool = False
    profile: str | dict[str, Any] = "litellm"
