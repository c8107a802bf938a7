"""The arguments of ``managed`` and of ``diff``, with their types and defaults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, repr=False)  # it has secrets, which a repr would show
class DiffArguments:
    """The arguments of the execution function ``diff``."""

    name: str
    source: str | None = None
    pillar: str | None = None
    document: dict[str, Any] | None = None
    profile: str | dict[str, Any] = "litellm"


@dataclass(frozen=True, repr=False)
class DocumentArguments:
    """The arguments of ``managed``, and of the execution function ``manage``."""

    name: str
    source: str | None = None
    pillar: str | None = None
    document: dict[str, Any] | None = None
    prune: bool = False
    allow_empty: bool = False
    verify_secrets: bool = False
    preflight: bool | str = False
    verify: bool = False
    profile: str | dict[str, Any] = "litellm"
