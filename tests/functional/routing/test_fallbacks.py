"""The states of fallbacks, on a real gateway."""

import pytest

from tests.functional.conftest import MODEL, bodies, sent

from .conftest import TYPES, RoutingApi

READ = ("GET", "/router/settings")


def test_it_is_made_and_then_as_declared_by_one_request(fallback, routing, models, recorder):
    first, *others = models
    predicted = fallback(first, test=True, fallback_models=others)
    assert routing.rule(first) is None
    result = fallback(first, fallback_models=others)
    assert (predicted["result"], result["result"]) == (None, True)
    assert predicted["changes"] == result["changes"]
    assert result["changes"] == {
        "rule": {"old": None, "new": f"general/{first}"},
        "fallback_models": {"old": None, "new": others},
    }
    assert predicted["comment"] == f"The rule general/{first} would be created"
    assert result["comment"] == f"The rule general/{first} was created"
    assert routing.rule(first) == others
    recorder.clear()
    again = fallback(first, fallback_models=others)
    assert (again["result"], again["changes"]) == (True, {})
    assert again["comment"] == f"The rule general/{first} is as declared"
    assert sent(recorder) == [READ]


def test_a_call_that_fails_is_answered_by_the_first_that_works(fallback, routing, models):
    first, second, third = models
    assert routing.ask(first) == 500
    fallback(first, fallback_models=[second, third])
    assert routing.ask(first) == "of b"
    fallback(first, fallback_models=[third, second])
    assert routing.ask(first) == "of c"


def test_a_create_sends_what_it_must(fallback, models, recorder):
    recorder.clear()
    fallback(models[0], fallback_models=[models[1]])
    router = ("GET", "/v2/model/info")
    assert sent(recorder) == [READ, router, ("POST", "/fallback"), READ]


def test_the_order_counts(fallback, routing, models):
    first, second, third = models
    fallback(first, fallback_models=[second, third])
    result = fallback(first, fallback_models=[third, second])
    assert result["changes"] == {
        "fallback_models": {"old": [second, third], "new": [third, second]}
    }
    assert result["comment"] == f"The rule general/{first} was updated"
    assert routing.rule(first) == [third, second]


def test_drift_by_hand_is_repaired(fallback, routing, models):
    first, second, third = models
    fallback(first, fallback_models=[second])
    routing.set_rule(first, [third])
    assert fallback(first, test=True, fallback_models=[second])["result"] is None
    assert routing.rule(first) == [third]
    assert fallback(first, fallback_models=[second])["changes"]
    assert routing.rule(first) == [second]
    routing.delete_rule(first)
    assert fallback(first, fallback_models=[second])["changes"]["rule"]["old"] is None
    assert routing.rule(first) == [second]


def test_each_type_is_a_rule_of_its_own(fallback, routing, models):
    first, second, third = models
    routing.set_rule(second, [third])
    for fallback_type in TYPES:
        result = fallback("any", model=first, fallback_models=[second], fallback_type=fallback_type)
        assert result["comment"].startswith(f"The rule {fallback_type}/{first} was created")
    result = fallback("any", "absent", model=first, fallback_type="context_window")
    assert result["comment"] == f"The rule context_window/{first} was deleted"
    assert routing.rules(models[0][:-2]) == {
        ("general", first): [second],
        ("content_policy", first): [second],
        ("general", second): [third],
    }


def test_absent_deletes_it_and_then_it_is_absent(fallback, routing, models, recorder):
    first, second, _ = models
    routing.set_rule(first, [second])
    predicted = fallback(first, "absent", test=True)
    assert (predicted["result"], routing.rule(first)) == (None, [second])
    result = fallback(first, "absent")
    assert result["result"] is True
    assert result["changes"] == predicted["changes"]
    assert result["changes"] == {"rule": {"old": f"general/{first}", "new": None}}
    assert routing.rule(first) is None
    recorder.clear()
    again = fallback(first, "absent")
    assert (again["result"], again["changes"]) == (True, {})
    assert again["comment"] == f"The rule general/{first} is absent"
    assert sent(recorder) == [READ, ("DELETE", f"/fallback/{first}")]


@pytest.mark.parametrize("test", [False, True])
def test_models_that_the_gateway_lacks_are_named_before_anything_is_sent(
    fallback, routing, models, recorder, test
):
    first, second, _ = models
    recorder.clear()
    result = fallback(first, test=test, fallback_models=[second, f"{second}x", "nobody"])
    assert (result["result"], result["changes"]) == (False, {})
    assert result["comment"] == (
        f"{first} was not changed: the gateway has no model {second}x (did you mean {second}?); "
        "the gateway has no model nobody"
    )
    assert bodies(recorder) == []
    assert "has no model nobody" in fallback("nobody", fallback_models=[first])["comment"]
    assert routing.rule(first) is None


