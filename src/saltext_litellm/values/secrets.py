"""Decides what is secret, hides secrets, and compares masks.

There are two rules. If LiteLLM hides a value on reads, the value is compared by its fingerprint,
because it cannot be read back. We never show these values, nor those that people treat as secrets
(see :mod:`~.secret_patterns`). The latter can be read, so they are compared as they are.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from html import escape
from typing import Any
from urllib.parse import quote, quote_plus

from . import secret_patterns
from .quote import clean
from .secret_patterns import cover, is_secret_name, secrets_in

REDACTED = secret_patterns.REDACTED

# The segments by which LiteLLM 1.106.2 recognises a secret (1.83.14 lacks "cookie").
_SEGMENTS = frozenset(
    ("password", "secret", "key", "token", "auth", "authorization", "cookie", "credential")
    + ("credentials", "access", "private", "certificate", "fingerprint", "tenancy")
)
# These are named like secrets, and some versions mask them. But they are names and limits.
NOT_SECRET = frozenset(
    {
        "access_groups",
        "default_api_key_rpm_limit",
        "default_api_key_tpm_limit",
        "litellm_credential_name",
    }
)
# Of a credential: its name, what there is to know about it, and the names of some of its values.
_SHOWN = frozenset({"credential_name", "credential_info", "credential_values_to_delete"})
_LONGEST_SHOWN = 20_000  # characters of a value
_MASK = re.compile(r"\*+")
_AFTER_SCHEME = re.compile(r"(bearer|basic|token)\s+(?=\S)", re.I)
_SHORT = 8  # up to this length every character is masked
_SHORTEST = 4  # a secret that is shorter stays in a text


@lru_cache(4096)
def is_secret(key: str) -> bool:
    """Whether LiteLLM treats a value under this key as a secret."""
    segments = set(key.lower().replace("-", "_").split("_"))
    return key not in NOT_SECRET and "cost" not in segments and bool(segments & _SEGMENTS)


def holds_secret(key: str, value: Any) -> bool:
    """Whether the value under a key is a secret, or a list or mapping with one inside."""
    if is_secret(key):
        return True
    if isinstance(value, Mapping):
        return any(holds_secret(str(name), item) for name, item in value.items())
    if isinstance(value, list):
        return any(holds_secret("", item) for item in value)
    return False


def hides(key: str) -> bool:
    """Whether a value under this key is never shown."""
    if key in _SHOWN:
        return False
    return is_secret(key) or (is_secret_name(key) and key not in NOT_SECRET)


def redact(value: Any) -> Any:
    """A value that may be shown: without secrets, and without control characters."""
    if isinstance(value, Mapping):
        return {
            _shown_key(key): REDACTED if hides(str(key)) and item is not None else redact(item)
            for key, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [redact(item) for item in value]
    if isinstance(value, str):
        if len(value) > _LONGEST_SHOWN:
            return f"(a string of {len(value)} characters)"
        return clean(cover(value, whole=True))
    return value


def is_shown(key: str, value: Any) -> bool:
    """Whether the value under a key is shown without any change."""
    return not hides(key) and next(secret_strings(key, value), None) is None


def secret_strings(key: str, value: Any) -> Iterator[str]:
    """Every secret string in a value. :func:`scrub` removes them from a text."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from secret_strings(str(name) if not hides(key) else key, item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from secret_strings(key, item)
    elif hides(key) and isinstance(value, (str, int, float)) and not isinstance(value, bool):
        yield str(value)
        yield from _inside(key, value)
    elif isinstance(value, str):
        yield from secrets_in(value)


def _inside(key: str, value: Any) -> Iterator[str]:
    """The strings inside a secret: of JSON, such as a service account, and after ``Bearer``."""
    if isinstance(value, str) and (found := _AFTER_SCHEME.match(value)):
        yield value[found.end() :].strip()
    if isinstance(value, str) and value.lstrip().startswith(("{", "[")):
        with contextlib.suppress(ValueError, RecursionError):
            yield from secret_strings(key, json.loads(value))


def _shown_key(key: Any) -> Any:
    return clean(cover(key)) if isinstance(key, str) else key


def scrub(text: str, secrets: Iterable[str]) -> str:
    """Replace the given secrets in a text, and everything that looks like a secret.

    Longer secrets come first, because a secret may be part of another one. A secret of less than
    four characters stays: it protects nothing, and it is part of many words.
    """
    long_enough = (secret for secret in secrets if len(secret) >= _SHORTEST)
    for secret in sorted(long_enough, key=len, reverse=True):
        for spelling in _spellings(secret):
            text = text.replace(spelling, REDACTED)
    return cover(text)


def _spellings(secret: str) -> list[str]:
    """How a secret is written in JSON, in Python, in a URL and in HTML; longest first."""
    in_json = {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    with contextlib.suppress(UnicodeEncodeError):
        in_json |= {quote(secret, safe=""), quote(secret), quote_plus(secret)}
    return sorted(in_json | {secret, repr(secret)[1:-1], escape(secret)}, key=len, reverse=True)


def is_mask_of(shown: Any, value: Any) -> bool:
    """Whether what the gateway shows is the mask of a value.

    LiteLLM shows the first and last four characters of a secret, and only stars for a short secret.
    ``/credentials/by_model`` shows the first and last two. The number of stars differs by version
    and place, so only the shown characters are compared.
    """
    if not isinstance(shown, str) or "*" not in shown:
        return False
    text = str(value)
    parts = _MASK.split(shown)
    if len(parts) != 2:  # noqa: PLR2004 - a mask is one run of stars between two ends
        return shown == text
    head, tail = parts
    if not head and not tail and len(text) > _SHORT and len(shown) == len(text):
        return False
    return text.startswith(head) and text.endswith(tail) and len(text) >= len(head) + len(tail)
