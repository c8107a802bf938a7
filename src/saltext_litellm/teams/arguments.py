"""The arguments of ``present`` and ``managed``, with their types and defaults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, repr=False)  # somebody may have put a secret into it
class TeamArguments:
    """The arguments of ``present``, and of the execution functions for one team."""

    name: str
    team_id: str | None = None
    team_alias: str | None = None
    models: list[str] | None = None
    max_budget: float | None = None
    budget_duration: str | None = None
    tpm_limit: int | None = None
    rpm_limit: int | None = None
    team_member_budget: float | None = None
    model_aliases: dict[str, str] | None = None
    members: dict[str, str] | None = None
    blocked: bool | None = None
    metadata: dict[str, Any] | None = None
    settings: dict[str, Any] | None = None
    profile: str | dict[str, Any] = "litellm"


@dataclass(frozen=True, repr=False)
class TeamSetArguments:
    """The arguments of ``managed``, and of the execution function for a set."""

    name: str
    teams: dict[str, Any] | None = None
    defaults: dict[str, Any] | None = None
    pillar: str | None = None
    prune: bool = False
    allow_empty: bool = False
    profile: str | dict[str, Any] = "litellm"
