"""Credentials of the gateway's config file belong to it, whatever version it has."""

import pytest

from .conftest import FILED, CredentialApi

NAME = FILED["credential_name"]


@pytest.fixture
def own(processes, loaders, recorder_for):
    """State functions on a gateway whose config file has a credential."""
    recorder = recorder_for(processes[0])
    profile = {"url": recorder.url, "api_key": processes[0].key, "retries": 0}

    def run(function, test=False, **args):
        state = {"litellm_credential": [function, {"profile": profile}, {"name": NAME}]}
        state["litellm_credential"] += [{key: value} for key, value in args.items()]
        (result,) = loaders.modules.state.high({"one": state}, test=test).raw.values()
        return result

    return run


@pytest.mark.parametrize(
    ("function", "args"),
    [("present", {"credential_values": {"api_key": "sk-other-0123"}}), ("absent", {})],
)
def test_they_are_never_touched(own, processes, function, args):
    api = CredentialApi(processes[0])
    before = api.one(NAME)
    result = own(function, **args)
    assert (result["result"], result["changes"]) == (False, {})
    assert "config file, which Salt never touches" in result["comment"]
    assert api.one(NAME) == before
    assert before["credential_values"] == {"api_key": "sk****23"}
