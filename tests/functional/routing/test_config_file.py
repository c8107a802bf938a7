"""What the gateway's config file has, belongs to it."""

import pytest

from tests.functional.conftest import Api, States, bodies

from .conftest import RoutingApi

FILED = [
    {"model_name": name, "litellm_params": {"model": "openai/x", "mock_response": f"of {name}"}}
    for name in ("filed-a", "filed-b", "filed-c")
]
SETTINGS = {"fallbacks": [{"filed-a": ["filed-b"]}], "num_retries": 7, "stream_timeout": 9}


@pytest.fixture(scope="module")
def filed(gateway_factory):
    return gateway_factory(model_list=FILED, router_settings=SETTINGS)


@pytest.fixture
def routing(filed):
    api = RoutingApi(filed)
    api.recent = api.since("1.106")
    return api


@pytest.fixture
def recorder(filed, recorder_for):
    return recorder_for(filed)


@pytest.fixture
def states(loaders, filed, recorder):
    return States(loaders, {"url": recorder.url, "api_key": filed.key, "retries": 0})


@pytest.mark.parametrize("test", [False, True])
@pytest.mark.parametrize(
    ("function", "args"),
    [
        ("present", {"name": "filed-a", "fallback_models": ["filed-c"]}),
        ("present", {"name": "filed-b", "fallback_models": ["filed-c"]}),
        ("absent", {"name": "filed-a"}),
    ],
)
def test_its_fallbacks_are_never_touched(states, routing, recorder, function, args, test):
    if not routing.recent:
        pytest.skip("LiteLLM 1.83 lets its database win over the file")
    result = states.run((f"litellm_fallback.{function}", args), test=test)
    assert (result["result"], result["changes"]) == (False, {})
    assert (
        f"general/{args['name']} belongs to the gateway's config file, which Salt never touches"
    ) in result["comment"]
    assert bodies(recorder) == []
    assert routing.rule("filed-a") == ["filed-b"]


def test_a_rule_as_the_file_has_it_is_as_declared(states, routing, recorder):
    rule = {"name": "filed-a", "fallback_models": ["filed-b"]}
    result = states.run(("litellm_fallback.present", rule))
    assert result["comment"] == "The rule general/filed-a is as declared"
    none = states.run(("litellm_fallback.absent", {"name": "filed-c"}))
    assert none["comment"] == "The rule general/filed-c is absent"


def test_models_of_the_file_count_and_other_types_are_free(states, routing):
    rule = {"name": "filed-a", "fallback_models": ["filed-c"], "fallback_type": "context_window"}
    assert states.run(("litellm_fallback.present", rule))["result"] is True
    assert routing.rule("filed-a", "context_window") == ["filed-c"]
    gone = {"name": "filed-a", "fallback_type": "context_window"}
    assert states.run(("litellm_fallback.absent", gone))["changes"]


def test_a_rule_that_names_the_model_of_the_file_does_not_dangle(loaders, states, filed, routing):
    Api(filed).create("filed-c")
    rule = {
        "name": "filed-a",
        "fallback_models": ["filed-c"],
        "fallback_type": "context_window",
    }
    *_, result = states.run(("litellm_fallback.present", rule), ("absent", {"name": "filed-c"}))
    assert "These fallbacks" not in result["comment"]
    states.run(("litellm_fallback.absent", {"name": "filed-a", "fallback_type": "context_window"}))


@pytest.mark.parametrize("test", [False, True])
def test_its_settings_are_never_touched(states, routing, recorder, test):
    if not routing.recent:
        pytest.skip("LiteLLM 1.83 takes no settings at all")
    given = {"name": "several", "settings": {"num_retries": 8, "timeout": 30}}
    result = states.run(("litellm_router.managed", given), test=test)
    assert (result["result"], result["changes"]) == (False, {})
    assert "num_retries belongs to the gateway's config file" in result["comment"]
    assert bodies(recorder) == []


def test_settings_as_the_file_has_them_are_as_declared_and_act(loaders, states, routing, filed):
    given = {"name": "several", "settings": {"num_retries": 7, "stream_timeout": 9}}
    assert states.run(("litellm_router.managed", given))["comment"] == "several is as declared"
    listed = loaders.modules["litellm_router.list"](profile=states.profile)
    found = {one["setting"]: one for one in listed}
    source = "config" if routing.recent else None
    assert (found["num_retries"]["source"], found["num_retries"]["acts"]) == (source, True)


def test_litellm_1_83_overwrites_them_in_its_database(states, routing):
    """There the database wins over the file. What comes back from the file is said."""
    if routing.recent:
        pytest.skip("From 1.106 on, the file wins")
    rule = {"name": "filed-a", "fallback_models": ["filed-c"]}
    assert states.run(("litellm_fallback.present", rule))["result"] is True
    assert routing.rule("filed-a") == ["filed-c"]
    result = states.run(("litellm_fallback.absent", {"name": "filed-a"}))
    assert (result["result"], result["changes"]) == (False, {})
    assert "general/filed-a is still there" in result["comment"]
