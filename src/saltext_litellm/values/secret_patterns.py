"""Finds secrets that LiteLLM does not know as secrets: by their names and by their form.

In doubt, a value is hidden. A hidden value can be looked up; a secret that was shown cannot be
taken back.
"""

from __future__ import annotations

import base64
import binascii
import itertools
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from urllib.parse import unquote

REDACTED = "**********"

# ---------------------------------------------------------------- names

_LONGEST_NAME = 500  # characters; whatever has a longer name is hidden
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_WORDS = frozenset(
    ("password", "passwords", "passwd", "passphrase", "pwd", "secret", "secrets", "key", "token")
    + ("auth", "authorization", "bearer", "cookie", "cookies", "cred", "creds", "credential")
    + ("credentials", "jwt", "sas", "sig", "signature", "access", "private", "certificate", "dsn")
    + ("fingerprint", "tenancy", "otp", "pat")
)
_LAST = frozenset(("pass", "pw", "pin"))  # as the last word only: not `use_in_pass_through`
# Two words that are written as one, or that name a secret only together.
_COMPOUND = re.compile(
    r"\w*(password|passwd|passphrase|secret|credential|token)"
    r"|\w*(password|secret|credential|cookie)s"
    r"|\w*(access|account|admin|api|app|application|auth|client|encryption|functions?|license)keys?"
    r"|\w*(host|master|private|provider|secret|service|shared|signing|ssh|storage|subscription"
    r"|user|virtual)keys?"
    r"|\w*(access|api|auth|bearer|refresh|secret)tokens"
    r"|(connection|conn)(string|str)|accesskeyid|sharedaccesssignature"
)
# Names that mean a secret in a URL, but rarely in another place.
_IN_URLS = frozenset(("code", "session", "sessionid", "sid", "sign", "ticket", "hmac"))


@lru_cache(4096)
def is_secret_name(name: str) -> bool:
    """Whether people give this name to secrets: ``apikey``, ``x.api.key``, ``accessToken``.

    They do not mean secrets by ``max_tokens`` and ``input_cost_per_token``.
    """
    if len(name) > _LONGEST_NAME:
        return True
    parts = [part.lower() for part in _PARTS.findall(name)]
    if not parts or any("cost" in part for part in parts):
        return False
    if not _WORDS.isdisjoint(parts) or parts[-1] in _LAST:
        return True
    pairs = [first + second for first, second in itertools.pairwise(parts)]
    return any(_COMPOUND.fullmatch(word) for word in (*parts, *pairs))


def _names_parameter(name: str) -> bool:
    name = unquote(name)
    return is_secret_name(name) or name.lower() in _IN_URLS


# ---------------------------------------------------------------- forms

