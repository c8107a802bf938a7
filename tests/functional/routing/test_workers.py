"""Two processes over one database: what one does, the other has not heard of."""

import pytest

from tests.functional.conftest import Api, States

from .conftest import FAILS, RoutingApi


@pytest.fixture(scope="module")
def processes(gateway_factory):
    """They do not read the database by themselves (from 1.106 on)."""
    environment = {
        "LITELLM_SALT_KEY": "sk-of-both-processes-0123",
        "PROXY_CONFIG_RELOAD_INTERVAL_SECONDS": "3600",
    }
    first = gateway_factory(environment=environment)
    second = gateway_factory(
        environment={**environment, "DATABASE_URL": first.psql[-1]},
        general_settings={"master_key": first.key},
    )
    return first, second


@pytest.fixture
def near(processes):
    return RoutingApi(processes[0])


@pytest.fixture
def far(processes):
    api = RoutingApi(processes[1])
    api.recent = api.since("1.106")
    if not api.recent:
        pytest.skip("LiteLLM 1.83 reads its database every few seconds, whatever it is told")
    return api


@pytest.fixture
def states(loaders, processes):
    """States that speak with the first process."""
    return States(loaders, {"url": processes[0].url, "api_key": processes[0].key, "retries": 0})


@pytest.fixture
def models(processes, near, far, name):
    """Models that both processes serve."""
    api = Api(processes[0])
    ids = [api.create(f"{name}-{one}", FAILS if one == "a" else {}) for one in "abc"]
    other = Api(processes[1])
    other.patch(ids[0])  # reads the database
    yield [f"{name}-{one}" for one in "abc"]
    for fallback_type, model in near.rules(name):
        near.delete_rule(model, fallback_type)
    for one in ids:
        api.delete(one)


def present(states, name, models, test=False):
    rule = {"name": name, "fallback_models": models}
    return states.run(("litellm_fallback.present", rule), test=test)


def test_rules_of_another_process_stay(states, far, near, models):
    first, second, third = models
    near.rules()
    far.set_rule(second, [third])
    present(states, first, [second])
    assert near.rules(models[0][:-2]) == {
        ("general", first): [second],
        ("general", second): [third],
    }


def test_a_rule_that_another_process_has_changed_is_set_again(states, far, near, models):
    first, second, third = models
    present(states, first, [second])
    near.rules()
    far.set_rule(first, [third])
    # At rest this process does not know of it; a write is read, and shows the truth.
    result = present(states, first, [third, second])
    assert result["result"] is True
    assert near.rules(first) == {("general", first): [third, second]}


def test_absent_asks_the_database(states, far, near, models):
    first, second, _ = models
    near.rules()
    far.set_rule(first, [second])
    result = states.run(("litellm_fallback.absent", {"name": first}))
    assert result["changes"] == {"rule": {"old": f"general/{first}", "new": None}}
    near("POST", "/config/update", json={})  # reads the database
    assert near.rules(first) == {}


def test_a_model_that_another_process_has_made_is_brought_here(
    states, processes, near, far, models, name
):
    """A write of nothing makes the process read its database."""
    api = Api(processes[1])
    made = api.create(f"{name}-new")
    try:
        declared = present(states, models[0], [f"{name}-new"])
        assert declared["result"] is True, declared
        assert near.rules(models[0]) == {("general", models[0]): [f"{name}-new"]}
    finally:
        api.delete(made)


def test_a_slash_loses_no_rule_of_another_process(states, processes, near, far, models, name):
    _, second, third = models
    made = Api(processes[0]).create(f"{name}/x")
    near.set_rule(f"{name}/x", [second])
    near.rules()
    far.set_rule(second, [third])
    result = states.run(("litellm_fallback.absent", {"name": f"{name}/x"}))
    assert result["changes"], result
    assert near.rules(name) == {("general", second): [third]}
    Api(processes[0]).delete(made)


def test_a_content_policy_rule_acts_elsewhere_later_and_that_is_said(states, far, models):
    rule = {"name": models[0], "fallback_models": [models[1]], "fallback_type": "content_policy"}
    result = states.run(("litellm_fallback.present", rule))
    note = "Other workers of the gateway follow it only when they are started again"
    assert (note in result["comment"]) is not far.since("1.109")


def test_settings_of_another_process_stay(states, far, near, models):
    near.settings()
    far.set(allowed_fails=8)
    given = {"name": "num_retries", "value": 4}
    assert states.run(("litellm_router.present", given))["result"] is True
    assert (near.settings()["allowed_fails"], near.live()["num_retries"]) == (8, 4)
    near.set(allowed_fails=3, num_retries=2)
