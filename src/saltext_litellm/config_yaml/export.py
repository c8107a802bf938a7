"""Turns what a gateway has into one document that declares the same. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..models.model_list import entry
from ..objects.export import Export, replaced
from .document import CREDENTIALS, MODELS, ROUTER


def export(credentials: Export, models: Export, settings: Mapping[str, Any]) -> Export:
    """The document of a gateway, with a mask in the place of each secret.

    :param settings: The router settings of its database, with its fallbacks.
    """
    named = {
        CREDENTIALS: [
            {"credential_name": name, **arguments} for name, arguments in credentials.states.items()
        ],
        MODELS: [entry(name, arguments) for name, arguments in models.states.items()],
    }
    sections = {
        key: [replaced(one, lambda secret: secret.mask) for one in found]
        for key, found in named.items()
    }
    return Export(
        "litellm_gateway",
        "object",
        models.set,
        {key: found for key, found in {**sections, ROUTER: dict(settings)}.items() if found},
        left_out={**credentials.left_out, **models.left_out},
        owners={**credentials.owners, **models.owners},
        lacking=models.lacking,
        hint="In a model, LiteLLM 1.95 and newer take os.environ/NAME as well.",
        is_document=True,
    )
