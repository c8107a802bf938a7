"""Several workers: what one has read of the credentials may be half a minute old."""

import pytest

from tests.functional.conftest import MARKER

from .conftest import VALUES, CredentialApi

KEY, NEXT = VALUES["api_key"], "sk-9876543210"


@pytest.fixture
def apart(processes, loaders, recorder_for, name):
    """States through the first of two processes, the APIs of both, and how to make a model."""
    recorder = recorder_for(processes[0])
    profile = {"url": recorder.url, "api_key": processes[0].key, "retries": 0}
    ours, other = map(CredentialApi, processes)
    ids = []

    def run(function, test=False, **args):
        given = [{key: value} for key, value in {"profile": profile, "name": name, **args}.items()]
        high = {"one": {"litellm_credential": [function, *given]}}
        (result,) = loaders.modules.state.high(high, test=test).raw.values()
        return result

    def model():
        """A model, by which a worker can be made to read its database."""
        body = {"model_name": name, "litellm_params": {"model": "openai/gpt-4"}, "model_info": {}}
        answer = processes[0].request("POST", "/model/new", json=body)
        ids.append(answer.json()["model_id"])

    yield run, ours, other, model
    for each in ids:
        processes[0].request("POST", "/model/delete", json={"id": each})
    for process in processes:
        CredentialApi(process).clean(name)


def stored(api, name):
    """What the database has: the worker reads it anew."""
    api("POST", "/config/update", json={})
    return api.one(name)


def test_what_another_client_has_just_added_survives_our_write(apart, name):
    """Up to LiteLLM 1.109 a write replaces credential_info."""
    run, ours, other, model = apart
    if not ours.since("1.106"):
        pytest.skip("Nothing makes LiteLLM 1.83 read its database")
    model()
    run("present", credential_values={"api_key": KEY})
    other.patch(name, {"region": "eu"}, {**ours.one(name)["credential_info"], "team": "theirs"})
    result = run("present", credential_values={"api_key": NEXT})
    assert result["result"] is True
    assert result["comment"].endswith("credential_values:api_key was rotated")
    row = stored(other, name)
    assert row["credential_values"] == {"api_key": "sk****10", "region": "eu"}
    assert row["credential_info"]["team"] == "theirs"
    assert row["credential_info"][MARKER]["name"] == name


def test_without_a_model_it_is_said_that_the_list_may_be_old(apart, processes, name):
    run, ours, _, _ = apart
    run("present", credential_values={"api_key": KEY})
    result = run("present", credential_values={"api_key": NEXT})
    assert (result["result"], set(result["changes"])) == (True, {"credential_values:api_key"})
    said = "LiteLLM may not have shown what was changed in the last half minute"
    merges = ours.since("1.110")
    assert (said in result["comment"]) is not merges
    assert (
        run("present", credential_values={"api_key": NEXT})["comment"] == f"{name} is as declared"
    )


@pytest.mark.parametrize("function", ["present", "absent"])
def test_what_another_worker_has_made_is_somebody_elses(apart, name, function):
    """The database refuses a second one of the name; then the worker is made to read it."""
    run, ours, other, model = apart
    model()
    other.create(name, info={MARKER: {"name": "theirs", "id": name, "keys": []}})
    assert ours.one(name) is None
    args = {"credential_values": {"api_key": NEXT}} if function == "present" else {}
    result = run(function, **args)
    assert (result["result"], result["changes"]) == (False, {})
    if ours.since("1.106"):
        assert f"{name} belongs to 'theirs'" in result["comment"]
        assert stored(other, name)["credential_values"]["api_key"] == "sk****89"


def test_a_model_may_name_what_another_worker_has_made(apart, processes, loaders, name):
    _, ours, other, _ = apart
    other.create(name)
    assert ours.one(name) is None
    profile = {"url": processes[0].url, "api_key": processes[0].key}
    given = {"profile": profile, "name": name, "custom_llm_provider": "openai", "base_model": "x"}
    given["litellm_params"] = {"litellm_credential_name": name}
    state = ["present", *({key: value} for key, value in given.items())]
    high = {"one": {"litellm_model": state}}
    (result,) = loaders.modules.state.high(high).raw.values()
    loaders.modules["litellm_model.delete"](name, profile=profile)
    assert result["result"] is True, result
