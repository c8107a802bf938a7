"""Recognises text that stands in the place of a value: templates, variables, ciphertext.

It is left over where a template was not rendered, a variable not set, or a secret not decrypted.
What is certain is refused. What somebody may mean is sent, with a warning.
"""

from __future__ import annotations

import re
from typing import Literal

# What a text is for: a secret; a name, a URL or another word for LiteLLM; the name of a row, which
# may be any word; or anything else.
Kind = Literal["secret", "name", "title", "text"]
SECRET: Kind = "secret"  # noqa: S105 - a word
NAME: Kind = "name"
TITLE: Kind = "title"
TEXT: Kind = "text"

_LONGEST = 200  # characters of a placeholder; a longer text is looked at for ciphertext only

_NOTHING = "the word None, null or undefined"
_VARIABLE = "a variable that nothing has filled in (${X} or $X)"
_TEMPLATE = "a template that nothing has rendered ({{ x }})"
_BLANK = "a placeholder that nobody has filled in (<x> or YOUR_X)"
_REFERENCE = "an sdb:// reference where none is resolved"
_FOREIGN = "a reference that only another program resolves"
_QUOTED = "a text with the quotes or escapes of another format"

# What encrypts secrets in files, by how its text begins.
_ENCRYPTED = (
    (re.compile(r"-----BEGIN PGP MESSAGE-----"), "PGP"),
    (re.compile(r"-----BEGIN AGE ENCRYPTED FILE-----|age-encryption\.org/v"), "age"),
    (re.compile(r"-----BEGIN (?:PKCS7|CMS)-----"), "PKCS7"),
    (re.compile(r"ENC\[[A-Za-z0-9_]{1,30},"), "sops or eyaml"),
    (re.compile(r"ENC\([^()]+\)\s*\Z"), "ENC(…)"),
    (re.compile(r"\$ANSIBLE_VAULT;"), "Ansible Vault"),
    (re.compile(r"vault:v\d{1,9}:"), "Vault transit"),
    (re.compile(r"NACL\[[\w+/=-]{20,}"), "Salt's nacl"),
    (re.compile(r"AQ[IE]CAH[\w+/=]{60,}\s*\Z"), "AWS KMS"),
)
_SCHEME = re.compile(r"\A(?:bearer|basic|token|api-?key)\s+", re.I)
_WORDS_FOR_NOTHING = r"None|null|NULL|Null|undefined"
# Jinja's None as a part of a name or a URL: openai/None, https://None.example.com
_PART = re.compile(rf"(?<![^/])(?:{_WORDS_FOR_NOTHING})(?![^/:.])")
_INSIDE = r"[^<>\[\]{}()|\"':]*"
_HINT = (
    r"(?:\b|_)(?:your\w*|my|insert|enter|replace|redacted|hidden|here|api|(?:api)?keys?"
    r"|secrets?|passwords?|credentials?|nil|no value)(?:\b|_)"
)
_SET_VARIABLE = re.compile(r"\$\{[A-Za-z_][\w.-]*(?:[:?+=-][^{}]*)?\}")
_RENDERED_LATER = re.compile(r"\{\{[^{}]*\}\}|\{%[^{}]*%\}|<%[^<>]*%>")
_CERTAIN = (
    (re.compile(_WORDS_FOR_NOTHING), _NOTHING),
    # A password may begin with a dollar: "$ecret7". A name of a variable is in capitals.
    (re.compile(r"\$[A-Z]+|\$[A-Z][A-Z0-9]*_[A-Z0-9_]*|\$(?:env|Env):\w+"), _VARIABLE),
    (re.compile(r"\$\{[^{}]*\}|\$\([^()]*\)|%[A-Z][A-Z0-9]*_[A-Z0-9_]*%"), _VARIABLE),
    (re.compile(r"os\.environ[\[.(].*|os\.getenv\(.*|process\.env[.\[].*"), _VARIABLE),
    (
        re.compile(
            r"(?:op|vault|awssm|gcpsm|ref\+[a-z0-9]+)://.*|arn:aws[\w-]*:(?:secretsm|ssm).*"
        ),
        _FOREIGN,
    ),
    (re.compile(r"(?:sk-)?YOUR[-_ ][A-Z0-9_ -]+"), _BLANK),
    # Not every text in brackets: "<end_of_turn>" is a token of a model.
    (re.compile(rf"(?:sk-)?[<\[{{(]{_INSIDE}{_HINT}{_INSIDE}[>\]}})]", re.I), _BLANK),
    (re.compile(r"[*_#@-]*(?:redacted|masked|scrubbed)[*_#@-]*", re.I), _BLANK),
)
_DOUBTFUL = (
    (re.compile(r"none"), _NOTHING),  # a server without a login takes any key
    (re.compile(r"\$[A-Za-z_]\w*"), _VARIABLE),
    (re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*_(?:KEY|TOKEN|SECRET|PASSWORD)"), _VARIABLE),
    (re.compile(r"([\"'])[^\"']*\1|.*\\[nr]"), _QUOTED),
    (re.compile(r"<[^<>|/]+>|sk-[\w-]*(?:…|\.{3})[\w-]*"), _BLANK),
    (
        re.compile(
            r"(?:sk-)?(?:(?:change|replace|fix|fill)[-_ ]?(?:me|this|it|in)\b.*|to-?do|tbd"
            r"|x{3,}(?:-x+)*|placeholder|(?:your|insert|enter)[-_ ].*|.*[-_ ](?:goes[-_ ])?here)",
            re.I,
        ),
        _BLANK,
    ),
)
_BLANK_IN_URL = re.compile(r"<[^<>\s]{1,100}>")
_DOUBTFUL_IN_URL = re.compile(r"//your[-_]|\{[A-Za-z_-]{1,100}\}", re.I)


def certain(text: str, kind: Kind) -> str | None:
    """What stands in the place of a value, if it is certain that nobody means it."""
    if kind == TITLE:
        variable = _VARIABLE if _SET_VARIABLE.search(text) else None
        return _NOTHING if text.strip() == "None" else variable
    # At the beginning it has been resolved. What it leads to may look like another reference.
    if kind == SECRET and "sdb://" in text.removeprefix("sdb://").lower():
        return _REFERENCE
    bare = _without_scheme(text) if kind == SECRET else text
    found = _encrypted(bare)
    if found or kind == TEXT:
        return found
    if kind == NAME:
        return _in_name(bare)
    return _template(bare) or _whole(_CERTAIN, bare)


def _in_name(text: str) -> str | None:
    # The path of a URL may have braces. Its host cannot.
    scheme, is_url, rest = text.partition("://")
    if _template(rest.partition("/")[0] if is_url else scheme):
        return _TEMPLATE
    if _SET_VARIABLE.search(text):
        return _VARIABLE
    if len(text) > _LONGEST or text.startswith("os.environ/"):
        return None
    if _PART.search(text.strip()):
        return _NOTHING
    if "://" in text and _BLANK_IN_URL.search(text):
        return _BLANK
    return _whole(_CERTAIN, text.strip().rpartition("/")[2])


def doubtful(text: str, kind: Kind) -> str | None:
    """What a text looks like, if somebody may mean it all the same."""
    bare = text.strip()
    if kind == SECRET:
        found = _whole(_DOUBTFUL, _without_scheme(text))
        return found or (_VARIABLE if _SET_VARIABLE.search(text) else None)
    if kind == TITLE:
        return certain(text, NAME)
    if bare[:6].lower() == "sdb://":
        return _REFERENCE
    if kind == NAME:
        return _doubtful_name(bare)
    whole_template = bare.startswith("{{") and bare.find("}}") == len(bare) - 2
    return _TEMPLATE if whole_template else _whole(_CERTAIN, bare)


def _doubtful_name(text: str) -> str | None:
    if "://" in text[:_LONGEST] and _DOUBTFUL_IN_URL.search(text):
        return _BLANK
    return _NOTHING if text == "none" else _template(text)


def _encrypted(text: str) -> str | None:
    """Which ciphertext this is, if it is one that nothing has decrypted."""
    bare = text.lstrip()
    for pattern, kind in _ENCRYPTED:
        if pattern.match(bare):
            return f"ciphertext that nothing has decrypted ({kind})"
    return None


def _without_scheme(text: str) -> str:
    """The secret after a word such as ``Bearer``."""
    return _SCHEME.sub("", text.strip(), count=1)


def _template(text: str) -> str | None:
    bare = text.strip()
    whole = bare.startswith("{{") and bare.endswith("}}")
    return _TEMPLATE if whole or _RENDERED_LATER.search(text) else None


def _whole(rules: tuple[tuple[re.Pattern[str], str], ...], text: str) -> str | None:
    if len(text) > _LONGEST:
        return None
    return next((what for pattern, what in rules if pattern.fullmatch(text)), None)
