"""Reads a profile from the pillar or the minion's config: where a gateway is and how to log in."""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from ..errors import InvalidInput
from ..values import checks, placeholders, texts
from ..values.quote import quoted, short

DEFAULT = "litellm"
_ENDLESS = 86_400  # the most seconds or retries that a profile may have
_SCHEMES = ("bearer ", "basic ", "token ")
_LONGEST_PATH = 200  # characters of a path that a message shows
_LONGEST_NAME = 500  # characters of a profile's name, its url and the name of its gateway
_MOST_KEYS = 20  # in one message
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_KEYS = frozenset(
    {"url", "api_key", "verify", "cert", "timeout", "retries", "headers", "fingerprint_key"}
    | {"gateway_name", "connections"}
)


@dataclass(frozen=True)
class Profile:
    """One gateway and the login to it.

    :param name: What messages call it: ``profile 'litellm'``, ``given profile``, ``gateway eu``.
    :param url: Base URL, with scheme, without a trailing slash.
    :param api_key: A proxy-admin key. A viewer's key is enough for ``test=True``.
    :param verify: Whether to check the certificate, or the path of a CA bundle.
    :param cert: Client certificate: a path, or a (certificate, key) pair of paths.
    :param timeout: Seconds that one try of a request may take, to the last byte of its answer.
    :param retries: How often to try again if the gateway is overloaded or cannot be reached.
    :param connections: How many connections a set may use, so that its writes overlap.
    :param headers: Further request headers.
    :param fingerprint_key: The key of the fingerprints of secrets, instead of ``api_key``.
    :param gateway_names: The name that the gateway must have, and its former names.
    """

    name: str
    url: str
    api_key: str = field(repr=False)
    verify: bool | str = True
    cert: str | tuple[str, str] | None = None
    timeout: float = 60.0
    retries: int = 3
    connections: int = 8
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    fingerprint_key: str | None = field(default=None, repr=False)
    gateway_names: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """What messages call it inside a sentence."""
        return self.name if self.name.startswith("profile ") else f"the {self.name}"

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every value that no message may contain, also without a scheme such as ``Bearer``."""
        values = [self.api_key, self.fingerprint_key or "", *(value for _, value in self.headers)]
        bare = [value.partition(" ")[2] for value in values if value.lower().startswith(_SCHEMES)]
        return (*values, *map(str.strip, bare))

    @property
    def warnings(self) -> tuple[str, ...]:
        """The warnings that each use of this profile shows."""
        given = {"api_key": self.api_key, "fingerprint_key": self.fingerprint_key or ""}
        given |= {f"header {quoted(key)}": value for key, value in self.headers}
        found = [
            f"The {key} of the {self.name} looks like {what}; it is sent as given"
            for key, value in given.items()
            if (what := placeholders.doubtful(value, placeholders.SECRET))
        ]
        if self.verify is False and self.url.startswith("https:"):
            found.append(
                f"The certificate of {self.url} is not checked, because {self.label} has "
                "`verify: false`: whoever is in between can read the keys"
            )
        return tuple(found)


def load(
    profile: str | Mapping[str, Any],
    config_get: Callable[[str], Any],
    resolve: Callable[[Any], Any],
) -> Profile:
    """Read a profile.

    :param profile: A config key (``litellm:prod`` for a nested one) or the settings themselves.
    :param config_get: Returns the value of a config key, ``None`` if there is none.
    :param resolve: Replaces an ``sdb://`` reference by its value.
    :raises InvalidInput: The profile is missing, incomplete or misspelt. We never use another
        gateway instead: a run for ``prod`` must not reach ``dev`` because of a typing mistake.
    """
    if isinstance(profile, str) and profile.strip():
        if len(profile) > _LONGEST_NAME:
            raise InvalidInput(
                f"The name of a profile must not be longer than {_LONGEST_NAME} characters"
            )
        name, settings = f"profile {profile!r}", config_get(profile)
        if settings is None:
            raise InvalidInput(
                f"The {name} is neither in the pillar nor in the minion's config; for example:",
                example=_example(profile),
            )
    else:
        name, settings = "given profile", profile
    if not isinstance(settings, Mapping):
        raise InvalidInput(f"The {name} must be a mapping with url and api_key")
    return parse(name, settings, resolve)


def _example(profile: str) -> tuple[str, ...]:
    """The lines of an example, for the message that a profile is missing."""
    keys = profile.split(":")
    if len(keys) > _MOST_KEYS:
        return ()
    above = [f"{'  ' * depth}{key}:" for depth, key in enumerate(keys)]
    indent = "  " * len(keys)
    return (
        *above,
        f"{indent}url: https://litellm.example.com",
        f"{indent}api_key: sdb://vault/litellm/admin_key",
    )


def parse(name: str, settings: Mapping[str, Any], resolve: Callable[[Any], Any]) -> Profile:
    """Read the settings of a profile.

    :param name: What messages call it, as in ``Profile.name``.
    :raises InvalidInput: They are incomplete or misspelt.
    """
    # A mapping beside the settings is another profile: `litellm` and `litellm:prod` may coexist.
    others = sorted(
        str(key) for key in settings if key not in _KEYS and isinstance(settings[key], Mapping)
    )
    unknown = sorted(str(key) for key in settings if key not in _KEYS and str(key) not in others)
    if unknown:
        raise InvalidInput(
            f"The {name} has unknown settings: {_listed(unknown)}; "
            f"known are {', '.join(sorted(_KEYS))}"
        )
    if settings.get("url") is None and others:
        raise InvalidInput(f"The {name} has no url; it holds the profiles {_listed(others)}")
    values = {key: _value(value, resolve) for key, value in settings.items() if key in _KEYS}
    fingerprint_key = values.get("fingerprint_key")
    profile = Profile(
        name=name,
        url=_url(name, values.get("url")),
        api_key=_secret(name, "api_key", values.get("api_key")),
        verify=_verify_setting(name, values.get("verify", True)),
        cert=_cert(name, values.get("cert")),
        timeout=positive(name, "timeout", values.get("timeout", 60.0)),
        retries=whole_number(name, "retries", values.get("retries", 3)),
        connections=whole_number(name, "connections", values.get("connections", 8), least=1),
        headers=_headers(name, values.get("headers") or {}, resolve),
        fingerprint_key=None
        if fingerprint_key is None
        else _secret(name, "fingerprint_key", fingerprint_key),
        gateway_names=_gateway_names(name, values.get("gateway_name")),
    )
    if profile.url.startswith("https:"):
        _check_files(profile)
    return profile


def _listed(keys: list[str]) -> str:
    """Keys for a message, but not too many of them, and only the beginning of a long one."""
    more = len(keys) - _MOST_KEYS
    return ", ".join([*map(short, keys[:_MOST_KEYS]), *([f"and {more} more"] if more > 0 else [])])


def _value(value: Any, resolve: Callable[[Any], Any]) -> Any:
    """A setting, resolved and trimmed: what is read from a file or a YAML block ends in a break."""
    found = texts.resolved(value, resolve)
    return texts.trimmed(found) if isinstance(found, str) else found


def _url(name: str, value: Any) -> str:
    if value is None or value == "":
        raise InvalidInput(f"The {name} has no url")
    url = checks.text(f"The url of the {name}", value).rstrip("/")
    _check_filled(f"The url of the {name}", url, placeholders.NAME)
    if len(url) > _LONGEST_NAME:
        raise InvalidInput(
            f"The url of the {name} must not be longer than {_LONGEST_NAME} characters"
        )
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid or any(char.isspace() or not char.isprintable() for char in url):
        raise InvalidInput(
            f"The url of the {name} must look like https://gateway.example.com, with http or "
            "https in front"
        )
    if parts.username is not None or parts.password is not None:
        raise InvalidInput(f"The url of the {name} must not carry a login; api_key is for that")
    if parts.query or parts.fragment:
        raise InvalidInput(f"The url of the {name} must not have a ? or # part")
    return url


def _secret(name: str, key: str, value: Any) -> str:
    if value is None or value == "":
        raise InvalidInput(f"The {name} has no {key}")
    secret = checks.text(f"The {key} of the {name}", value)
    _check_filled(f"The {key} of the {name}", secret, placeholders.SECRET)
    if not secret.isascii() or not secret.isprintable():
        raise InvalidInput(f"The {key} of the {name} has characters no HTTP header can carry")
    return secret


def _check_filled(what: str, value: str, kind: placeholders.Kind) -> None:
    """Refuse what is no value: a template, a variable, or a reference that only LiteLLM follows."""
    if found := placeholders.certain(value, kind):
        raise InvalidInput(f"{what} has {found} instead of a value")
    if "os.environ/" in value:
        raise InvalidInput(
            f"{what} has an os.environ/ reference, which only LiteLLM follows: use sdb://osenv/"
        )


def _gateway_names(name: str, value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    names = value if isinstance(value, list) else [value]
    if not names or not all(
        isinstance(one, str) and one.strip() and one.isprintable() and len(one) <= _LONGEST_NAME
        for one in names
    ):
        raise InvalidInput(
            f"gateway_name of the {name} must be a string, or a list of the name and former names"
        )
    for one in names:
        _check_filled(f"gateway_name of the {name}", one, placeholders.NAME)
    return tuple(names)


def _verify_setting(name: str, value: Any) -> bool | str:
    if isinstance(value, (bool, str)) and value != "":
        return value
    raise InvalidInput(f"verify of the {name} must be true, false or the path of a CA bundle")


def _cert(name: str, value: Any) -> str | tuple[str, str] | None:
    if value is None or (isinstance(value, str) and value):
        return value
    if (
        isinstance(value, list)
        and len(value) == 2  # noqa: PLR2004 - certificate and key
        and all(isinstance(item, str) for item in value)
    ):
        return (value[0], value[1])
    raise InvalidInput(f"cert of the {name} must be a path, or a list of certificate and key path")


def _check_files(profile: Profile) -> None:
    """Refuse certificates and keys that cannot be read. The errors of requests would be unclear."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if isinstance(profile.verify, str) and not os.path.isdir(profile.verify):
        _check_readable(profile.name, "verify", profile.verify)
        try:
            context.load_verify_locations(profile.verify)
        except (OSError, ValueError):
            where = _shown_path(profile.verify)
            raise InvalidInput(
                f"verify of the {profile.name}: {where} holds no certificate in PEM form"
            ) from None
    if profile.cert is None:
        return
    files = (profile.cert,) if isinstance(profile.cert, str) else profile.cert
    for file in files:
        _check_readable(profile.name, "cert", file)
    try:
        # Without a password OpenSSL would ask for one at the terminal.
        context.load_cert_chain(files[0], files[-1], password="")
    except (OSError, ValueError):
        where = " and ".join(map(_shown_path, files))
        raise InvalidInput(
            f"cert of the {profile.name}: {where} must hold a certificate and its key in PEM "
            "form, without a passphrase"
        ) from None


