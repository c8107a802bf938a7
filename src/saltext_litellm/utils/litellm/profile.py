"""Where a gateway is and how to log in: from pillar or minion config to a :class:`Profile`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from .errors import InvalidInput

DEFAULT = "litellm"
_ENDLESS = 86_400  # seconds, or tries
_KEYS = frozenset(
    {"url", "api_key", "verify", "cert", "timeout", "retries", "headers", "fingerprint_key"}
)


@dataclass(frozen=True)
class Profile:
    """One gateway and the login to it.

    :param name: The config key, or a word for a profile given as a mapping. For messages.
    :param url: Base URL, with scheme, without a trailing slash.
    :param api_key: A proxy-admin key. A viewer's key is enough for ``test=True``.
    :param verify: Check the certificate; or the path of a CA bundle.
    :param cert: Client certificate: a path, or a (certificate, key) pair of paths.
    :param timeout: Seconds to wait for an answer.
    :param retries: How often to try again when the gateway is overloaded or cannot be reached.
    :param headers: Further request headers.
    :param fingerprint_key: Keys the fingerprints of secrets instead of ``api_key``.
    """

    name: str
    url: str
    api_key: str = field(repr=False)
    verify: bool | str = True
    cert: str | tuple[str, str] | None = None
    timeout: float = 60.0
    retries: int = 3
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    fingerprint_key: str | None = field(default=None, repr=False)


def load(
    profile: str | Mapping[str, Any],
    config_get: Callable[[str], Any],
    resolve: Callable[[Any], Any],
) -> Profile:
    """Read a profile.

    :param profile: A config key (``litellm:prod`` walks nested ones) or the settings themselves.
    :param config_get: Returns what stands under a config key, ``None`` if nothing does.
    :param resolve: Replaces an ``sdb://`` reference by what it refers to.
    :raises InvalidInput: It is missing, incomplete or misspelt. There is no other gateway to
        fall back to: a run for ``prod`` must not reach ``dev`` because of a typing mistake.
    """
    if isinstance(profile, str) and profile.strip():
        name, settings = f"profile {profile!r}", config_get(profile)
        if settings is None:
            raise InvalidInput(f"The {name} is neither in the pillar nor in the minion's config")
    else:
        name, settings = "given profile", profile
    if not isinstance(settings, Mapping):
        raise InvalidInput(f"The {name} must be a mapping with url and api_key")
    return _parse(name, settings, resolve)


def _parse(name: str, settings: Mapping[str, Any], resolve: Callable[[Any], Any]) -> Profile:
    # A mapping beside the settings is another profile: `litellm` and `litellm:prod` may coexist.
    others = sorted(
        str(key) for key in settings if key not in _KEYS and isinstance(settings[key], Mapping)
    )
    unknown = sorted(str(key) for key in settings if key not in _KEYS and str(key) not in others)
    if unknown:
        raise InvalidInput(
            f"The {name} has unknown settings: {', '.join(unknown)}; "
            f"known are {', '.join(sorted(_KEYS))}"
        )
    if settings.get("url") is None and others:
        raise InvalidInput(f"The {name} has no url; it holds the profiles {', '.join(others)}")
    values = {key: resolve(value) for key, value in settings.items() if key in _KEYS}
    fingerprint_key = values.get("fingerprint_key")
    return Profile(
        name=name,
        url=_url(name, values.get("url")),
        api_key=_secret(name, "api_key", values.get("api_key")),
        verify=_verify(name, values.get("verify", True)),
        cert=_cert(name, values.get("cert")),
        timeout=_number(name, "timeout", values.get("timeout", 60.0)),
        retries=int(_number(name, "retries", values.get("retries", 3), least=0)),
        headers=_headers(name, values.get("headers") or {}, resolve),
        fingerprint_key=None
        if fingerprint_key is None
        else _secret(name, "fingerprint_key", fingerprint_key),
    )


def _url(name: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise InvalidInput(f"The {name} has no url")
    url = str(value).strip().rstrip("/")
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid or any(char.isspace() for char in url):
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
    if not isinstance(value, str) or not value.strip():
        raise InvalidInput(f"The {name} has no {key}")
    secret = str(value).strip()  # a key read from a file or a YAML block ends in a newline
    if not secret.isascii() or not secret.isprintable():
        raise InvalidInput(f"The {key} of the {name} has characters no HTTP header can carry")
    return secret


def _verify(name: str, value: Any) -> bool | str:
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


def _number(name: str, key: str, value: Any, least: float = 0.001) -> float:
    if type(value) not in (int, float) or not least <= value <= _ENDLESS:
        raise InvalidInput(f"{key} of the {name} must be a positive number, not {value!r}")
    return float(value)


def _headers(name: str, value: Any, resolve: Callable[[Any], Any]) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, Mapping):
        raise InvalidInput(f"headers of the {name} must be a mapping")
    headers = {str(key): str(resolve(item)) for key, item in value.items()}
    for key, text in headers.items():
        if not (key + text).isascii() or not (key + text).isprintable():
            raise InvalidInput(f"The header {key!r} of the {name} cannot be sent in HTTP")
    return tuple(sorted(headers.items()))