_NAME = r"[\w.%$\[\]-]+"
_PRIVATE_KEY = re.compile(
    r"(?P<secret>-----BEGIN [A-Z0-9 ]*PRIVATE KEY"
    r".*?(?:-----END [A-Z0-9 ]*PRIVATE KEY[^-]*-----|\Z))",
    re.DOTALL,
)
_PARAMETER = re.compile(rf"[?&#](?P<name>{_NAME})=(?P<secret>(?:(?!&{_NAME}=)\S)+)")
_ASSIGNED = re.compile(
    rf"(?<![\w.%$\[\]-])(?P<name>{_NAME})\s*=\s*"
    rf"(?P<secret>\"[^\"]*\"|'[^']*'|(?:(?![;&,]\s*{_NAME}\s*=)\S)+)"
)
# A key and its value in JSON, in Python's notation, or in JSON inside JSON.
_ENTRY = re.compile(
    r"(?<!\\)(?P<quote>\\*[\"'])(?P<name>[\w .:/-]{1,80})(?P=quote)\s*:\s*"
    r"(?P<secret>\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|\\+[\"'].*?\\+[\"']|[\[{].*|[^\s,}\]]+)",
    re.DOTALL,
)
_BEARER = re.compile(
    r"\bbearer(?:\s+|%20|\+)(?!(?:tokens?|keys?|auth\w*|headers?|or|and|is|of|in)\b)(?P<secret>\S+)",
    re.IGNORECASE,
)
_BASIC = re.compile(r"\bbasic(?:\s+|%20|\+)(?P<secret>[\w+/=.%-]{4,})", re.IGNORECASE)
_SHAPES = re.compile(
    r"(?<![A-Za-z0-9])(?P<secret>sk-[\w-]{8,}|[sr]k_(?:live|test)_\w{8,}|gh[pousr]_\w{10,}"
    r"|github_pat_\w{10,}|glpat-[\w-]{10,}|xox[abeprs]-[\w-]{8,}|xapp-[\w-]{8,}"
    r"|A(?:KI|SI|BI|CC)A[A-Z0-9]{12,}|ABSK[\w+/=-]{16,}|AIza[\w-]{20,}|ya29\.[\w-]+"
    r"|(?:hf|gsk|r8|npm|fw|dop_v1|lsv2_\w\w)_[A-Za-z0-9]{16,}|whsec_[\w+/=]{16,}"
    r"|(?:xai|pplx|csk)-[A-Za-z0-9]{16,}|(?:nvapi|tvly)-[\w-]{16,}|dapi[0-9a-f]{16,}"
    r"|hv[sbr]\.[\w-]{16,}|SG\.[\w-]{10,}\.[\w-]{10,})"
    r"|hooks\.slack\.com/(?:services|workflows)/(?P<hook>\S+)"
)
# The look ahead makes sure that a long text is read once only.
_JWT = re.compile(
    r"(?<![\w-])(?=[\w-]+\.[\w-]{5})(?:[\w-]*?[_-])?(?P<secret>eyJ[\w-]{5,}\.[\w-]{5,}(?:\.[\w-]*)*)"
)
# A line such as `Authorization: …`. If no space follows the colon, the name must be beyond doubt.
_LINE = re.compile(r"^[^\S\n]*(?P<name>[\w.-]+)[^\S\n]*:(?P<space>[^\S\n]*)(?P<secret>\S.*)$", re.M)
_DOUBTFUL = frozenset(("access", "private", "tenancy", "fingerprint", "certificate", "pat", "pin"))
# A part of a connection string. Its name and its value may contain spaces.
_SETTING = re.compile(r"(?:\A|(?<=;))\s*(?P<name>\w[\w .-]{0,80}?)\s*=(?P<secret>[^;\n]+)")
# `user:password@host`, a URL without its scheme.
_SCHEMELESS = re.compile(
    r"\A\s*(?!mailto:)(?P<secret>[^\s/@:]+:(?!//)\S+)@"
    r"(?=[\w-]+(?:\.[\w-]+)+|localhost\b|[\w.-]+:\d+(?:[/?#]|\Z))"
)


def _always(_: re.Match[str]) -> bool:
    return True


def _is_login(found: re.Match[str]) -> bool:
    """Whether the text after ``Basic`` is a login: base64 of one, or at least no English word."""
    value = unquote(found["secret"])
    with_padding = value.rstrip("=.") + "=" * (-len(value.rstrip("=.")) % 4)
    try:
        if b":" in base64.b64decode(with_padding, validate=True):
            return True
    except (ValueError, binascii.Error):
        pass
    return not value.rstrip(".").isalpha() or not value[1:].islower()


def _is_header(found: re.Match[str]) -> bool:
    name = found["name"]
    doubtful = not _DOUBTFUL.isdisjoint(part.lower() for part in _PARTS.findall(name))
    return is_secret_name(name) and (bool(found["space"]) or not doubtful)


def _is_named(found: re.Match[str]) -> bool:
    return is_secret_name(found["name"]) and found["secret"] not in ("null", "None")


