"""What the tests of whole documents share: a gateway that has nothing else in it, and its API."""

import pytest
import requests
import yaml

from tests.functional.conftest import States
from tests.support.recorder import Recorder

RULES = {
    "general": "fallbacks",
    "context_window": "context_window_fallbacks",
    "content_policy": "content_policy_fallbacks",
}
KEY = "sk-first-0123456789"


class Whole:
    """All that a gateway has, asked with plain requests."""

    def __init__(self, gateway):
        self.gateway = gateway

    def __call__(self, method, path, **options):
        return requests.request(
            method,
            self.gateway.url + path,
            headers={"Authorization": f"Bearer {self.gateway.key}"},
            timeout=60,
            **options,
        )

    def models(self):
        params = {"search": "%%", "size": 100000}
        return self("GET", "/v2/model/info", params=params).json()["data"]

    def one_model(self, name):
        (row,) = [row for row in self.models() if row["model_name"] == name]
        return row

    def credentials(self):
        rows = self("GET", "/credentials").json()["credentials"]
        return {row["credential_name"]: row for row in rows}

    def rules(self):
        """The fallbacks, as ``{type: {model: targets}}``."""
        values = self("GET", "/router/settings").json()["current_values"]
        return {
            kind: {
                model: targets
                for entry in values.get(key) or []
                for model, targets in entry.items()
            }
            for kind, key in RULES.items()
        }

    def settings(self, *keys):
        values = self("GET", "/router/settings").json()["current_values"]
        return {key: values.get(key) for key in keys}

    def stored(self):
        """The settings that the database has. Tests leave some, as LiteLLM cannot unset one."""
        answer = self("GET", "/router/settings").json()
        return {
            key: answer["current_values"][key]
            for key, source in sorted(answer.get("source", {}).items())  # 1.83 does not say
            if source == "db" and key not in RULES.values()
        }

    def has_settings(self):
        """Whether router settings can be written: from 1.106 on."""
        own = self("GET", "/public/model_hub/info").json()["litellm_version"]
        return [int(part) for part in own.split(".")] >= [1, 106]

    def set(self, **settings):
        self("POST", "/config/update", json={"router_settings": settings}).raise_for_status()

    def call(self, model):
        body = {"model": model, "messages": [{"role": "user", "content": "?"}]}
        return self("POST", "/v1/chat/completions", json=body)

    def empty(self):
        for kind, found in self.rules().items():
            for model in found:
                self("DELETE", f"/fallback/{model}", params={"fallback_type": kind})
        if self.has_settings():
            self.set(num_retries=2, timeout=600.0)
        for row in self.models():
            self("POST", "/model/delete", json={"id": row["model_info"]["id"]})
        for name in self.credentials():
            self("DELETE", f"/credentials/{name}")


@pytest.fixture
def whole(gateway):
    whole = Whole(gateway)
    whole.empty()
    yield whole
    whole.empty()


@pytest.fixture
def recorded(gateway):
    with Recorder(gateway.url) as recorder:
        yield recorder


@pytest.fixture
def managed(loaders, recorded, gateway, name):
    """The state, its set named after the test."""
    states = States(loaders, {"url": recorded.url, "api_key": gateway.key, "retries": 0})

    def managed(document=None, test=False, **args):
        given = {"name": f"set-{name}", **args}
        if document is not None:
            given["document"] = yaml.safe_load(document) if isinstance(document, str) else document
        return states.run(("litellm_gateway.managed", given), test=test)

    return managed


def calling(loaders, url, key):
    """The execution functions, with the profile filled in."""
    profile = {"url": url, "api_key": key, "retries": 0}

    def call(function, *args, **kwargs):
        function = loaders.modules[f"litellm_gateway.{function}"]
        return function(*args, **{"profile": profile, **kwargs})

    return call


@pytest.fixture
def call(loaders, recorded, gateway):
    return calling(loaders, recorded.url, gateway.key)


def model(name, credential="openai-prod", **params):
    params = {"model": "openai/gpt-4o", "litellm_credential_name": credential, **params}
    return {"model_name": name, "litellm_params": params}


@pytest.fixture
def document(whole):
    """A document of all kinds; without router settings where LiteLLM cannot hold them."""

    def document(url="https://provider.example.com/v1", key=KEY):
        settings = {"num_retries": 4, "timeout": 45} if whole.has_settings() else {}
        return {
            "credential_list": [
                {
                    "credential_name": "openai-prod",
                    "credential_values": {"api_key": key, "api_base": url},
                    "credential_info": {"custom_llm_provider": "openai"},
                }
            ],
            "model_list": [model("chat"), model("large", rpm=5), model("small")],
            "litellm_settings": {"fallbacks": [{"chat": ["large", "small"]}]},
            "router_settings": {"context_window_fallbacks": [{"small": ["large"]}], **settings},
        }

    return document
