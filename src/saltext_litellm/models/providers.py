"""Finds deployments whose provider the gateway's LiteLLM does not know, before they are written.

LiteLLM saves such a row and does not serve it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

from ..errors import Refused
from ..objects.row import MISSING
from ..values.paths import Path
from ..values.quote import line, quoted, short, suggested
from . import fields
from .desired import Deployment
from .endpoints import ModelEndpoints
from .kind import ModelPlan
from .row import ModelRow

_DEPENDS_ON = frozenset({fields.MODEL, fields.PROVIDER, fields.API_BASE})


class Providers:
    """What the gateway says of providers, asked for once.

    :ivar doubts: By the name of a deployment: that LiteLLM may not know its provider.
    """

    def __init__(self, models: ModelEndpoints, router: Callable[[], Iterable[ModelRow]]) -> None:
        self._models, self._router = models, router
        self._listed: list[str] | None = None
        self._resolved: dict[str, bool] = {}  # by a model, with its provider
        self.doubts: dict[str, str] = {}

    def check(self, wanted: Deployment, plan: ModelPlan) -> None:
        """Refuse a deployment if it is certain that LiteLLM does not know its provider.

        :raises Refused: It does not.
        """
        if _DEPENDS_ON.isdisjoint(plan.touched | plan.removed):
            return
        model, provider, base = (
            _value_after(path, wanted, plan)
            for path in (fields.MODEL, fields.PROVIDER, fields.API_BASE)
        )
        if not isinstance(model, str) or any(map(_is_open, (model, provider, base))):
            return
        first, slash, _ = model.partition("/")
        if slash and (first in fields.PROMPT_MANAGERS or fields.PROMPT_ID in wanted.values):
            return  # LiteLLM looks the model up in the prompt
        # As LiteLLM puts them together (1.83.14 to 1.106.2).
        if provider and provider != first:
            model, first, slash = f"{provider}/{model}", str(provider), "/"
        if not self._is_unknown(model, first if slash else None):
            return
        which = f" {quoted(first)}{suggested(first, self._providers())}" if slash else ""
        if not provider:
            which += f" of the model {line(short(model))!r}: declare custom_llm_provider"
        if base and _is_public(str(base)):
            # From 1.106.2 on, LiteLLM takes the provider from api_base if it knows that.
            self.doubts[wanted.name] = f"The gateway's LiteLLM may not know the provider{which}"
        else:
            raise Refused(f"The gateway's LiteLLM does not know the provider{which}")

    def _is_unknown(self, model: str, provider: str | None) -> bool:
        """Whether LiteLLM surely cannot find the provider of a model.

        :param provider: What stands before its first slash.
        """
        if provider in fields.PROVIDERS or provider in self._providers():
            return False
        if model not in self._resolved:
            self._resolved[model] = self._models.resolves(model)
        if self._resolved[model]:
            return False
        # LiteLLM 1.106.2 answers for its own deployment of this name, if it has one. An alias may
        # be in between as well, such as one for a model that everybody knows.
        if any(row.model_name == model for row in self._router()):
            return False
        return provider is not None or model not in self._models.cost_map()

    def _providers(self) -> list[str]:
        if self._listed is None:
            self._listed = self._models.providers()
        return self._listed


def _value_after(path: Path, wanted: Deployment, plan: ModelPlan) -> Any:
    """The value that a place has after a plan."""
    if path in wanted.values:
        return wanted.values[path]
    shown = MISSING if plan.row is None or path in plan.removed else plan.row.get(path)
    return None if shown is MISSING else shown


def _is_open(value: Any) -> bool:
    """Whether only the gateway's environment says what a value is."""
    return isinstance(value, str) and value.startswith(fields.REFERENCE)


def _is_public(url: str) -> bool:
    """Whether a base URL may be that of a provider that LiteLLM knows."""
    try:
        host = urlsplit(url if "://" in url else f"https://{url}").hostname or ""
    except ValueError:
        return True
    return "." in host and re.fullmatch(r"[\d.]+", host) is None
