"""What is secret: redaction, masks and fingerprints.

There are two rules. A key is secret when LiteLLM hides its value on reads: that must be compared by
fingerprint, because it cannot be read back. More than that is not shown: also what people keep
secret by habit (see :mod:`~.habits`), though it can be read and so is compared as it is.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, lru_cache
from html import escape
from typing import Any
from urllib.parse import quote, quote_plus

from . import habits
from .habits import cover, is_secret_name, secrets_in
from .quote import clean

REDACTED = habits.REDACTED

# The segments by which LiteLLM 1.106.2 recognises a secret (1.83.14 lacks "cookie").
_SEGMENTS = frozenset(
    ("password", "secret", "key", "token", "auth", "authorization", "cookie", "credential")
    + ("credentials", "access", "private", "certificate", "fingerprint", "tenancy")
)
# Named like secrets, and masked by some versions, but names and limits all the same.
NOT_SECRET = frozenset(
    {
        "access_groups",
        "default_api_key_rpm_limit",
        "default_api_key_tpm_limit",
        "litellm_credential_name",
    }
)
_MASK = re.compile(r"\*+")
_SHORT = 8  # up to this length every character is masked
_SHORTEST = 4  # from this length on a secret is cut out of text
_FINGERPRINT_DIGITS = 16
_KEY_ID_DIGITS = 2


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
    return is_secret(key) or (is_secret_name(key) and key not in NOT_SECRET)


def redact(value: Any) -> Any:
    """A value fit to be shown: without its secrets, and without what garbles a terminal."""
    if isinstance(value, Mapping):
        return {
            _key(key): REDACTED if hides(str(key)) and item is not None else redact(item)
            for key, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [redact(item) for item in value]
    if isinstance(value, str):
        return clean(cover(value, whole=True))
    return value


def is_shown(key: str, value: Any) -> bool:
    """Whether nothing of the value under a key is hidden."""
    return not hides(key) and next(secret_strings(key, value), None) is None


def secret_strings(key: str, value: Any) -> Iterator[str]:
    """Every secret string in a value, to be scrubbed from text somebody else wrote."""
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
    """The strings of a secret that is JSON, such as a service account's."""
    if isinstance(value, str) and value.lstrip().startswith(("{", "[")):
        with contextlib.suppress(ValueError, RecursionError):
            yield from secret_strings(key, json.loads(value))


def _key(key: Any) -> Any:
    return clean(cover(key)) if isinstance(key, str) else key


def scrub(text: str, secrets: Iterable[str]) -> str:
    """Text without the given secrets, and without what looks like one. Longest first, lest one be
    part of another.

    What is shorter than four characters is left: it protects nothing, and is part of many words.
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

    LiteLLM shows the first and last four characters of a secret, of short ones only stars;
    ``/credentials/by_model`` the first and last two. How many stars stand between differs by
    version and place, so only the characters that are shown count.
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


@cache
def _derive(secret: str) -> bytes:
    """The fingerprint key. Slow on purpose, so once per process and key.

    The salt is fixed, as every run must come to the same key without a place to keep one.
    """
    return hashlib.scrypt(
        secret.encode(), salt=b"saltext_litellm.fingerprint.1", n=2**14, r=8, p=1, dklen=32
    )


class Fingerprinter:
    """Keyed fingerprints, by which a rotated secret is seen without storing anything useful.

    :param secret: The admin key or the profile's ``fingerprint_key``.
    """

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def prepare(self) -> None:
        """Derive the key, so that the first fingerprint does not have to wait for it."""
        _derive(self._secret)

    def _hmac(self, message: str) -> str:
        return hmac.new(_derive(self._secret), message.encode(), hashlib.sha256).hexdigest()

    def __call__(self, model_id: str, path: tuple[str, ...], value: Any) -> str:
        """Fingerprint of one secret. Bound to its place, so equal secrets look different."""
        return self._hmac(json.dumps([model_id, path, value], sort_keys=True))[:_FINGERPRINT_DIGITS]

    def key_id(self) -> str:
        """Tells a rotated key from rotated secrets.

        Two digits: enough to word a comment, too few to test guesses of the admin key against.
        """
        return self._hmac("key id")[:_KEY_ID_DIGITS]
