"""What a document declares for the database, what it does not, and every mistake at once."""

import pytest

from saltext_litellm.config_yaml import document
from saltext_litellm.errors import InvalidInput

KEY = "sk-0123456789"


def read(**content):
    return document.read("production", content, lambda value: value)


def mistakes(**content):
    with pytest.raises(InvalidInput) as err:
        read(**content)
    return list(err.value.mistakes)


def credential(name, **values):
    return {"credential_name": name, "credential_values": {"api_key": KEY, **values}}


def model(name, **params):
    return {"model_name": name, "litellm_params": {"model": "openai/gpt-4o", **params}}


def test_each_kind_is_read():
    found = read(
        credential_list=[credential("openai")],
        model_list=[model("chat"), model("chat")],
        router_settings={"fallbacks": [{"chat": ["large"]}], "num_retries": 2},
        litellm_settings={"content_policy_fallbacks": [{"chat": ["safe"]}]},
    ).declared
    assert {kind: [one.name for one in all_] for kind, all_ in found.items()} == {
        "credentials": ["openai"],
        "models": ["chat", "chat #2"],
        "fallbacks": ["general/chat", "content_policy/chat"],
        "router_settings": ["num_retries"],
    }
    assert {one.set for kind in ("credentials", "models") for one in found[kind]} == {"production"}


def test_teams_keys_and_budgets_are_read_by_their_names():
    found = read(
        budgets={"small": {"max_budget": 5}},
        teams={"search": {"models": ["chat"], "max_budget": 100}},
        keys={"search-backend": {"team": "search", "key": KEY * 2}},
    ).declared
    assert {kind: [one.name for one in all_] for kind, all_ in found.items()} == {
        "budgets": ["small"],
        "teams": ["search"],
        "keys": ["search-backend"],
    }
    assert {one.set for kind in ("teams", "keys") for one in found[kind]} == {"production"}
    assert read(teams={}, keys=None).declared == {"teams": []}


def test_the_mistakes_of_teams_keys_and_budgets_name_their_section():
    assert mistakes(
        budgets=[1],
        teams={"search": {"model": ["chat"]}},
        keys={"one": {"profile": "litellm"}},
    ) == [
        "budgets: it must be a mapping, not a list",
        "teams: search: there is no argument model (did you mean models?)",
        "keys: one: there is no argument profile",
    ]


@pytest.mark.parametrize(
    "content", [{}, {"general_settings": {}}, {"router_settings": None}, {"model_list": None}]
)
def test_a_kind_that_is_missing_is_not_declared(content):
    assert read(**content).declared == {}


def test_an_empty_list_declares_none_of_a_kind():
    assert read(model_list=[], credential_list=[]).declared == {"models": [], "credentials": []}


@pytest.mark.parametrize(
    ("router", "more", "expected"),
    [
        ([{"a": ["b"]}], [{"c": ["d"]}], ["general/a"]),  # as in LiteLLM, one or the other
        ([], [{"c": ["d"]}], ["general/c"]),
        (None, [{"c": ["d"]}], ["general/c"]),
        ([{"a": ["b"]}], None, ["general/a"]),
    ],
)
def test_fallbacks_may_be_in_litellm_settings(router, more, expected):
    found = read(router_settings={"fallbacks": router}, litellm_settings={"fallbacks": more})
    assert [one.name for one in found.declared["fallbacks"]] == expected


def test_what_only_the_config_file_can_have_is_named():
    found = read(
        general_settings={"master_key": "os.environ/KEY"},
        guardrails=[],
        litellm_settings={"drop_params": True, "fallbacks": []},
        router_settings={
            "redis_password": "hunter2",
            "num_retries": 2,
            "timeout": None,
            "fallbacks": [{"*": ["small"]}, {"chat": ["small"]}],
        },
    )
    assert found.notes == (
        "Left out, because only the gateway's own config file can have it: fallbacks of *, "
        "general_settings, guardrails, litellm_settings:drop_params, "
        "router_settings:redis_password",
    )
    assert [one.name for one in found.declared["fallbacks"]] == ["general/chat"]
    assert [one.name for one in found.declared["router_settings"]] == ["num_retries"]


