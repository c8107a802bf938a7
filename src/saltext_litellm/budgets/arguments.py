"""The arguments of ``present``, with their types and defaults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class BudgetArguments:
    """The arguments of ``present``, and of the execution functions for one budget."""

    name: str
    budget_id: str | None = None
    max_budget: float | None = None
    soft_budget: float | None = None
    budget_duration: str | None = None
    tpm_limit: int | None = None
    rpm_limit: int | None = None
    max_parallel_requests: int | None = None
    model_max_budget: dict[str, Any] | None = None
    profile: str | dict[str, Any] = "litellm"
