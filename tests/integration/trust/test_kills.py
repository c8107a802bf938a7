"""`salt-call` killed in the middle of a removal by replacement, with all that it has started."""

import json
import os
import signal
import threading

import pytest

from tests.functional.conftest import LIST, Api, sent

NAME = "killed-salt-call"
LESS = {"custom_llm_provider": "openai", "base_model": "gpt-4", "model_api_key": "sk-0123456789"}
THEIRS = {"temperature": 0.5}


@pytest.fixture
def api(gateway):
    api = Api(gateway)
    yield api
    for row in api.named(NAME):
        api.delete(row["model_info"]["id"])


@pytest.fixture
def salt_call(salt_call, gateway, recorder):
    salt_call.pillar({"litellm": {"url": recorder.url, "api_key": gateway.key, "retries": 0}})
    return salt_call


def is_write(record):
    return record.method != "GET"


def kill_after_write(salt_call, recorder, number):
    """Kill `salt-call` when a write is done, before it hears so. Returns whether it came so far."""
    recorder.clear()
    dead = threading.Event()

    def kill(answer):
        os.killpg(process.pid, signal.SIGKILL)
        dead.wait()
        return answer

    recorder.fault(
        when=lambda record: is_write(record) and sum(map(is_write, recorder.requests)) == number,
        rewrite=kill,
    )
    process = salt_call.start("state.apply", "less")
    process.wait()
    dead.set()
    recorder.mend()
    return process.returncode == -signal.SIGKILL


@pytest.mark.survive
@pytest.mark.parametrize("pinned", [{}, {"model_id": f"{NAME}-id"}], ids=["removal", "pinned"])
def test_the_next_run_does_the_rest(salt_call, recorder, api, survived, pinned):
    for states, args in (("full", {**LESS, "model_info": {"note": "ours"}}), ("less", LESS)):
        declared = [{key: value} for key, value in {**args, **pinned}.items()]
        salt_call.states(states, json.dumps({NAME: {"litellm_model.present": declared}}))
    for number in range(1, 10):
        (made,) = salt_call.apply("full")
        assert made["result"] is True
        api.patch(api.one(NAME)["model_info"]["id"], litellm_params=THEIRS)
        if not kill_after_write(salt_call, recorder, number):
            break
        assert api.named(NAME)  # it is served all the same
        (done,) = salt_call.apply("less")
        assert done["result"] is True
        row = api.one(NAME)
        assert "note" not in row["model_info"]
        assert row["litellm_params"]["temperature"] == THEIRS["temperature"]
        assert row["model_info"]["id"] == pinned.get("model_id", row["model_info"]["id"])
        recorder.clear()
        (rests,) = salt_call.apply("less")
        assert (rests["result"], rests["changes"], sent(recorder)) == (True, {}, [LIST])
        survived("Kills", "salt-call killed: removal")
    assert number > 3  # a create, a delete, and what goes with them
