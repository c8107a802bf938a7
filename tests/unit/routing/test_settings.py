"""What a state declares of router settings, what acts, and what is refused."""

import pytest

from saltext_litellm.errors import InvalidInput, Refused
from saltext_litellm.objects.plan import NONE, UPDATE
from saltext_litellm.objects.row import Rows
from saltext_litellm.routing import settings

LISTED = [
    {"field_name": "num_retries", "field_type": "Integer"},
    {"field_name": "timeout", "field_type": "Float"},
    {"field_name": "stream_timeout", "field_type": "Float"},
    {"field_name": "enable_tag_filtering", "field_type": "Boolean"},
    {"field_name": "model_group_alias", "field_type": "Dictionary"},
    {"field_name": "routing_groups", "field_type": "List"},
    {"field_name": "routing_strategy", "field_type": "String", "options": ["one", "two"]},
]
LIVE = {one["field_name"]: None for one in LISTED if one["field_name"] != "stream_timeout"}
LIVE |= {"fallbacks": None, "tag_routing_prefix": ""}


def declared(**given):
    return settings.declared({"name": "several", "settings": given}, lambda value: value)


def row(source="db", **values):
    sources = dict.fromkeys(values, source)
    return settings.parse({"current_values": values, "source": sources, "fields": LISTED})


@pytest.mark.parametrize(
    ("given", "mistake"),
    [
        ({"settings": {}}, "settings must not be empty"),
        ({"settings": ["x"]}, "settings must be a mapping, not a list"),
        ({"settings": None}, "settings must be a mapping"),
        ({"settings": {"num_retries": None}}, "LiteLLM cannot unset a router setting"),
        ({"settings": {5: 1}}, "the name of a setting must be a string"),
        ({"settings": {"fallbacks": []}}, "fallbacks are for litellm_fallback"),
        ({"settings": {"content_policy_fallbacks": []}}, "are for litellm_fallback"),
        ({"settings": {"redis_password": "x"}}, "redis_password has a secret"),
        ({"settings": {"cache_kwargs": {"password": "hunter2hunter"}}}, "has a secret"),
        ({"settings": {"default_litellm_params": {"api_key": "sk-0123456789"}}}, "has a secret"),
        ({"settings": {"routing_strategy_args": {"a": ["Bearer hunter2hunter"]}}}, "has a secret"),
        ({"settings": {"redis_url": "redis://:hunter2hunter@example.com"}}, "has a secret"),
        ({"settings": {"timeout": float("nan")}}, "timeout"),
        (
            {"settings": {"model_group_alias": {"a": ["b"]}}},
            "alias:a must be the name of one model",
        ),
        ({"settings": {"model_group_alias": {"a": None}}}, "alias:a must be the name of one model"),
        ({"settings": {"model_group_alias": {"a": {}}}}, "alias:a must be the name of one model"),
        ({"settings": {"model_group_alias": {"a": {"model": 5}}}}, "alias:a must be the name of"),
        (
            {"settings": {"model_group_alias": {"a": {"model": "b", "hidden": "no"}}}},
            "alias:a must be the name of one model, or a mapping with model and hidden",
        ),
        ({"name": "num_retries", "value": None}, "LiteLLM cannot unset a router setting"),
        ({"name": "fallbacks", "value": []}, "are for litellm_fallback"),
    ],
)
def test_a_mistake_is_named(given, mistake):
    with pytest.raises(InvalidInput) as caught:
        settings.declared({"name": "several", **given}, lambda value: value)
    assert mistake in str(caught.value)
    assert "sk-0123456789" not in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_one_is_declared_by_its_name():
    wanted = settings.declared({"name": "num_retries", "value": 3}, lambda value: value)
    assert wanted.values == {("num_retries",): 3}


@pytest.mark.parametrize(
    ("stored", "wanted", "body"),
    [
        ({"num_retries": 2}, {"num_retries": 2}, None),
        ({"timeout": 60.0}, {"timeout": 60}, None),
        ({"num_retries": 2}, {"num_retries": 3}, {"num_retries": 3}),
        ({"num_retries": 2}, {"num_retries": 2, "timeout": 5}, {"timeout": 5}),
        ({"model_group_alias": {"a": "b"}}, {"model_group_alias": {}}, {"model_group_alias": {}}),
        ({"routing_groups": [1]}, {"routing_groups": []}, {"routing_groups": []}),
        (
            {"retry_policy": {"A": 1, "B": 2}},
            {"retry_policy": {"A": 1}},
            {"retry_policy": {"A": 1}},
        ),
    ],
)
def test_only_what_differs_is_written_and_whole(stored, wanted, body):
    plan = settings.make_plan(declared(**wanted), Rows([row(**stored)]))
    step = settings.next_step(declared(**wanted), plan)
    assert plan.action == (NONE if body is None else UPDATE)
    assert (None if step is None else step.body) == body