def test_the_variables_that_the_gateway_needs_are_named_once():
    found = read(model_list=[model(name, api_key="os.environ/KEY") for name in "ab"])
    assert found.notes == (
        "The gateway needs these variables in its environment, as os.environ/ says: KEY",
    )


def test_every_mistake_is_told_with_its_key():
    found = mistakes(
        include=["models.yaml"],
        credential_list=[
            credential("a", api_base="os.environ/BASE"),
            "b",
            {"credential_values": {}},
            credential("c"),
            credential("c"),
        ],
        model_list=[model("chat", rpm="many"), model("large", extra_headers={"x": "os.environ/X"})],
        router_settings={
            "fallbacks": [{"a": ["b"], "c": ["d"]}],
            "context_window_fallbacks": [{"a": "b"}],
            "timeout": "os.environ/TIMEOUT",
            "retry_policy": {"x": ["os.environ/X"]},
        },
        litellm_settings="drop_params",
    )
    expected = (
        "only a source may have an include, as nothing says what its paths are relative to",
        "credential_list: entry 2 must be a mapping, not a string",
        "credential_list: entry 3: credential_name is missing",
        "credential_list: a: credential_values:api_base has an os.environ/ reference, which "
        "LiteLLM would not resolve: it resolves them in the credentials of its config file only; "
        "write an sdb:// reference or the value",
        "credential_list: credential_name c is given twice",
        "model_list: chat: rpm must be a whole number, not 'many'",
        "model_list: large: litellm_params:extra_headers:x has an os.environ/ reference, which "
        "LiteLLM would not resolve: it resolves only whole texts that stand directly in "
        "litellm_params",
        "litellm_settings must be a mapping, not a string",
        "fallbacks: each entry must be one model with the list of its fallbacks",
        "context_window_fallbacks: a: fallback_models must be a list, not a string",
        "router_settings: timeout has an os.environ/ reference, which LiteLLM resolves in its "
        "config file only; write the value",
        "router_settings: retry_policy has an os.environ/ reference, which LiteLLM resolves in its "
        "config file only; write the value",
    )
    assert sorted(found) == sorted(expected)


@pytest.mark.parametrize("key", ["credential_list", "model_list"])
@pytest.mark.parametrize("value", [{}, "text", 5])
def test_a_list_is_a_list(key, value):
    (found,) = mistakes(**{key: value})
    assert found.startswith(f"{key}: it must be a list, not ")


@pytest.mark.parametrize("content", [None, [], "text"])
def test_a_document_is_a_mapping(content):
    with pytest.raises(InvalidInput, match="the document must be a mapping, not "):
        document.read("production", content, lambda value: value)


def test_the_entries_of_a_model_list_may_be_wrong_in_any_way():
    assert mistakes(model_list=["a", {"model_name": "b", "litellm_params": []}])


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("models_list", "LiteLLM has no section models_list (did you mean model_list?)"),
        (
            "Router_Settings",
            "LiteLLM has no section Router_Settings (did you mean router_settings?",
        ),
        (
            "general_setting",
            "LiteLLM has no section general_setting (did you mean general_settings",
        ),
        ("includes", "LiteLLM has no section includes (did you mean include?)"),
        ("fallbacks", "fallbacks must stand in router_settings, not beside it"),
    ],
)
def test_a_section_that_litellm_would_ignore_is_refused(key, words):
    (found,) = mistakes(**{key: [], "litellm_settings": {}})
    assert found.startswith(words)


@pytest.mark.parametrize(
    "key",
    ["x-shared", "guardrails", "files_settings", "callback_settings", "mcp_servers", "prompts"]
    + ["finetune_settings", "environment_variables", "assistant_settings", "search_tools", 5],
)
def test_another_section_is_left_out(key):
    found = document.read("production", {key: [], "model_list": []}, lambda value: value)
    assert f"can have it: {key}" in found.notes[0]


def test_what_is_no_config_yaml_is_refused():
    assert mistakes(apiVersion="v1", kind="ConfigMap", data={"config.yaml": "model_list: []"}) == [
        "the document has none of LiteLLM's sections, such as model_list"
    ]
