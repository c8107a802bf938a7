"""The life of one SLS, as states of single objects: from an empty gateway to an empty gateway."""

import pytest

from tests.functional.conftest import States, sent
from tests.support.upstream import Upstream

from .conftest import KEY
from .test_managed import CREDENTIALS, LIVE, MODELS, NEXT, RULES

NAMES = ("chat", "large", "small")


class Sls:
    """A credential, three models that name it, two rules and router settings."""

    def __init__(self, states, has_settings):
        self._states, self._has_settings = states, has_settings

    def apply(self, url, key=KEY, test=False):
        """Their results, by the state's function and its name."""
        values = {"api_key": key, "api_base": url}
        info = {"custom_llm_provider": "openai"}
        params = {"model": "openai/gpt-4o", "litellm_credential_name": "openai-prod"}
        more = {"large": {"rpm": 5}}
        window = {"model": "small", "fallback_type": "context_window"}
        states = [
            (
                "litellm_credential.present",
                "openai-prod",
                {"credential_values": values, "credential_info": info},
            ),
            *(
                ("litellm_model.present", one, {"litellm_params": params, **more.get(one, {})})
                for one in NAMES
            ),
            ("litellm_fallback.present", "chat", {"fallback_models": ["large", "small"]}),
            ("litellm_fallback.present", "window", {"fallback_models": ["large"], **window}),
        ]
        if self._has_settings:
            settings = {"settings": {"num_retries": 4, "timeout": 45}}
            states.append(("litellm_router.managed", "retries", settings))
        return self._run(states, test)

    def take_away(self, settings, test=False):
        """In reverse. LiteLLM cannot unset a setting, so each gets the value that it had."""
        window = {"model": "small", "fallback_type": "context_window"}
        states = [
            ("litellm_fallback.absent", "window", window),
            ("litellm_fallback.absent", "chat", {}),
            *(("litellm_model.absent", one, {}) for one in reversed(NAMES)),
            ("litellm_credential.absent", "openai-prod", {}),
        ]
        if self._has_settings:
            states.insert(0, ("litellm_router.managed", "retries", {"settings": settings}))
        return self._run(states, test)

    def _run(self, states, test):
        given = [(function, {"name": name, **args}) for function, name, args in states]
        results = self._states.run(*given, test=test)
        return {(one[0], one[1]): result for one, result in zip(states, results, strict=True)}


def everything(whole):
    """All that a gateway has and says of itself, by plain requests."""
    settings = whole("GET", "/router/settings").json()["current_values"]
    live = whole("GET", "/get/config/callbacks").json()["router_settings"]
    rules = {kind: found or None for kind, found in whole.rules().items()}
    listed = sorted(one["id"] for one in whole("GET", "/v1/models").json()["data"])
    shown = {key: value or None for key, value in settings.items()}
    return whole.models(), whole.credentials(), rules, shown, listed, live["num_retries"]


@pytest.fixture
def sls(loaders, recorded, gateway, whole):
    profile = {"url": recorded.url, "api_key": gateway.key, "retries": 0}
    return Sls(States(loaders, profile), whole.has_settings())


@pytest.fixture
def had(whole):
    """The values that the settings have before."""
    if whole.has_settings():
        whole.set(num_retries=2, timeout=600.0)
    return {"num_retries": 2, "timeout": 600.0}


def all_are(results, value):
    return {one: (result["result"], result["comment"]) for one, result in results.items()} == {
        one: (value, result["comment"]) for one, result in results.items()
    }


def changed(results):
    """The changes of the states that have some."""
    return {one: result["changes"] for one, result in results.items() if result["changes"]}


