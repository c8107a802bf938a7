"""`plan_set`: what a set would do, for programs: in names, keys and numbers, and an exit code."""

import json

import pytest
from salt.exceptions import CommandExecutionError, SaltInvocationError

from .conftest import LIST, MODEL, as_job, sent

SECRET = "sk-plan-set-0123456789"


@pytest.fixture
def plan_set(modules, loaders, name):
    """Plans the set of the test; returns the plan and its exit code."""

    def plan_set(models, **args):
        loaders.context.pop("retcode", None)
        with as_job("litellm_model.plan_set"):
            told = modules("plan_set", f"set-{name}", models=models, **args)
        return told, loaders.context.get("retcode", 0)

    return plan_set


@pytest.fixture
def manage(modules, name):
    return lambda models, **args: modules("manage", f"set-{name}", models=models, **args)


def ours(told, name):
    """The rows that nobody owns and that this test has made: others may be there."""
    return [row for row in told["unowned"] if name in row]


def test_nothing_to_do_is_one_request_and_exit_code_0(plan_set, manage, recorder, name):
    models = {name: MODEL}
    manage(models)
    recorder.clear()
    told, code = plan_set(models)
    assert code == 0
    assert told["pending"] is False
    assert (told["counts"]["models"], told["counts"]["as_declared"]) == (1, 1)
    assert all(not told[key] for key in set(told) - {"pending", "counts", "unowned"})
    assert sent(recorder) == [LIST]


def test_each_kind_of_change_is_named_and_nothing_is_written(plan_set, manage, api, name):
    keyed = {**MODEL, "model_api_key": SECRET}
    manage({f"{name}-{what}": {**keyed, "rpm": 1} for what in ("same", "changed", "moved", "gone")})
    nobodys = api.create(f"{name}-there", {"rpm": 1})
    stray = api.create(f"{name}-stray")
    before = api.all_rows()
    models = {
        f"{name}-same": {**keyed, "rpm": 1},
        f"{name}-changed": {**keyed, "rpm": 2, "model_api_key": SECRET + "-rotated"},
        f"{name}-moved": {**keyed, "rpm": 1, "model_id": f"{name}-new-id"},
        f"{name}-there": {**MODEL, "rpm": 2},
        f"{name}-new": keyed,
    }
    told, code = plan_set(models, prune=True)
    assert code == 2
    assert told["pending"] is True
    assert told["created"] == [f"{name}-new"]
    assert told["deleted"] == [f"{name}-gone"]
    assert told["replaced"] == [f"{name}-moved"]
    assert told["updated"] == {f"{name}-changed": ["model_api_key", "rpm"]} | {
        f"{name}-moved": ["model_id"]
    }
    assert set(told["adopted"]) == {f"{name}-there"}
    assert {"owner", "rpm"} <= set(told["adopted"][f"{name}-there"])
    assert ours(told, name) == [f"{name}-stray ({stray})"]
    assert nobodys not in str(told["unowned"])
    counts = {"models": 5, "as_declared": 1, "created": 1, "deleted": 1, "replaced": 1}
    counts |= {"updated": 2, "adopted": 1, "failed": 0, "undeclared": 0, "not_deleted": 0}
    assert {key: told["counts"][key] for key in counts} == counts
    assert SECRET not in json.dumps(told)
    assert api.all_rows() == before
    assert plan_set(dict(reversed(models.items())), prune=True) == (told, code)


def test_without_prune_what_is_not_declared_is_named_and_is_nothing_to_do(plan_set, manage, name):
    manage({name: MODEL, f"{name}-left": MODEL})
    told, code = plan_set({name: MODEL})
    assert (told["undeclared"], told["pending"], code) == ([f"{name}-left"], False, 0)


def test_the_plan_is_what_is_done(plan_set, manage, name):
    models = {name: MODEL, f"{name}-2": {**MODEL, "rpm": 1}}
    told, _ = plan_set(models)
    assert told["created"] == manage(models)["created"]
    assert plan_set(models)[1] == 0


def test_a_mistake_and_a_gateway_out_of_reach_are_told_in_a_sentence(modules, plan_set, name):
    with pytest.raises(SaltInvocationError, match="needs base_model too"):
        plan_set({name: {"custom_llm_provider": "openai"}})
    nowhere = {"url": "http://127.0.0.1:1", "api_key": SECRET, "retries": 0}
    with pytest.raises(CommandExecutionError, match="Cannot reach") as caught:
        modules("plan_set", name, models={name: MODEL}, profile=nowhere)
    assert SECRET not in str(caught.value)


@pytest.fixture
def run(loaders):
    """Applies states as a job does; returns their results by their ids."""

    def run(high, test=False, job="state.apply"):
        with as_job(job):
            returned = loaders.modules.state.high(high, test=test)
        assert isinstance(returned.raw, dict), returned
        return {one["__id__"]: one for one in returned.raw.values()}

    return run


@pytest.mark.parametrize("requisite", ["onlyif", "unless"])
@pytest.mark.parametrize("is_pending", [True, False])
def test_a_plan_decides_only_the_condition_that_it_is_in(
    run, manage, profile, name, requisite, is_pending
):
    if not is_pending:
        manage({name: MODEL})
    plan = {"fun": "litellm_model.plan_set", "args": [f"set-{name}"]}
    plan |= {"models": {name: MODEL}, "profile": profile, "get_return": "pending"}
    nothing = "succeed_without_changes"
    high = {
        "plan": {"test": [nothing, {requisite: [plan]}]},
        "true": {"test": [nothing, {"onlyif": [{"fun": "test.true"}]}]},
        "false": {"test": [nothing, {"onlyif": [{"fun": "test.false"}]}]},
        "unless true": {"test": [nothing, {"unless": [{"fun": "test.true"}]}]},
        "unless false": {"test": [nothing, {"unless": [{"fun": "test.false"}]}]},
    }
    done = run(high)
    ran = {id_ for id_, one in done.items() if one["comment"] == "Success!"}
    decided = {"plan"} if is_pending is (requisite == "onlyif") else set()
    assert ran == {"true", "unless false"} | decided


def test_a_plan_that_a_state_makes_does_not_fail_it(run, profile, name, loaders):
    arguments = [{"name": f"set-{name}"}, {"models": {name: MODEL}}, {"profile": profile}]
    high = {"call": {"module": ["run", {"litellm_model.plan_set": arguments}]}}
    high["then"] = {"test": ["succeed_without_changes", {"onlyif": [{"fun": "test.true"}]}]}
    done = run(high)
    assert done["call"]["result"] is True, done
    assert done["call"]["changes"]["litellm_model.plan_set"]["pending"] is True
    assert done["then"]["comment"] == "Success!"


def test_only_a_call_that_is_for_a_plan_has_its_exit_code(modules, loaders, name):
    for job, code in (("litellm_model.plan_set", 2), ("state.apply", None), ("mine.update", None)):
        loaders.context.pop("retcode", None)
        with as_job(job):
            assert modules("plan_set", f"set-{name}", models={name: MODEL})["pending"] is True
        assert loaders.context.get("retcode") == code
    loaders.context.pop("retcode", None)
    modules("plan_set", f"set-{name}", models={name: MODEL})  # a beacon, a schedule
    assert "retcode" not in loaders.context