def test_the_changes_show_no_secret_of_others():
    stored = row(default_litellm_params={"api_key": "sk-0123456789"})
    plan = settings.make_plan(declared(default_litellm_params={"seed": 1}), Rows([stored]))
    assert "sk-0123456789" not in str(plan.changes)


@pytest.mark.parametrize(
    ("setting", "stored", "live", "acts"),
    [
        ("num_retries", 3, 3, True),
        ("timeout", 30.0, 30, True),
        ("timeout", 30.5, 30, False),
        ("routing_strategy", "bogus", "one", False),
        ("retry_policy", {"A": 3}, {"A": 3, "B": None}, True),
        ("retry_policy", {"A": 3}, {"A": 2}, False),
        ("retry_policy", {"A": 3}, None, False),
        ("routing_strategy_args", {}, {"ttl": 3600}, True),
        ("model_group_alias", {}, {}, True),
        ("model_group_alias", {}, {"a": "b"}, False),
        ("model_group_alias", {"a": {"model": "b"}}, {"a": {"model": "b"}}, True),
        ("routing_groups", [{"name": "g"}], [{"name": "g", "args": None}], True),
        ("routing_groups", [{"name": "g"}], [], False),
        ("routing_groups", [], [{"name": "g"}], False),
    ],
)
def test_what_acts(setting, stored, live, acts):
    assert settings.acts(row(**{setting: stored}), {setting: live}, setting) is acts
    found = settings.inactive(row(**{setting: stored}), {setting: live}, [setting])
    assert bool(found) is not acts
    assert settings.acts(row("config", **{setting: stored}), {setting: live}, setting) is True


def test_what_the_live_view_lacks_is_dead_or_cannot_be_seen():
    stored = row(stream_timeout=7, optional_pre_call_checks=[])
    names = ["stream_timeout", "optional_pre_call_checks"]
    assert [settings.acts(stored, LIVE, name) for name in names] == [False, None]
    assert settings.inactive(stored, LIVE, names) == [
        "stream_timeout is stored, but LiteLLM does not act on it (the live router has none)"
    ]
    (note,) = settings.unseen(stored, names)
    assert note.startswith("Whether LiteLLM acts on optional_pre_call_checks cannot be seen")


def test_a_secret_is_never_shown():
    stored = row(redis_password="hunter2hunter", cache_kwargs={"password": "hunter2hunter"})
    live = {"redis_password": "hunter3hunter", "cache_kwargs": {"password": "hunter3hunter"}}
    for name in live:
        assert "hunter" not in str(settings.shown(stored, live, name))
        assert "hunter" not in str(settings.inactive(stored, live, [name]))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"num_retries": 3}, None),
        ({"timeout": 3}, None),
        ({"timeout": 3.0}, None),
        ({"timeout": 3.5}, "timeout must be a whole number, not 3.5: LiteLLM's router cuts it"),
        ({"routing_strategy": "two"}, None),
        ({"max_retries": 3}, None),
        ({"optional_pre_call_checks": ["x"]}, None),
        ({"tag_routing_prefix": "x"}, None),
        ({"num_retries": 3.5}, "num_retries must be a whole number, not 3.5"),
        ({"num_retries": True}, "num_retries must be a whole number, not True"),
        ({"enable_tag_filtering": 1}, "enable_tag_filtering must be true or false, not 1"),
        ({"model_group_alias": "x"}, "model_group_alias must be a mapping, not 'x'"),
        ({"routing_strategy": "tow"}, "must be one of one, two, not 'tow' (did you mean two?)"),
        ({"stream_timeout": 3}, "stream_timeout would be stored, but LiteLLM's router"),
        ({"num_retrys": 3}, "no router setting num_retrys (did you mean num_retries?)"),
    ],
)
def test_what_litellm_would_not_follow_is_refused(given, words):
    if words is None:
        settings.refuse(row(), given, LIVE)
        return
    with pytest.raises(Refused) as caught:
        settings.refuse(row(), given, LIVE)
    assert words in str(caught.value)


def test_what_the_file_has_is_refused():
    with pytest.raises(Refused, match="num_retries belongs to the gateway's config file"):
        settings.refuse(row("config", num_retries=2), {"num_retries": 3}, LIVE)


def test_litellm_before_1_106_is_refused():
    old = settings.parse({"current_values": {"num_retries": 2}, "fields": LISTED})
    with pytest.raises(Refused, match="is older than 1"):
        settings.refuse(old, {"num_retries": 3}, {})
