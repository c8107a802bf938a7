"""What changes on the gateway while a run is under way is seen by the states that follow."""

import json
import shlex
import sys

import pytest

from .conftest import LIST, MODEL, id_of, sent

CALL = """
import json, sys, urllib.request
url, key, path, body = sys.argv[1:]
request = urllib.request.Request(url + path, body.encode(), method="POST")
request.add_header("Authorization", f"Bearer {key}")
request.add_header("Content-Type", "application/json")
urllib.request.urlopen(request).read()
"""


@pytest.fixture
def run(loaders, profile):
    """Applies states of any kind in one run: (id, state.function, arguments)."""

    def run(*states, test=False):
        high = {}
        for number, (id_, function, args) in enumerate(states, start=1):
            state, called = function.split(".")
            ours = {"profile": profile} if state == "litellm_model" else {}
            given = {"order": number, **ours, **args}
            high[id_] = {state: [called, *({key: value} for key, value in given.items())]}
        returned = loaders.modules.state.high(high, test=test).raw
        assert isinstance(returned, dict), returned
        return {result["__id__"]: result for result in returned.values()}

    return run


@pytest.fixture
def by_hand(api):
    """A `cmd.run` that calls LiteLLM's API, past the recorder."""

    def by_hand(id_, path, body, **more):
        gateway = api.gateway
        words = [sys.executable, "-c", CALL, gateway.url, gateway.key, path, json.dumps(body)]
        return id_, "cmd.run", {"name": shlex.join(words), **more}

    return by_hand


def delete_by_hand(by_hand, model_id, **more):
    return by_hand("deleted", "/model/delete", {"id": model_id}, **more)


@pytest.fixture
def made(run, api, name):
    """A deployment of ours, and its id."""
    run(("first", "litellm_model.present", {"name": name, **MODEL}))
    return id_of(api.one(name))


def test_what_a_command_has_deleted_is_made_again(run, api, by_hand, name, made):
    states = [
        ("before", "litellm_model.present", {"name": name, **MODEL}),
        delete_by_hand(by_hand, made),
        ("after", "litellm_model.present", {"name": name, **MODEL}),
    ]
    done = run(*states)
    assert done["before"]["comment"] == f"{name} is as declared"
    assert done["after"]["comment"] == f"{name} was created"
    assert len(api.named(name)) == 1


def test_what_a_command_has_made_is_adopted_and_not_doubled(run, api, by_hand, name):
    body = {"model_name": name, "litellm_params": {"model": "openai/gpt-4"}}
    done = run(
        ("other", "litellm_model.present", {"name": f"{name}-other", **MODEL}),
        by_hand("made", "/model/new", body),
        ("after", "litellm_model.present", {"name": name, **MODEL}),
        ("gone", "litellm_model.absent", {"name": f"{name}-other"}),
    )
    assert "owner" in done["after"]["changes"]
    assert done["gone"]["changes"]
    assert len(api.named(name)) == 1


@pytest.mark.parametrize("function", ["absent", "managed"])
def test_what_a_command_has_made_is_seen_by_all_states(run, api, by_hand, name, function):
    args = {"name": name, "models": {name: MODEL}} if function == "managed" else {"name": name}
    body = {"model_name": name, "litellm_params": {"model": "openai/gpt-4"}}
    done = run(
        ("before", "litellm_model.absent", {"name": name}),
        by_hand("made", "/model/new", body),
        ("after", f"litellm_model.{function}", args),
    )
    assert done["before"]["comment"].startswith(f"{name} is absent")
    assert done["after"]["changes"]
    assert len(api.named(name)) == (function == "managed")


def test_module_run_is_another_hand(run, api, profile, name, made):
    """Also with the word order of Salt before 2017, which Salt 3006 and 3008 know both."""
    done = run(
        ("before", "litellm_model.present", {"name": name, **MODEL}),
        (
            "deleted",
            "module.run",
            {"litellm_model.delete": [{"model_id": made}, {"profile": profile}]},
        ),
        ("after", "litellm_model.present", {"name": name, **MODEL}),
    )
    assert done["deleted"]["result"] is True, done["deleted"]
    assert done["after"]["comment"] == f"{name} was created"
    assert len(api.named(name)) == 1


def test_with_nothing_in_between_one_request_is_enough(run, recorder, name):
    states = [
        ("first", "litellm_model.present", {"name": f"{name}-1", **MODEL}),
        ("nothing", "test.succeed_without_changes", {}),
        ("second", "litellm_model.present", {"name": f"{name}-2", **MODEL}),
    ]
    run(*states)
    recorder.clear()
    run(*states)
    assert sent(recorder) == [LIST]
    recorder.clear()
    run(*states[:2], ("changed", "test.succeed_with_changes", {}), states[2])
    assert sent(recorder) == [LIST, LIST]


def test_a_state_that_watches_decides_by_what_is_there(run, api, by_hand, name, made):
    done = run(
        delete_by_hand(by_hand, made, order="last"),
        (
            "watcher",
            "litellm_model.present",
            {"name": name, **MODEL, "listen": [{"cmd": "deleted"}]},
        ),
    )
    assert done["watcher"]["comment"] == f"{name} is as declared"
    assert done["listener_watcher"]["comment"].startswith(f"{name} was created")
    assert len(api.named(name)) == 1


def test_a_retry_looks_again(run, api, recorder, name):
    """Two rows have the name at first; somebody deletes one before the second try."""
    api.create(name)
    twin = api.create(name)
    looks = 0

    def delete_the_twin(record):
        nonlocal looks
        looks += record.path == LIST[1] and "search" in record.query
        if looks == 2 and twin in [id_of(row) for row in api.named(name)]:
            api.delete(twin)
        return False

    recorder.fault(when=delete_the_twin, status=500, json={}, times=1)
    retry = {"attempts": 3, "interval": 0}
    done = run(("present", "litellm_model.present", {"name": name, **MODEL, "retry": retry}))
    assert done["present"]["result"] is True, done["present"]["comment"]
    assert len(api.named(name)) == 1


PREREQ = {"prereq": [{"litellm_model": "model"}]}


def test_prereq_with_test_predicts_what_is_to_be_done(run, api, name):
    """Salt asks such a state twice: whether it would change something, and what."""
    done = run(
        ("drain", "test.succeed_with_changes", PREREQ),
        ("model", "litellm_model.present", {"name": name, **MODEL}),
        ("next", "litellm_model.absent", {"name": name}),
        test=True,
    )
    assert done["model"]["comment"] == f"{name} would be created"
    assert done["next"]["comment"].startswith(f"{name} would be deleted")
    assert api.named(name) == []


def test_what_a_prerequisite_changes_is_repaired(run, api, by_hand, name, made):
    done = run(
        delete_by_hand(by_hand, made, **PREREQ),
        ("model", "litellm_model.present", {"name": name, **MODEL, "rpm": 5}),
    )
    assert done["deleted"]["result"] is True, done
    assert done["model"]["comment"] == f"{name} was created"
    assert api.one(name)["litellm_params"]["rpm"] == 5


def test_after_a_failure_the_next_state_looks_again(run, recorder, name):
    wrong = {"name": f"{name}-wrong", **MODEL, "custom_llm_provider": "no-such-provider"}
    good = ("good", "litellm_model.present", {"name": name, **MODEL})
    run(good)
    recorder.clear()
    done = run(good, ("wrong", "litellm_model.present", wrong), ("after", *good[1:]))
    assert done["wrong"]["result"] is False
    reads = [record for record in recorder.requests if "search" in record.query]
    assert len(reads) >= 2
    assert done["after"]["changes"] == {}
