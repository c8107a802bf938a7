"""Turns what a gateway has into one document that declares the same. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..models.export import SPACED
from ..models.model_list import entry
from ..objects.export import Arguments, Export, replaced
from ..objects.row import Row
from ..routing import rules
from ..routing.settings import FALLBACKS, Settings, why_undeclared
from ..values.texts import trimmed
from .document import CREDENTIALS, MODELS, ROUTER


def export(
    credentials: Export,
    models: Export,
    fallbacks: Iterable[Row],
    router: Settings,
    live: Mapping[str, Any],
) -> Export:
    """The document of a gateway, with a mask in the place of each secret.

    Of the router settings it has those that are stored in the database.

    :param live: The settings that the router has.
    """
    settings: dict[str, Any] = {}
    left_out = {**credentials.left_out, **models.left_out}
    for row in (one for one in fallbacks if one.from_database):
        if why := rules.why_undeclared(row):
            left_out[f"fallback {row.id}"] = why
        else:
            rule = {row.data[rules.MODEL]: row.data[rules.TARGETS]}
            settings.setdefault(rules.KEYS[row.data[rules.TYPE]], []).append(rule)
    for key, value in sorted(router.data.items()):
        if router.source.get(key) != "db" or key in FALLBACKS:
            continue
        if why := why_undeclared(router, live, key):
            left_out[f"router setting {key}"] = why
        else:
            settings[key] = value
    spaced = [name for name, one in models.states.items() if _is_spaced(name, one)]
    named = {
        CREDENTIALS: [
            {"credential_name": name, **arguments} for name, arguments in credentials.states.items()
        ],
        MODELS: [
            entry(name, arguments)
            for name, arguments in models.states.items()
            if name not in spaced
        ],
    }
    sections = {
        key: [replaced(one, lambda secret: secret.mask) for one in found]
        for key, found in named.items()
    }
    return Export(
        "litellm_gateway",
        "object",
        models.set,
        {key: found for key, found in {**sections, ROUTER: settings}.items() if found},
        left_out={**left_out, **dict.fromkeys(spaced, SPACED)},
        owners={**credentials.owners, **models.owners},
        lacking=models.lacking,
        hint="In a model, LiteLLM 1.95 and newer take os.environ/NAME as well.",
        is_document=True,
    )


def _is_spaced(name: str, arguments: Arguments) -> bool:
    """Whether a document would give a model another name, as the one in an entry is trimmed."""
    model_name: str = arguments.get("model_name", name)
    return trimmed(model_name) != model_name
