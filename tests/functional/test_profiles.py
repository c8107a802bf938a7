"""Profiles from pillar, minion config, mappings and sdb; and never another gateway."""

import pytest

from tests.support.recorder import Recorder

from .conftest import Api, States

MODEL = {"custom_llm_provider": "openai", "base_model": "gpt-4"}


@pytest.fixture
def pillar(loaders):
    """The pillar of the next runs."""
    before = loaders.opts["pillar"]
    loaders.opts["pillar"] = {}
    yield loaders.opts["pillar"]
    loaders.opts["pillar"] = before


def test_two_profiles_in_one_run_reach_two_gateways(loaders, pillar, api, second_gateway, name):
    pillar["litellm"] = {
        "dev": {"url": api.gateway.url, "api_key": api.gateway.key},
        "prod": {"url": second_gateway.url, "api_key": second_gateway.key},
    }
    states = States(loaders, "litellm")
    results = states.run(
        ("present", {"name": f"{name}-dev", **MODEL, "profile": "litellm:dev"}),
        ("present", {"name": f"{name}-prod", **MODEL, "profile": "litellm:prod"}),
    )
    assert [result["result"] for result in results] == [True, True]
    prod = Api(second_gateway)
    assert api.named(f"{name}-dev")
    assert not api.named(f"{name}-prod")
    assert prod.named(f"{name}-prod")
    assert not prod.named(f"{name}-dev")
    prod.delete(prod.one(f"{name}-prod")["model_info"]["id"])


def test_an_unknown_profile_fails_and_sends_nothing(loaders, pillar, gateway, name):
    with Recorder(gateway.url) as recorder:
        pillar["litellm"] = {"url": recorder.url, "api_key": gateway.key}
        states = States(loaders, "litellm:staging")
        for test in (True, False):
            result = states.present(name, test=test)
            assert (result["result"], result["changes"]) == (False, {})
            assert "litellm:staging" in result["comment"]
        assert recorder.requests == []


def test_a_profile_in_the_minions_config(loaders, api, name):
    loaders.opts["gateway_of_mine"] = {"url": api.gateway.url, "api_key": api.gateway.key}
    try:
        assert States(loaders, "gateway_of_mine").present(name)["result"] is True
    finally:
        del loaders.opts["gateway_of_mine"]
    assert api.one(name)


def test_references_are_resolved(loaders, pillar, api, monkeypatch, name):
    monkeypatch.setenv("SALTEXT_TEST_ADMIN", api.gateway.key)
    monkeypatch.setenv("SALTEXT_TEST_PROVIDER", "sk-from-sdb-0123456789")
    loaders.opts["osenv"] = {"driver": "env"}
    pillar["litellm"] = {"url": api.gateway.url, "api_key": "sdb://osenv/SALTEXT_TEST_ADMIN"}
    try:
        states = States(loaders, "litellm")
        result = states.present(name, model_api_key="sdb://osenv/SALTEXT_TEST_PROVIDER")
        assert result["result"] is True, result
        assert states.present(name, model_api_key="sk-from-sdb-0123456789")["changes"] == {}
        missing = states.present(name, model_api_key="sdb://osenv/SALTEXT_TEST_NONE")
        broken = states.present(name, model_api_key="sdb://nowhere/KEY")
    finally:
        del loaders.opts["osenv"]
    assert api.secrets(api.one(name)["model_info"]["id"])["api_key"] == "sk****89"
    for result, uri in ((missing, "sdb://osenv/SALTEXT_TEST_NONE"), (broken, "sdb://nowhere/KEY")):
        assert result["result"] is False
        assert f"Cannot resolve {uri}" in result["comment"]


@pytest.mark.parametrize(
    ("profile", "words"),
    [
        ({"api_key": "sk-admin"}, "has no url"),
        ({"url": "gw.example.com", "api_key": "sk-admin"}, "http or https in front"),
        ({"url": "https://gw.example.com"}, "has no api_key"),
    ],
)
def test_a_wrong_profile_fails_the_state(loaders, name, profile, words):
    result = States(loaders, profile).present(name)
    assert result["result"] is False
    assert words in result["comment"]
    assert "sk-admin" not in result["comment"]
