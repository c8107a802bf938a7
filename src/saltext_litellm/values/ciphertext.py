"""Recognises texts that LiteLLM has encrypted. Pure."""

from __future__ import annotations

import base64
import re
from typing import Any

_GCM = "v2:gcm:"
# At least 40 bytes in base64, or the prefix of LiteLLM's other algorithm.
_CIPHERTEXT = re.compile(
    r"v2:gcm:[\w-]{38,}=*|(?=.*[A-Z])(?=.*[a-z])(?=.*\d)[\w-]{54,}={0,2}", re.A
)


def is_ciphertext(value: Any) -> bool:
    """Whether a value is most likely a text that LiteLLM has encrypted."""
    if not isinstance(value, str) or not _CIPHERTEXT.fullmatch(value):
        return False
    return value.startswith(_GCM) or len(value) % 4 == 0


def plain_length(text: Any) -> int | None:
    """The length of the text that was encrypted, ``None`` if it is none."""
    if not is_ciphertext(text):
        return None
    try:
        sealed = base64.urlsafe_b64decode(text.removeprefix(_GCM))
    except ValueError:
        return None
    return len(sealed) - (28 if text.startswith(_GCM) else 40)
