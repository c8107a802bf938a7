"""LiteLLM's API for fallbacks and router settings, asked with plain requests."""

from urllib.parse import quote

import pytest
import requests

TYPES = ("general", "context_window", "content_policy")
KEYS = ("fallbacks", "context_window_fallbacks", "content_policy_fallbacks")
FAILS = {"mock_response": "litellm.InternalServerError"}
DEFAULTS = {"num_retries": 2, "timeout": 6000, "allowed_fails": 3, "cooldown_time": 5}
DEFAULTS |= {"routing_strategy": "simple-shuffle", "model_group_alias": {}, "retry_policy": {}}


class RoutingApi:
    """One connection to a gateway, so it stays with one worker."""

    def __init__(self, gateway):
        self.gateway = gateway
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {gateway.key}"

    def __call__(self, method, path, **options):
        return self._session.request(method, self.gateway.url + path, timeout=60, **options)

    def since(self, version):
        """Whether the gateway's LiteLLM is of this version, or of a newer one."""
        own = self("GET", "/public/model_hub/info").json()["litellm_version"]
        return [int(part) for part in own.split(".")] >= [int(part) for part in version.split(".")]

    # ---------------------------------------------------------------- rules

    def rules(self, part=""):
        """Every rule whose model has a part in its name: ``{(type, model): models}``."""
        values = self.settings()
        return {
            (one, model): targets
            for one, key in zip(TYPES, KEYS, strict=True)
            for entry in values.get(key) or ()
            for model, targets in entry.items()
            if part in model
        }

    def rule(self, model, fallback_type="general"):
        """What the live router follows; ``None`` if there is no such rule."""
        path = f"/fallback/{quote(model, safe='')}"
        answer = self("GET", path, params={"fallback_type": fallback_type})
        return answer.json()["fallback_models"] if answer.ok else None

    def set_rule(self, model, targets, fallback_type="general"):
        body = {"model": model, "fallback_models": targets, "fallback_type": fallback_type}
        answer = self("POST", "/fallback", json=body)
        assert answer.ok, answer.text

    def delete_rule(self, model, fallback_type="general"):
        path = f"/fallback/{quote(model, safe='')}"
        return self("DELETE", path, params={"fallback_type": fallback_type})

    def clean(self, part):
        """Delete every rule whose model has a part in its name."""
        for fallback_type, model in self.rules(part):
            if "/" not in model:
                self.delete_rule(model, fallback_type)

    # ---------------------------------------------------------------- settings

    def settings(self):
        return self("GET", "/router/settings").json()["current_values"]

    def live(self):
        return self("GET", "/get/config/callbacks").json()["router_settings"]

    def set(self, **settings):
        answer = self("POST", "/config/update", json={"router_settings": settings})
        assert answer.ok, answer.text

    def ask(self, model):
        """The text of a completion, or the status of its failure."""
        body = {"model": model, "messages": [{"role": "user", "content": "hello"}]}
        answer = self("POST", "/v1/chat/completions", json=body)
        return (
            answer.json()["choices"][0]["message"]["content"] if answer.ok else answer.status_code
        )


@pytest.fixture
def models(api, name):
    """Three models of the test: one whose calls fail, and two that say who they are."""
    api.create(f"{name}-a", FAILS)
    for letter in "bc":
        api.create(f"{name}-{letter}", {"mock_response": f"of {letter}"})
    return [f"{name}-{letter}" for letter in "abc"]


@pytest.fixture
def routing(gateway, name):
    """The API; deletes the rules of the test, and gives settings their defaults."""
    api = RoutingApi(gateway)
    api.recent = api.since("1.106")
    yield api
    api.clean(name)


@pytest.fixture
def defaults(routing):
    """The settings are as those of a new gateway, before the test and after it."""
    if not routing.recent:
        pytest.skip("LiteLLM 1.83 destroys settings that a write does not send")
    routing.set(**DEFAULTS)
    yield DEFAULTS
    routing.set(**DEFAULTS)


@pytest.fixture
def fallback(states):
    """The states `present` and `absent` of a rule."""

    def run(name, function="present", test=False, **args):
        return states.run((f"litellm_fallback.{function}", {"name": name, **args}), test=test)

    return run


@pytest.fixture
def setting(states):
    """The state `present` of a setting."""

    def run(name, value, test=False):
        return states.run(("litellm_router.present", {"name": name, "value": value}), test=test)

    return run


@pytest.fixture
def settings(states):
    """The state `managed` of several settings."""

    def run(test=False, **settings):
        given = {"name": "several", "settings": settings}
        return states.run(("litellm_router.managed", given), test=test)

    return run
