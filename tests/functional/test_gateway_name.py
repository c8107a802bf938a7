"""A profile that names its gateway reaches no other one."""

import pytest
from salt.exceptions import CommandExecutionError

from .conftest import LIST, MODEL, States, sent

REFUSED = "is the gateway 'prod', as the marker of "


@pytest.fixture
def as_named(loaders, profile):
    """The states with a profile of the same url that names its gateway."""
    return lambda names: States(loaders, {**profile, "gateway_name": names})


@pytest.fixture
def prod(as_named):
    return as_named("prod")


def marker(api, model_name):
    return api.one(model_name)["model_info"]["saltext_litellm"]


def test_what_salt_makes_carries_the_name(prod, api, recorder, name):
    assert prod.present(name)["result"] is True
    assert marker(api, name)["gateway"] == "prod"
    recorder.clear()
    assert prod.present(name)["changes"] == {}
    assert sent(recorder) == [LIST]


def test_a_profile_of_another_gateway_changes_nothing(prod, as_named, api, recorder, name):
    prod.run(("managed", {"name": f"set-{name}", "models": {name: MODEL}}))
    prod.present(f"{name}-2", rpm=1)
    before = api.all_rows()
    dev = as_named("dev")
    states = {
        "present": {"name": f"{name}-2", **MODEL, "rpm": 2},
        "absent": {"name": f"{name}-2"},
        "managed": {"name": f"set-{name}", "models": {f"{name}-3": MODEL}, "prune": True},
    }
    for test in (True, False):
        for function, arguments in states.items():
            recorder.clear()
            result = dev.run((function, arguments), test=test)
            assert (result["result"], result["changes"]) == (False, {}), function
            assert REFUSED in result["comment"]
            assert result["comment"].endswith("but gateway_name of the profile is 'dev'")
            assert sent(recorder) == [LIST]
    assert api.all_rows() == before


def test_nor_does_a_call_by_hand(prod, modules, profile, api, recorder, name):
    prod.present(name)
    before = api.all_rows()
    dev = {**profile, "gateway_name": "dev"}
    recorder.clear()
    calls = {
        "list": {},
        "export": {},
        "get": {"name": name},
        "block": {"name": name},
        "delete": {"name": name},
        "update": {"name": name, "rpm": 5},
        "create": {"name": f"{name}-2", **MODEL},
        "test_connection": {"name": name, **MODEL},
        "health": {"name": name},
    }
    for function, arguments in calls.items():
        with pytest.raises(CommandExecutionError, match=REFUSED):
            modules(function, **arguments, profile=dev)
    assert {record.method for record in recorder.requests} == {"GET"}
    assert api.all_rows() == before


def test_a_gateway_gets_its_name_once(states, prod, api, recorder, name):
    states.present(name, rpm=1)
    predicted, done = prod.present(name, test=True, rpm=1), prod.present(name, rpm=1)
    assert (predicted["result"], done["result"]) == (None, True)
    assert predicted["changes"] == done["changes"]
    assert done["changes"] == {"gateway_name": {"old": None, "new": "prod"}}
    recorder.clear()
    assert prod.present(name, rpm=1)["changes"] == {}
    assert sent(recorder) == [LIST]


def test_a_profile_without_a_name_leaves_it_alone(states, prod, api, name):
    prod.present(name, rpm=1, litellm_params={"seed": 1})
    assert states.present(name, rpm=1, litellm_params={"seed": 1})["changes"] == {}
    assert set(states.present(name, rpm=2)["changes"]) >= {"rpm", "litellm_params:seed"}
    assert marker(api, name)["gateway"] == "prod"  # also where the row was replaced
    assert prod.present(name, rpm=2)["changes"] == {}


def test_a_gateway_is_renamed_by_naming_its_former_name_too(prod, as_named, api, name):
    prod.present(name)
    renamed = as_named(["prod-eu", "prod"])
    changes = renamed.present(name)["changes"]
    assert changes == {"gateway_name": {"old": "prod", "new": "prod-eu"}}
    assert as_named("prod-eu").present(name)["result"] is True
    refused = prod.present(name)
    assert "is the gateway 'prod-eu'" in refused["comment"]


def test_a_copy_of_a_row_of_another_gateway_names_nothing(prod, as_named, api, name):
    prod.present(name)
    stored = api.one(name)["model_info"]["saltext_litellm"]
    api.delete(api.one(name)["model_info"]["id"])
    api.create(name, info={"saltext_litellm": stored})  # under an id of its own
    assert as_named("dev").present(f"{name}-2")["result"] is True