@pytest.mark.parametrize("test", [False, True])
def test_models_of_the_same_run_count(states, api, routing, name, test):
    rule = {"name": f"{name}-a", "fallback_models": [f"{name}-b"]}
    results = states.run(
        ("present", {"name": f"{name}-a", **MODEL}),
        ("present", {"name": f"{name}-b", **MODEL}),
        ("litellm_fallback.present", rule),
        test=test,
    )
    assert [one["result"] for one in results] == [None if test else True] * 3
    assert routing.rules(name) == ({} if test else {("general", f"{name}-a"): [f"{name}-b"]})


def test_a_model_that_this_run_deletes_does_not_count(states, models, routing):
    first, second, _ = models
    for test in (True, False):
        *_, result = states.run(
            ("absent", {"name": second}),
            ("litellm_fallback.present", {"name": first, "fallback_models": [second]}),
            test=test,
        )
        assert result["result"] is False
        assert f"the gateway has no model {second}" in result["comment"]


def test_a_wildcard_counts_as_it_is_and_covers_no_names(fallback, api, routing, models, name):
    api.create(f"{name}/*", {"model": "openai/*"})
    result = fallback(models[0], fallback_models=[f"{name}/gpt-4"])
    assert f"{name}/gpt-4 is no model of its own, only {name}/* covers it" in result["comment"]
    assert fallback(models[0], fallback_models=[f"{name}/*"])["result"] is True
    assert routing.rule(models[0]) == [f"{name}/*"]


def test_an_alias_does_not_count(fallback, routing, models, defaults):
    routing.set(model_group_alias={"an-alias": models[1]})
    result = fallback(models[0], fallback_models=["an-alias"])
    assert "an-alias is an alias, and LiteLLM takes only models in a fallback" in result["comment"]


def test_a_model_with_a_slash_in_its_name(fallback, api, routing, models, name):
    """LiteLLM's URL cannot hold it, so the rule is deleted by writing the others (from 1.106)."""
    api.create(f"{name}/x")
    routing.set_rule(models[0], [models[1]])
    assert fallback(f"{name}/x", fallback_models=[models[1]])["result"] is True
    assert routing.rules(f"{name}/x") == {("general", f"{name}/x"): [models[1]]}
    predicted = fallback(f"{name}/x", "absent", test=True)
    result = fallback(f"{name}/x", "absent")
    if routing.recent:
        assert (predicted["result"], result["result"]) == (None, True)
        assert routing.rules(f"{name}/x") == {}
    else:
        assert (predicted["result"], result["result"]) == (False, False)
        assert f"too old to delete general/{name}/x: its URL" in result["comment"]
    assert routing.rule(models[0]) == [models[1]]
    assert fallback(f"{name}-none/x", "absent")["comment"].endswith("is absent")


def test_a_rule_in_one_entry_with_another_is_left_alone(fallback, routing, models, defaults):
    first, second, third = models
    routing.set(fallbacks=[{first: [third], second: [third]}])
    try:
        for function, args in (("present", {"fallback_models": [second]}), ("absent", {})):
            result = fallback(first, function, **args)
            assert result["result"] is False
            assert f"has general/{first} in one entry with {second}" in result["comment"]
        assert routing.settings()["fallbacks"] == [{first: [third], second: [third]}]
    finally:
        routing.set(fallbacks=[])


def test_a_rule_of_a_model_that_is_gone_can_be_deleted(fallback, api, routing, models):
    first, second, _ = models
    routing.set_rule(first, [second])
    for model in (first, second):
        api.delete(api.one(model)["model_info"]["id"])
    assert fallback(first, "absent")["changes"]
    assert routing.rules(first) == {}


