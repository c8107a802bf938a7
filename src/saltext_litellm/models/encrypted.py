"""Rows whose texts LiteLLM cannot decrypt, because the gateway has another key. Pure.

LiteLLM encrypts the texts of ``litellm_params`` with its ``LITELLM_SALT_KEY``. If that has changed,
it shows their ciphertext, and sends that to the provider (1.83.14 to 1.106.2).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..values.ciphertext import is_ciphertext, plain_length
from ..values.paths import Path
from . import fields
from .fields import PARAMS, is_top, label
from .row import ModelRow, stored_section


def is_encrypted(path: Path, value: Any) -> bool:
    """Whether LiteLLM encrypts a value in its database."""
    return path[0] == PARAMS and is_top(path) and isinstance(value, str)


def lost(values: Mapping[Path, Any], row: ModelRow) -> list[Path]:
    """The places of the declared texts for which a row shows a ciphertext."""
    return sorted(
        path
        for path, value in values.items()
        if is_encrypted(path, value) and (shown := row.get(path)) != value and is_ciphertext(shown)
    )


def left(values: Mapping[Path, Any], row: ModelRow) -> Iterator[str]:
    """The names of the texts that show a ciphertext and are not declared."""
    for key, shown in (row.data.get(PARAMS) or {}).items():
        path = (PARAMS, key)
        if path not in values and not fields.is_secret_at(path) and is_ciphertext(shown):
            yield label(path)


def differs(answer: Mapping[str, Any], row: ModelRow) -> bool:
    """Whether texts that are stored have another length than those that a row shows.

    :param answer: The raw row that a write returns.
    """
    references = row.marker.secrets if row.marker else {}
    for key, text in stored_section(answer, PARAMS).items():
        path, length = (PARAMS, key), plain_length(text)
        shown = row.get(path)
        if path in references or fields.is_secret_at(path) or length is None:
            continue
        if isinstance(shown, str) and length != len(shown.encode()):
            return True
    return False
