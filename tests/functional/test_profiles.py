"""Profiles from pillar, minion config, mappings and sdb; and never another gateway."""

import pytest

from tests.support.recorder import Recorder

from .conftest import MODEL, States


def test_two_profiles_in_one_run_reach_two_gateways(loaders_with, api, second_api, name):
    profiles = {
        "dev": {"url": api.gateway.url, "api_key": api.gateway.key},
        "prod": {"url": second_api.gateway.url, "api_key": second_api.gateway.key},
    }
    states = States(loaders_with({"litellm": profiles}), "litellm")
    results = states.run(
        ("present", {"name": f"{name}-dev", **MODEL, "profile": "litellm:dev"}),
        ("present", {"name": f"{name}-prod", **MODEL, "profile": "litellm:prod"}),
    )
    assert [result["result"] for result in results] == [True, True]
    assert api.named(f"{name}-dev")
    assert not api.named(f"{name}-prod")
    assert second_api.named(f"{name}-prod")
    assert not second_api.named(f"{name}-dev")


def test_an_unknown_profile_fails_and_sends_nothing(loaders_with, gateway, name):
    with Recorder(gateway.url) as recorder:
        pillar = {"litellm": {"url": recorder.url, "api_key": gateway.key}}
        states = States(loaders_with(pillar), "litellm:staging")
        for test in (True, False):
            result = states.present(name, test=test)
            assert (result["result"], result["changes"]) == (False, {})
            assert "litellm:staging" in result["comment"]
        assert recorder.requests == []


def test_a_profile_in_the_minions_config(loaders_with, api, name):
    profile = {"url": api.gateway.url, "api_key": api.gateway.key}
    loaders = loaders_with(gateway_of_mine=profile)
    assert States(loaders, "gateway_of_mine").present(name)["result"] is True
    assert api.one(name)


def test_references_are_resolved(loaders_with, api, monkeypatch, name):
    monkeypatch.setenv("SALTEXT_TEST_ADMIN", api.gateway.key)
    monkeypatch.setenv("SALTEXT_TEST_PROVIDER", "sk-from-sdb-0123456789")
    pillar = {"litellm": {"url": api.gateway.url, "api_key": "sdb://osenv/SALTEXT_TEST_ADMIN"}}
    states = States(loaders_with(pillar, osenv={"driver": "env"}), "litellm")
    result = states.present(name, model_api_key="sdb://osenv/SALTEXT_TEST_PROVIDER")
    assert result["result"] is True, result
    assert states.present(name, model_api_key="sk-from-sdb-0123456789")["changes"] == {}
    missing = states.present(name, model_api_key="sdb://osenv/SALTEXT_TEST_NONE")
    broken = states.present(name, model_api_key="sdb://nowhere/KEY")
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
