"""Makes canaries, a different secret for each place, and finds them in any output."""

from __future__ import annotations

import base64
import hashlib
import json
import uuid
from typing import Any
from urllib.parse import quote, quote_plus

FEATHERS = 12  # a part of a canary with so many characters counts as a leak


class Canaries:
    """Makes secrets, and finds them in texts, even if they are cut or encoded."""

    def __init__(self) -> None:
        self.places: dict[str, str] = {}

    def __call__(self, place: str) -> str:
        """A secret for a place."""
        secret = uuid.uuid4().hex
        self.places[secret] = place
        return secret

    def watch(self, place: str, secret: str) -> str:
        """Also find a secret that was made elsewhere."""
        self.places[secret] = place
        return secret

    def login(self, place: str) -> str:
        """The login of a URL. Its password has the characters that end a login."""
        parts = [self(f"{place}, part {number}") for number in range(5)]
        return "{}:{}@{}/1:{}#x?{}".format(*parts)

    def leaked(self, text: str) -> list[str]:
        """The places whose secrets are in a text, and how each secret is written there."""
        return sorted(
            f"{place} ({how})"
            for secret, place in self.places.items()
            for spelling, how in spellings(secret).items()
            if spelling in text
        )


def spellings(secret: str) -> dict[str, str]:
    """The ways in which a secret may be written, as a whole or in part, and what each is called."""
    found = {
        secret.encode().hex(): "hex",
        hashlib.sha256(secret.encode()).hexdigest()[:FEATHERS]: "SHA-256",
        quote_plus(secret): "a form",
        quote(secret, safe=""): "a URL",
        json.dumps(secret)[1:-1]: "JSON",
        secret[-FEATHERS:]: "its end",
        secret[:FEATHERS]: "its beginning",
    }
    for before in range(3):  # base64 encodes groups of three bytes; the secret may begin at each
        encoded = base64.b64encode(b"x" * before + secret.encode())[4:-4]
        found[encoded.decode()] = "base64"
        found[base64.urlsafe_b64encode(base64.b64decode(encoded)).decode()] = "base64 in a URL"
    return found


def deployment(canary: Canaries) -> dict[str, Any]:
    """Arguments of `present` with a canary in each place that a secret can stand in."""
    return {
        "custom_llm_provider": "openai",
        "base_model": "gpt-4",
        "model_api_key": f"sk-{canary('model_api_key')}",
        "aws_access_key_id": f"AKIA{canary('aws_access_key_id')}",
        "aws_secret_access_key": canary("aws_secret_access_key"),
        "model_api_base": f"https://{canary.login('api_base')}@example.com/v1"
        f"?key={canary('key in a URL')}&sig={canary('sig in a URL')}#token={canary('fragment')}",
        "litellm_params": _params(canary),
        "model_info": {
            "my_token": canary("model_info"),
            "connection_string": f"Server=x;Password={canary('a connection string')};Db=d",
            "links": [f"https://{canary.login('a list in model_info')}@example.com"],
        },
    }


def _params(canary: Canaries) -> dict[str, Any]:
    account = {"type": "service_account", "private_key": canary("credentials as a string")}
    return {
        "azure_ad_token": canary("azure_ad_token"),
        "client_secret": canary("client_secret"),
        "vertex_credentials": {"private_key": canary("credentials as a mapping")},
        "vertex_ai_credentials": json.dumps(account),
        "apikey": canary("apikey"),
        "organization": f"Bearer {canary('Bearer in a string')}",
        "extra_headers": {
            "Authorization": f"Bearer {canary('a header')}",
            "x.api.key": canary("x.api.key"),
            "X-Team": "one",
        },
        "extra_body": {"deep": {"er": {"passwd": canary("a mapping in mappings")}}},
        "fallbacks": [{"model": "openai/x", "api_key": canary("a mapping in a list")}],
        "notes": [f"Authorization: Basic {canary('a list of strings')}"],
    }


def credential(canary: Canaries) -> dict[str, Any]:
    """Arguments of a credential with a canary in each place that a secret can stand in.

    LiteLLM shows some of them as they are, such as a passphrase.
    """
    account = {"type": "service_account", "private_key": canary("credentials as a string")}
    names = ["azure_ad_token", "client_secret", "apikey", "passphrase", "my_pw", "cookie"]
    names += ["certificate", "aws_secret_access_key"]
    return {
        "credential_values": {
            "api_key": f"sk-{canary('api_key')}",
            "aws_access_key_id": f"AKIA{canary('aws_access_key_id')}",
            "api_base": f"https://{canary.login('api_base')}@example.com/v1"
            f"?key={canary('key in a URL')}&sig={canary('sig in a URL')}",
            "vertex_credentials": {"private_key": canary("credentials as a mapping")},
            "vertex_ai_credentials": json.dumps(account),
            "organization": f"Bearer {canary('Bearer in a string')}",
            "connection": f"Server=x;Password={canary('a connection string')};Db=d",
            **{name: canary(name) for name in names},
        },
        "credential_info": {"custom_llm_provider": "openai"},
    }


def rotated(value: Any, canary: Canaries) -> Any:
    """The same value with new canaries."""
    text = json.dumps(value)
    for secret, place in list(canary.places.items()):
        if secret in text:
            text = text.replace(secret, canary(f"{place}, rotated"))
    return json.loads(text)