def _check_readable(name: str, key: str, file: str) -> None:
    try:
        with open(file, "rb") as opened:
            opened.read(1)
    except (OSError, ValueError) as err:
        why = getattr(err, "strerror", None) or "not a path"
        raise InvalidInput(f"{key} of the {name}: cannot read {_shown_path(file)}: {why}") from None


def _shown_path(file: str) -> str:
    """A path for a message. Somebody may have put a key itself in its place: that is not shown."""
    if "\n" in file or "-----" in file or len(file) > _LONGEST_PATH:
        return "what is given"
    return repr(file)


def positive(name: str, key: str, value: Any, least: float = 0.001) -> float:
    """A setting that is a positive number, as a rule of seconds."""
    if type(value) not in (int, float) or not least <= value <= _ENDLESS:
        raise InvalidInput(f"{key} of the {name} must be a positive number, not {quoted(value)}")
    return float(value)


def whole_number(name: str, key: str, value: Any, least: int = 0) -> int:
    """A setting that is a whole number."""
    number = positive(name, key, value, least=least)
    if not number.is_integer():
        raise InvalidInput(f"{key} of the {name} must be a whole number, not {quoted(value)}")
    return int(number)


def _headers(name: str, value: Any, resolve: Callable[[Any], Any]) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, Mapping):
        raise InvalidInput(f"headers of the {name} must be a mapping")
    headers: dict[str, str] = {}
    known: set[str] = set()  # in small letters
    for key, item in value.items():
        text, shown, lower = _value(item, resolve), quoted(str(key)), str(key).lower()
        if not isinstance(text, (str, int, float)):
            raise InvalidInput(f"The header {shown} of the {name} must be a string")
        headers[str(key)] = text = str(text)
        _check_filled(f"The header {shown} of the {name}", text, placeholders.SECRET)
        if not _HEADER_NAME.fullmatch(lower) or not text.isascii() or not text.isprintable():
            raise InvalidInput(f"The header {shown} of the {name} cannot be sent in HTTP")
        if lower == "authorization":
            raise InvalidInput(
                f"The header {shown} of the {name} would be replaced by the api_key: "
                "leave it out, or give the key as api_key"
            )
        if lower in known:
            raise InvalidInput(
                f"The header {shown} of the {name} is given twice, in large and in small letters"
            )
        known.add(lower)
    return tuple(sorted(headers.items()))