class TestDangling:
    """A model's absence says which rules it leaves, as far as this run has read them."""

    def run(self, states, models, test=False, read=True):
        rule = {"name": models[0], "fallback_models": models[1:]}
        rules = [("litellm_fallback.present", rule)] if read else []
        return states.run(*rules, ("absent", {"name": models[1]}), ("test.nop", {}), test=test)[-2]

    def test_the_rules_of_this_run_are_named(self, states, models):
        states.run(("litellm_fallback.present", {"name": models[0], "fallback_models": models[1:]}))
        forecast, done = self.run(states, models, test=True), self.run(states, models)
        named = f"name {models[1]}, which no model is called then: general/{models[0]}"
        assert forecast["comment"].endswith(f"These fallbacks would still {named}")
        assert done["comment"].endswith(f"These fallbacks still {named}")

    def test_not_if_another_deployment_has_the_name(self, states, api, models):
        api.create(models[1])
        states.run(("present", {"name": models[1], "model_id": f"{models[1]}-id", **MODEL}))
        rule = {"name": models[0], "fallback_models": [models[1]]}
        gone = {"name": models[1], "model_id": f"{models[1]}-id"}
        *_, result = states.run(("litellm_fallback.present", rule), ("absent", gone))
        assert result["changes"]
        assert "fallbacks" not in result["comment"]

    def test_a_pruned_one(self, states, models, name):
        objects = {f"{name}-d": MODEL}
        states.run(("managed", {"name": f"set-{name}", "models": objects}))
        rule = {"name": models[0], "fallback_models": [f"{name}-d"]}
        *_, result = states.run(
            ("litellm_fallback.present", rule),
            (
                "managed",
                {"name": f"set-{name}", "models": {}, "prune": True, "allow_empty": True},
            ),
        )
        assert f"{name}-d: These fallbacks still name {name}-d" in result["comment"]


def test_list_and_get_tell_what_dangles(loaders, profile, api, routing, models):
    first, second, third = models
    routing.set_rule(first, [second, third], "context_window")
    api.delete(api.one(third)["model_info"]["id"])
    expected = {
        "model": first,
        "fallback_type": "context_window",
        "fallback_models": [second, third],
        "source": "database",
        "dangling": [third],
    }
    call = loaders.modules
    listed = call["litellm_fallback.list"](f"{first}*", profile=profile)
    assert listed == [expected]
    found = call["litellm_fallback.get"](first, fallback_type="context_window", profile=profile)
    assert found == expected
    assert call["litellm_fallback.get"](first, profile=profile) is None


def test_functions_do_what_states_do(loaders, profile, routing, models):
    first, second, _ = models
    call = loaders.modules
    planned = call["litellm_fallback.plan"](first, fallback_models=[second], profile=profile)
    assert routing.rule(first) is None
    done = call["litellm_fallback.apply"](first, fallback_models=[second], profile=profile)
    assert planned == done
    assert (done["action"], done["rule"]) == ("create", f"general/{first}")
    assert routing.rule(first) == [second]
    gone = call["litellm_fallback.delete"](first, profile=profile)
    assert (gone["action"], routing.rule(first)) == ("delete", None)


def test_another_client_that_writes_at_the_same_time_is_outlived(
    fallback, routing, models, recorder
):
    """LiteLLM reads all rules and writes them back: the other's write has dropped ours."""
    first, second, third = models

    def drop(answer):
        routing.delete_rule(first)
        return answer

    recorder.fault(method="POST", path="/fallback", times=1, rewrite=drop)
    result = fallback(first, fallback_models=[second, third])
    assert result["result"] is True
    assert routing.rule(first) == [second, third]


def test_one_that_goes_on_is_reported(fallback, routing, models, recorder):
    first, second, _ = models

    def drop(answer):
        routing.delete_rule(first)
        return answer

    recorder.fault(method="POST", path="/fallback", rewrite=drop)
    result = fallback(first, fallback_models=[second])
    assert result["result"] is False
    assert "LiteLLM has not kept it as it was written" in result["comment"]
    assert "was created" not in result["comment"]
    assert len([one for one in recorder.requests if one.path == "/fallback" and one.json]) < 5


@pytest.fixture
def viewer(api, recorder):
    key = api("POST", "/user/new", json={"user_role": "proxy_admin_viewer"})["key"]
    return {"url": recorder.url, "api_key": key, "retries": 0}


def test_a_viewer_may_foresee_but_not_do(loaders, routing, models, viewer):
    def run(test):
        given = [{"profile": viewer}, {"fallback_models": [models[1]]}, {"name": models[0]}]
        state = {"litellm_fallback": ["present", *given]}
        (result,) = loaders.modules.state.high({"one": state}, test=test).raw.values()
        return result

    foreseen, done = run(test=True), run(test=False)
    assert done["result"] is False
    assert viewer["api_key"] not in str(done)
    if routing.recent:
        assert foreseen["result"] is None
    else:  # 1.83 does not let a viewer read them
        assert foreseen["result"] is False
    assert routing.rule(models[0]) is None


def test_the_live_router_of_another_connection_follows_it_too(fallback, gateway, models):
    fallback(models[0], fallback_models=[models[1]])
    assert RoutingApi(gateway).rule(models[0]) == [models[1]]
