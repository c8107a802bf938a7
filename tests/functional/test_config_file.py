"""Deployments of the gateway's own config file are reported and never touched."""

import pytest

from .conftest import Api, States

CONFIG_ID = "from-the-config-file"


@pytest.fixture
def gateway(configured_gateway):
    return configured_gateway


@pytest.fixture
def states(loaders, gateway):
    return States(loaders, {"url": gateway.url, "api_key": gateway.key})


def the_row(gateway):
    (row,) = [row for row in Api(gateway).rows() if row["model_info"]["id"] == CONFIG_ID]
    return row


@pytest.mark.parametrize("test", [True, False])
def test_absent_leaves_it_and_says_so(gateway, states, test):
    before = the_row(gateway)
    result = states.absent("config-model", test=test)
    assert (result["result"], result["changes"]) == (False, {})
    assert result["comment"] == (
        "config-model is still served: the gateway's config file defines it "
        f"({CONFIG_ID}); remove it there"
    )
    assert the_row(gateway) == before


@pytest.mark.parametrize("function", ["present", "absent"])
def test_its_id_is_refused(gateway, states, function):
    before = the_row(gateway)
    result = getattr(states, function)("anything", model_id=CONFIG_ID)
    assert (result["result"], result["changes"]) == (False, {})
    assert "config file" in result["comment"]
    assert the_row(gateway) == before


def test_present_adds_its_own_beside_it(gateway, states):
    before = the_row(gateway)
    result = states.present("config-model")
    assert result["result"] is True
    assert "config file" in result["comment"]
    assert len(Api(gateway).named("config-model")) == 2
    assert states.present("config-model")["changes"] == {}
    ids = {row["model_info"]["id"] for row in Api(gateway).named("config-model")}
    (own_id,) = ids - {CONFIG_ID}
    result = states.absent("config-model", model_id=own_id)
    assert (result["result"], bool(result["changes"])) == (True, True)
    assert the_row(gateway) == before
