"""Refuses ``os.environ/NAME`` where LiteLLM does not resolve it, or warns of it. Pure.

LiteLLM resolves one when it loads a row of its database, if it is a whole text of
``litellm_params`` (1.95 to 1.110). Everywhere else the provider gets the reference itself.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import InvalidInput
from ..values.paths import Path
from ..values.quote import short
from . import fields
from .fields import PARAMS, REFERENCE, label

# While the variable is not set, LiteLLM 1.106.2 cannot load any row, and does not start again.
_NEEDED = frozenset({fields.MODEL, fields.PROVIDER})
# LiteLLM calculates with these, but a variable holds text: then every call fails (1.106.2).
_NUMBERS = frozenset((PARAMS, key) for key in ("max_parallel_requests", "order", "weight"))
# LiteLLM's router resolves what is inside of these (1.83.14 and 1.106.2).
_RESOLVED_INSIDE = (PARAMS, "dataSources")
# Where LiteLLM resolves them when it calls the provider (1.83.14), as with Bedrock's `aws_…`.
_RESOLVED_LATER = re.compile("aws_.*|client_id|client_secret|tenant_id")
# A text that is meant as a value: one word, perhaps after another one, such as Bearer.
_VALUE = re.compile(rf"\s*(\w+\s+)?\S*{re.escape(REFERENCE)}\S*\s*")


def is_whole_reference(value: Any) -> bool:
    """Whether a value is a reference and nothing else."""
    return isinstance(value, str) and value.startswith(REFERENCE) and value.strip() == value


def check(path: Path, value: Any) -> None:
    """Refuse a reference where no version of LiteLLM resolves it, or where it does harm."""
    name = short(label(path))
    if not (is_whole_reference(value) and fields.is_top(path) and path[0] == PARAMS):
        if path[:2] != _RESOLVED_INSIDE and any(map(_VALUE.fullmatch, texts(value))):
            raise InvalidInput(
                f"{name} has an os.environ/ reference, which LiteLLM would not resolve: it "
                f"resolves only whole texts that stand directly in {PARAMS}"
            )
    elif value == REFERENCE:
        raise InvalidInput(f"{name} is os.environ/ without the name of a variable")
    elif path in _NEEDED:
        raise InvalidInput(
            f"{name} must not be an os.environ/ reference: while its variable is not set, LiteLLM "
            "cannot load the row, and perhaps no other row either"
        )
    elif path in _NUMBERS:
        raise InvalidInput(
            f"{name} must be a number and no os.environ/ reference, because LiteLLM takes a "
            "variable for text"
        )


def unsure(values: Mapping[Path, Any]) -> list[str]:
    """The names of the declared references that an old LiteLLM may send as they are."""
    return sorted(
        label(path)
        for path, value in values.items()
        if is_whole_reference(value) and not _RESOLVED_LATER.fullmatch(path[-1])
    )


def warning(values: Mapping[Path, Any]) -> str:
    """The warning about the declared references, for a gateway whose LiteLLM is old."""
    return (
        f"{', '.join(unsure(values))}: LiteLLM resolves os.environ/ references in its database "
        "from 1.95 on; if the gateway's is older, the provider gets the reference itself"
    )


def texts(value: Any) -> Iterator[str]:
    """The texts in a value that have a reference, also those in JSON."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from texts(item)
    elif isinstance(value, str) and REFERENCE in value:
        yield value
        if value.lstrip().startswith(("{", "[")):
            with contextlib.suppress(ValueError, RecursionError):
                yield from texts(json.loads(value))
