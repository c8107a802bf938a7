"""The states of router settings, on a real gateway."""

import pytest

from tests.functional.conftest import bodies, sent
from tests.support.exchange import made_up, parsed

from .conftest import DEFAULTS

READ, LIVE = ("GET", "/router/settings"), ("GET", "/get/config/callbacks")
WRITE = REFRESH = ("POST", "/config/update")


pytestmark = pytest.mark.usefixtures("defaults")


def test_it_is_written_and_then_as_declared_by_two_requests(setting, routing, recorder):
    predicted = setting("num_retries", 5, test=True)
    assert routing.live()["num_retries"] == 2
    recorder.clear()
    result = setting("num_retries", 5)
    assert (predicted["result"], result["result"]) == (None, True)
    assert predicted["changes"] == result["changes"] == {"num_retries": {"old": 2, "new": 5}}
    assert predicted["comment"] == "num_retries would be updated"
    assert result["comment"] == "num_retries was updated"
    assert routing.live()["num_retries"] == 5
    assert sent(recorder) == [READ, LIVE, WRITE, REFRESH, READ, LIVE]
    recorder.clear()
    again = setting("num_retries", 5)
    assert (again["result"], again["changes"]) == (True, {})
    assert again["comment"] == "num_retries is as declared"
    assert sent(recorder) == [READ, LIVE]


def test_several_are_one_write_and_two_requests_at_rest(settings, routing, recorder):
    declared = {"num_retries": 5, "timeout": 60, "cooldown_time": 5, "allowed_fails": 7}
    result = settings(**declared)
    assert set(result["changes"]) == {"num_retries", "timeout", "allowed_fails"}
    assert bodies(recorder) == [
        {"router_settings": {"num_retries": 5, "timeout": 60, "allowed_fails": 7}}
    ]
    recorder.clear()
    assert settings(**declared)["comment"] == "several is as declared"
    assert sent(recorder) == [READ, LIVE]


def test_drift_by_hand_is_repaired_and_others_settings_stay(settings, routing):
    settings(num_retries=5)
    routing.set(num_retries=6, timeout=77)
    assert settings(num_retries=5)["changes"] == {"num_retries": {"old": 6, "new": 5}}
    live = routing.live()
    assert (live["num_retries"], live["timeout"]) == (5, 77)


@pytest.mark.parametrize(
    ("name", "first", "second"),
    [
        ("model_group_alias", {"an-alias": "gpt-4", "other": "x"}, {"an-alias": "gpt-4"}),
        ("model_group_alias", {"an-alias": {"model": "gpt-4", "hidden": True}}, {}),
        ("retry_policy", {"TimeoutErrorRetries": 3, "RateLimitErrorRetries": 1}, {}),
        ("model_group_retry_policy", {"gpt-4": {"TimeoutErrorRetries": 3}}, {}),
        (
            "routing_groups",
            [{"group_name": "g", "models": ["gpt-4"], "routing_strategy": "least-busy"}],
            [],
        ),
        ("retry_after", 3, 0),
        ("cooldown_time", 9, 5),
        ("allowed_fails", 9, 3),
        ("max_retries", 4, 0),
        ("enable_tag_filtering", True, False),
        ("enable_weighted_failover", True, False),
        ("tag_routing_prefix", "x", "y"),
        ("routing_strategy", "usage-based-routing-v2", "simple-shuffle"),
    ],
)
def test_what_acts_is_called_so_and_is_whole(setting, routing, name, first, second):
    for value in (first, second):
        result = setting(name, value)
        assert result["result"] is True, result["comment"]
        assert name in result["changes"]
        live = routing.live()[name]
        if isinstance(value, dict) and isinstance(live, dict):
            live = {key: one for key, one in live.items() if one is not None}
        if name != "routing_groups":
            assert live == value
        assert setting(name, value)["comment"] == f"{name} is as declared"


def test_the_arguments_of_a_strategy(settings, routing):
    """LiteLLM shows them with the defaults of those that were not given."""
    declared = {"routing_strategy": "latency-based-routing", "routing_strategy_args": {"ttl": 10}}
    assert settings(**declared)["result"] is True
    assert routing.live()["routing_strategy_args"]["ttl"] == 10
    assert settings(**declared)["comment"] == "several is as declared"
    assert settings(**{**declared, "routing_strategy_args": {}})["result"] is True
    assert routing.live()["routing_strategy_args"]["ttl"] == 3600


def test_the_alias_is_called_and_its_clearing_ends_that(setting, routing, models):
    setting("model_group_alias", {"an-alias": models[1]})
    assert routing.ask("an-alias") == "of b"
    setting("model_group_alias", {})
    assert routing.ask("an-alias") == 400


@pytest.mark.parametrize("name", ["timeout", "cooldown_time"])
def test_a_part_of_a_second_is_cut_by_the_router_and_so_it_is_refused(setting, routing, name):
    words = f"{name} must be a whole number, not 20.5: LiteLLM's router cuts it"
    for test in (True, False):
        result = setting(name, 20.5, test=test)
        assert (result["result"], result["changes"]) == (False, {})
        assert words in result["comment"]
    assert routing.live()[name] != 20
    routing.set(**{name: 20.5})
    stored = setting(name, 20.5)
    assert stored["comment"] == (
        f"{name} is not as declared. {name} is stored, but LiteLLM does not act on it (the live "
        "router has 20)"
    )
    assert setting(name, 20)["changes"] == {name: {"old": 20.5, "new": 20}}


