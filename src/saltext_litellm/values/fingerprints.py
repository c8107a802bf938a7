"""Makes keyed fingerprints of secrets, which cannot be read back from a gateway."""

from __future__ import annotations

import hashlib
import hmac
import json
from functools import cache
from typing import Any

_FINGERPRINT_DIGITS = 16
_KEY_ID_DIGITS = 2


@cache
def _derive(secret: str) -> bytes:
    """Derive the key of the fingerprints. This is slow on purpose, so it is done once in a process.

    The salt is fixed: every run must derive the same key, and there is no place to store a salt.
    """
    return hashlib.scrypt(
        secret.encode(), salt=b"saltext_litellm.fingerprint.1", n=2**14, r=8, p=1, dklen=32
    )


class Fingerprinter:
    """Makes keyed fingerprints of secrets. They show that a secret was rotated, and nothing else.

    :param secret: The admin key or the profile's ``fingerprint_key``.
    """

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def prepare(self) -> None:
        """Derive the key now, so that the first fingerprint does not have to wait for it."""
        _derive(self._secret)

    def _hmac(self, message: str) -> str:
        return hmac.new(_derive(self._secret), message.encode(), hashlib.sha256).hexdigest()

    def __call__(self, row_id: str, path: tuple[str, ...], value: Any) -> str:
        """The fingerprint of one secret. It depends on the place: equal secrets look different."""
        return self._hmac(json.dumps([row_id, path, value], sort_keys=True))[:_FINGERPRINT_DIGITS]

    def key_id(self) -> str:
        """An id of the key. It tells a new key from new secrets.

        It has two digits. That is enough to word a comment, and too little to check a guess of the
        admin key.
        """
        return self._hmac("key id")[:_KEY_ID_DIGITS]
