"""Asks a gateway for its version, its database and its deployments, without waiting long."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import Any

from ..errors import GatewayError
from ..http.profile import Profile
from ..http.session import Session
from .endpoints import ModelEndpoints


def quick(profile: Profile, seconds: float) -> ModelEndpoints:
    """The model endpoints of a gateway that is not waited for: one try of each request."""
    timeout = min(profile.timeout, seconds)
    return ModelEndpoints(Session(replace(profile, timeout=timeout, retries=0)))


def facts(models: ModelEndpoints) -> dict[str, Any]:
    """LiteLLM's version, whether it has a database, and how many deployments it lists.

    What the gateway does not say is missing. Two requests.
    """
    found: dict[str, Any] = {}
    with contextlib.suppress(GatewayError):
        found["version"] = models.version()
        count = models.count()
        found |= {"database": count is not None, "deployments": count}
    return {key: value for key, value in found.items() if value is not None}