def test_a_strategy_of_others_that_does_not_act_is_never_green(settings, routing):
    routing.set(routing_strategy="bogus")
    result = settings(routing_strategy="simple-shuffle", num_retries=2)
    assert (result["result"], result["changes"]["routing_strategy"]["old"]) == (True, "bogus")


def test_a_dead_setting_of_others_is_never_green(setting, routing):
    routing.set(stream_timeout=7)
    result = setting("stream_timeout", 7)
    assert result["comment"] == (
        "stream_timeout is not as declared. stream_timeout is stored, but LiteLLM does not act on "
        "it (the live router has none)"
    )


def test_what_cannot_be_seen_is_said(setting):
    note = "Whether LiteLLM acts on optional_pre_call_checks cannot be seen"
    result = setting("optional_pre_call_checks", ["prompt_caching"])
    assert result["result"] is True
    assert note in result["comment"]
    assert note in setting("optional_pre_call_checks", ["prompt_caching"])["comment"]
    assert setting("optional_pre_call_checks", [])["result"] is True


@pytest.mark.parametrize("test", [False, True])
@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"num_retriez": 2}, "LiteLLM has no router setting num_retriez (did you mean"),
        ({"redis_host": "x"}, "LiteLLM has no router setting redis_host"),
        ({"default_fallbacks": ["x"]}, "LiteLLM has no router setting default_fallbacks"),
        ({"max_fallbacks": 2}, "max_fallbacks would be stored, but LiteLLM's router does not take"),
        ({"disable_cooldowns": True}, "disable_cooldowns would be stored, but LiteLLM's router"),
        ({"num_retries": "3"}, "num_retries must be a whole number, not '3'"),
        ({"num_retries": True}, "num_retries must be a whole number, not True"),
        ({"timeout": "soon"}, "timeout must be a number, not 'soon'"),
        ({"model_group_alias": ["x"]}, "model_group_alias must be a mapping, not a list"),
        ({"routing_strategy": "least-bussy"}, "not 'least-bussy' (did you mean least-busy?)"),
    ],
)
def test_what_would_not_act_is_refused_before_anything_is_sent(
    settings, routing, recorder, given, words, test
):
    before = routing.settings()
    result = settings(test=test, **given, allowed_fails=9)
    assert (result["result"], result["changes"]) == (False, {})
    assert words in result["comment"]
    assert bodies(recorder) == []
    assert routing.settings() == before


def test_what_litellm_stores_in_another_form_is_not_called_done(setting, routing):
    result = setting("retry_policy", {"NoSuchRetries": 3, "TimeoutErrorRetries": 2})
    assert (result["result"], result["changes"]) == (False, {})
    assert "LiteLLM has not kept it as it was written" in result["comment"]
    assert routing.settings()["retry_policy"] == {"TimeoutErrorRetries": 2}


def test_a_write_that_another_client_undoes_is_repeated(setting, routing, recorder):
    def undo(answer):
        routing.set(num_retries=1)
        return answer

    recorder.fault(method="POST", path="/config/update", times=1, rewrite=undo)
    assert setting("num_retries", 5)["result"] is True
    assert routing.live()["num_retries"] == 5


def test_what_is_not_followed_at_once_is_looked_at_again(setting, recorder):
    """As if another worker had answered: a write of nothing makes one read its database."""

    def reloaded():
        return any(one.json == {} for one in recorder.requests)

    def stale(answer):
        headers = {name.lower(): value for name, value in answer.headers}
        found = parsed(answer.body, headers.get("content-encoding"))
        found["router_settings"]["num_retries"] = 2
        return made_up(200, {}, found, None)

    recorder.fault(when=lambda one: one.path == LIVE[1] and not reloaded(), rewrite=stale)
    assert setting("num_retries", 5)["result"] is True
    assert reloaded()


def test_list_and_get_say_what_acts(loaders, profile, routing):
    routing.set(num_retries=5, stream_timeout=7, optional_pre_call_checks=[])
    routing.set(default_litellm_params={"api_key": "sk-of-nobody-0123"})
    call = loaders.modules
    listed = {one["setting"]: one for one in call["litellm_router.list"](profile=profile)}
    assert listed["num_retries"] == {
        "setting": "num_retries",
        "value": 5,
        "source": "db",
        "acts": True,
    }
    assert [listed[one]["acts"] for one in ("stream_timeout", "optional_pre_call_checks")] == [
        False,
        None,
    ]
    assert listed["set_verbose"]["source"] == "default"
    assert "fallbacks" not in listed
    assert "sk-of-nobody" not in str(listed)
    assert call["litellm_router.get"]("num_retries", profile=profile) == listed["num_retries"]
    assert call["litellm_router.get"]("nothing", profile=profile) is None


def test_functions_do_what_states_do(loaders, profile, routing):
    call = loaders.modules
    planned = call["litellm_router.plan"]("num_retries", 5, profile=profile)
    assert routing.live()["num_retries"] == 2
    done = call["litellm_router.apply"]("num_retries", 5, profile=profile)
    assert (planned["action"], planned["changes"]) == ("update", done["changes"])
    assert routing.live()["num_retries"] == 5
    given = {"settings": {"num_retries": 6}, "profile": profile}
    assert call["litellm_router.manage"]("x", test=True, **given)["changes"]
    assert routing.live()["num_retries"] == 5
    call["litellm_router.manage"]("x", **given)
    assert routing.live()["num_retries"] == 6


def test_defaults_are_what_they_are_here_taken_for(routing):
    live = routing.live()
    assert {key: live[key] for key in DEFAULTS if key != "retry_policy"} == {
        key: value for key, value in DEFAULTS.items() if key != "retry_policy"
    }
