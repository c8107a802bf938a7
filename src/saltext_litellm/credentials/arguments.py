"""The arguments of ``present`` and ``managed``, with their types and defaults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, repr=False)  # it has secrets, which a repr would show
class CredentialArguments:
    """The arguments of ``present``, and of the execution functions for one credential."""

    name: str
    credential_values: dict[str, Any] | None = None
    credential_info: dict[str, Any] | None = None
    display_name: str | None = None
    verify_secrets: bool = False
    profile: str | dict[str, Any] = "litellm"


@dataclass(frozen=True, repr=False)
class CredentialSetArguments:
    """The arguments of ``managed``, and of the execution function for a set."""

    name: str
    credentials: dict[str, Any] | None = None
    defaults: dict[str, Any] | None = None
    pillar: str | None = None
    prune: bool = False
    allow_empty: bool = False
    verify_secrets: bool = False
    profile: str | dict[str, Any] = "litellm"