def test_from_an_empty_gateway_to_an_empty_gateway(sls, whole, recorded, had):
    before = everything(whole)
    assert (before[0], before[1]) == ([], {})
    with Upstream(KEY, NEXT) as upstream:
        predicted = sls.apply(upstream.url, test=True)
        assert everything(whole) == before
        made = sls.apply(upstream.url)
        assert all_are(made, True), made
        assert all_are(predicted, None), predicted
        assert changed(predicted) == changed(made)
        assert whole.call("chat").status_code == 200

        recorded.clear()
        again = sls.apply(upstream.url)
        assert (all_are(again, True), changed(again)) == (True, {})
        settings = [RULES, LIVE] if whole.has_settings() else []
        at_rest = sent(recorded)
        assert all(at_rest.count(one) <= 1 for one in (CREDENTIALS, MODELS, LIVE)), at_rest
        assert at_rest in ([CREDENTIALS, MODELS, RULES, *settings], [CREDENTIALS, MODELS, RULES])

        recorded.clear()
        rotated = sls.apply(upstream.url, NEXT)
        assert set(changed(rotated)) == {("litellm_credential.present", "openai-prod")}
        (body,) = [one.json for one in recorded.requests if one.method != "GET" and one.json]
        assert body["credential_values"]["api_key"] == NEXT
        assert whole.call("small").status_code == 200
        assert upstream.calls == [KEY, NEXT]
        assert KEY not in str([predicted, made, again, rotated])
        assert NEXT not in str(rotated)

    predicted = sls.take_away(had, test=True)
    assert len(whole.models()) == 3
    removed = sls.take_away(had)
    assert all_are(removed, True), removed
    assert changed(predicted) == changed(removed)
    assert set(changed(removed)) == set(removed)
    assert everything(whole) == before
    again = sls.take_away(had)
    assert (all_are(again, True), changed(again)) == (True, {})
    assert everything(whole) == before


def by_hand(whole, what):
    """Change one thing as another tool does."""
    if what == "credential value":
        body = {"credential_name": "openai-prod", "credential_info": {}}
        body |= {"credential_values": {"api_base": "https://other.example.com"}}
        return whole("PATCH", "/credentials/openai-prod", json=body)
    if what in ("model param", "model"):
        row = whole.one_model("large")["model_info"]["id"]
        if what == "model":
            return whole("POST", "/model/delete", json={"id": row})
        return whole("PATCH", f"/model/{row}/update", json={"litellm_params": {"rpm": 7}})
    if what == "rule":
        rule = {"model": "chat", "fallback_models": ["small"], "fallback_type": "general"}
        return whole("POST", "/fallback", json=rule)
    if what == "rule that is gone":
        return whole("DELETE", "/fallback/small", params={"fallback_type": "context_window"})
    return whole("POST", "/config/update", json={"router_settings": {"num_retries": 9}})


HAND = {
    "credential value": ("litellm_credential.present", "openai-prod"),
    "model param": ("litellm_model.present", "large"),
    "model": ("litellm_model.present", "large"),
    "rule": ("litellm_fallback.present", "chat"),
    "rule that is gone": ("litellm_fallback.present", "window"),
    "setting": ("litellm_router.managed", "retries"),
}


def test_each_thing_that_is_changed_by_hand_is_seen_and_repaired(sls, whole, had):
    url = "https://provider.example.com/v1"
    sls.apply(url)
    shown = (whole.rules(), whole.settings("num_retries", "timeout"))
    for what, state in HAND.items():
        if what == "setting" and not whole.has_settings():
            continue
        by_hand(whole, what).raise_for_status()
        predicted, repaired = sls.apply(url, test=True), sls.apply(url)
        assert predicted[state]["result"] is None, what
        assert all_are(repaired, True), (what, repaired)
        assert set(changed(repaired)) == {state}, what
        assert changed(predicted) == changed(repaired), what
        assert changed(sls.apply(url)) == {}, what
        assert (whole.rules(), whole.settings("num_retries", "timeout")) == shown, what
        assert whole.one_model("large")["litellm_params"]["rpm"] == 5
        values = whole.credentials()["openai-prod"]["credential_values"]
        assert values["api_base"] == url


def test_a_document_leaves_the_gateway_as_it_was(managed, whole, document, had):
    before = everything(whole)
    assert managed(document())["result"] is True
    assert everything(whole) != before
    assert managed({"router_settings": had})["result"] is whole.has_settings()
    rules = [(kind, model) for kind, found in whole.rules().items() for model in found]
    for kind, model in rules:  # which have no owner, so prune leaves them alone
        whole("DELETE", f"/fallback/{model}", params={"fallback_type": kind})
    left = {"credential_list": [], "model_list": []}
    result = managed(left, prune=True, allow_empty=True)
    assert result["result"] is True, result["comment"]
    assert everything(whole) == before