_Rules = tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], bool]], ...]
_IN_TEXT: _Rules = (
    (_PRIVATE_KEY, _always),
    (_PARAMETER, lambda found: _names_parameter(found["name"])),
    (_ENTRY, _is_named),
    (_ASSIGNED, _is_named),
    (_BEARER, _always),
    (_BASIC, _is_login),
    (_SHAPES, _always),
    (_JWT, _always),
)
_IN_VALUES: _Rules = (
    (_SCHEMELESS, _always),
    (_LINE, _is_header),
    (_SETTING, lambda found: ";" in found.string and _is_named(found)),
)


def cover(text: str, *, whole: bool = False) -> str:
    """Replace everything in a text that looks like a secret.

    :param whole: The text is a whole value and not a sentence. Then a line such as ``X-Api-Key: …``
        counts as a secret too. In a sentence it would be a word before a colon.
    """
    return _covered(text, whole, lambda _: None)


def secrets_in(text: str) -> Iterator[str]:
    """Every part of a value that looks like a secret."""
    found: list[str] = []
    _covered(text, True, found.append)
    yield from found


def _covered(text: str, whole: bool, tell: Callable[[str], object]) -> str:
    """Do what :func:`cover` does, and call ``tell`` with each secret that is found."""
    text = _without_logins(text, tell)
    for pattern, holds in (*(_IN_VALUES if whole else ()), *_IN_TEXT):

        def hidden(found: re.Match[str], holds: Callable[[re.Match[str]], bool] = holds) -> str:
            group = "hook" if found.groupdict().get("hook") else "secret"
            if not holds(found) or found[group] == REDACTED:
                return found[0]
            tell(found[group].strip("\\\"' "))
            start, end = (at - found.start() for at in found.span(group))
            return f"{found[0][:start]}{REDACTED}{found[0][end:]}"

        text = pattern.sub(hidden, text)
    return text


# ---------------------------------------------------------------- logins in URLs

_WORD = re.compile(r"\S*")
_AUTHORITY = re.compile(r"[^\s/?#\\]*")
_HOST = re.compile(r"(\[[^\]]*\]|[^:]*)(:\d{0,5})?")
_DOTTED = re.compile(r"[\w-]+(\.[\w-]+)+|localhost|[\w.-]+:\d+")


def _without_logins(text: str, tell: Callable[[str], object]) -> str:
    """Replace the logins in the URLs of a text.

    A password may contain any character, even one that ends the login in a correct URL. So we take
    everything up to the last ``@``.
    """
    if "//" not in text or "@" not in text:
        return text
    pieces: list[str] = []
    at, word_end, last = 0, -1, -1
    for found in re.finditer(r"//", text):
        start = found.end()
        if start > word_end:
            word_end = _match_end(_WORD, text, start)
            last = text.rfind("@", start, word_end)
        end = _login_end(text, start, last) if start >= at else 0
        if end > start:
            login = text[start:end]
            tell(login)
            tell(unquote(login.partition(":")[2]))
            pieces += [text[at:start], REDACTED]
            at = end
    return "".join([*pieces, text[at:]])


def _login_end(text: str, start: int, last: int) -> int:
    """Where the login after ``//`` ends; 0 if there is no login.

    :param last: The position of the last ``@`` before a space.
    """
    authority = text[start : _match_end(_AUTHORITY, text, start)]
    if "@" in authority:
        return last
    host = _HOST.fullmatch(authority)
    if host is None and last > start:
        return last
    if host is None:
        # This cannot be a host, so it is a password. It may contain a space.
        following = text.find("//", start)
        return text.rfind("@", start, following if following > 0 else len(text))
    named = "." in host[1] or host[1] == "localhost" or host[1].startswith("[")
    looks_like_host = _DOTTED.match(text, last + 1) is not None
    in_doubt = (host[2] and (looks_like_host or not named)) or (looks_like_host and not named)
    return last if host[1] and in_doubt else 0


def _match_end(pattern: re.Pattern[str], text: str, start: int) -> int:
    found = pattern.match(text, start)
    return found.end() if found else start
