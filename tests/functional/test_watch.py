"""`watch` and `listen`: a state that is applied again because something else changes."""

import pytest

from .conftest import id_of, sent

WRITTEN = "model_api_key was written again, because the gateway had another one"
AGAIN = (
    "It was applied again with `verify_secrets: True`, because something that it watches changes"
)
KEY = "sk-ours-0123456789"
MODEL = {"custom_llm_provider": "openai", "base_model": "gpt-4", "model_api_key": KEY}


@pytest.fixture
def run(loaders, profile):
    """Applies one state that has the requisite `how` on one that changes, or does not."""

    def apply(function, args, *, how="watch", changes=True, test=False):
        changer = "succeed_with_changes" if changes else "succeed_without_changes"
        args = {"profile": profile, how: [{"test": "changer"}], **args}
        declared = [function, *({key: value} for key, value in args.items())]
        high = {"changer": {"test": [changer]}, "watcher": {"litellm_model": declared}}
        returned = loaders.modules.state.high(high, test=test).raw
        assert isinstance(returned, dict), returned
        return {
            result["__id__"]: result
            for tag, result in returned.items()
            if tag.startswith("litellm_model")
        }

    return apply


def spoil(api, model_id):
    """Somebody changes the secret by hand."""
    api.patch(model_id, litellm_params={"api_key": "sk-theirs-9876543210"})
    assert api.secrets(model_id)["api_key"] == "sk****10"


@pytest.mark.parametrize(("how", "told_by"), [("watch", "watcher"), ("listen", "listener_watcher")])
def test_what_is_watched_lets_secrets_be_verified(api, run, name, how, told_by):
    args = {"name": name, **MODEL}
    run("present", args, how=how)
    model_id = id_of(api.one(name))
    spoil(api, model_id)

    rested = run("present", args, how=how, changes=False)
    assert rested.keys() == {"watcher"}
    assert rested["watcher"]["comment"] == f"{name} is as declared"
    assert api.secrets(model_id)["api_key"] == "sk****10"

    predicted = run("present", args, how=how, test=True)[told_by]
    assert predicted["result"] is None
    assert "It would be applied again" in predicted["comment"]
    assert api.secrets(model_id)["api_key"] == "sk****10"

    done = run("present", args, how=how)[told_by]
    assert done["changes"] == predicted["changes"]
    assert done["changes"].keys() == {"model_api_key"}
    assert (done["result"], done["comment"]) == (True, f"{name} was updated. {WRITTEN}\n{AGAIN}")
    assert api.secrets(model_id)["api_key"] == "sk****89"

    again = run("present", args, how=how)[told_by]
    assert (again["result"], again["changes"]) == (True, {})
    assert again["comment"] == f"{name} is as declared\n{AGAIN}"


def test_a_set_that_watches_has_its_secrets_verified(api, run, name):
    args = {"name": f"set-{name}", "models": {name: MODEL, f"{name}-2": MODEL}}
    run("managed", args)
    spoil(api, id_of(api.one(name)))
    done = run("managed", args)["watcher"]
    assert done["result"] is True
    assert {model: list(changes) for model, changes in done["changes"].items()} == {
        name: ["model_api_key"]
    }
    counts = "1 of 2 models was updated, 1 is as declared"
    assert done["comment"] == f"{counts}\n{name}: {WRITTEN}\n{AGAIN}"
    assert api.secrets(id_of(api.one(name)))["api_key"] == "sk****89"


@pytest.mark.parametrize("how", ["watch", "listen"])
def test_absent_is_applied_again(api, run, name, how):
    model_id = api.create(name)
    first = run("absent", {"name": name, "model_id": model_id}, how=how)
    assert first["watcher"]["comment"] == f"{name} was deleted"
    assert api.named(name) == []
    (told,) = [
        result
        for result in run("absent", {"name": name}, how=how).values()
        if "applied again" in result["comment"]
    ]
    assert (told["result"], told["changes"]) == (True, {})
    assert told["comment"].startswith(f"{name} is absent")


def test_a_state_that_has_changed_itself_is_not_applied_again(run, recorder, name):
    done = run("present", {"name": name, **MODEL})
    assert done["watcher"]["comment"] == f"{name} was created"
    assert [method for method, _ in sent(recorder)].count("POST") == 1


def test_one_state_of_ours_can_watch_another(api, states, name):
    first = ("present", {"name": f"{name}-1", **MODEL, "rpm": 1})
    second = {"name": f"{name}-2", **MODEL, "watch": [{"litellm_model": "0000"}]}
    states.run(first, ("present", second))
    changed = ("present", {**first[1], "rpm": 2})
    watched, told = states.run(changed, ("present", second))
    assert watched["changes"] == {"rpm": {"old": 1, "new": 2}}
    assert (told["result"], told["changes"]) == (True, {})
    assert told["comment"] == f"{name}-2 is as declared\n{AGAIN}"


def test_a_failure_is_told_as_that_of_any_state(run, name, recorder):
    run("present", {"name": name, **MODEL})
    recorder.fault(status=500, json={"error": {"message": "made to fail"}})
    told = run("present", {"name": name, **MODEL})["watcher"]
    assert told["result"] is False
    assert "made to fail" in told["comment"]
    assert "applied again" not in told["comment"]


def test_it_is_not_a_state_to_declare(states, name):
    result = states.run(("mod_watch", {"name": name}))
    assert result["result"] is False
    assert "declare another function" in result["comment"]
