"""Wrong input, through Salt: one sentence, and nothing is sent."""

import pytest
from salt.exceptions import CommandExecutionError, SaltInvocationError

from .conftest import MODEL

SALT_ERRORS = (SaltInvocationError, CommandExecutionError)


@pytest.mark.parametrize(
    ("function", "args", "words"),
    [
        ("list", {"owner": 5}, "owner must be a string, not a number"),
        ("list", {"model_name": 5}, "model_name must be a string, not a number"),
        ("list", {"provider": ["openai"]}, "provider must be a string, not a list"),
        ("list", {"blocked": "yes"}, "blocked must be true or false, not 'yes'"),
        ("export", {"pillar": b"x"}, "pillar must be a string"),
        ("export", {"pillar": 5}, "pillar must be a string, not a number"),
        ("export", {"data": "no"}, "data must be true or false, not 'no'"),
        ("delete", {"name": "x", "test": "no"}, "test must be true or false, not 'no'"),
        ("delete", {"name": "x", "any_owner": 0}, "any_owner must be true or false, not 0"),
        ("test_connection", {"name": "x", "verify_secrets": "no", **MODEL}, "verify_secrets must"),
        ("apply", {"name": "x", "verify_secrets": 1, **MODEL}, "verify_secrets must be true"),
        ("ping", {"profile": {"url": "http://x", "timeout": 10**5000}}, "too long to read"),
        ("get", {"name": "a\nb"}, "name 'a\\\\nb' must not have control characters"),
        ("manage", {"name": "s", "models": {}, "prune": "false"}, "prune must be true or false"),
        ("manage", {"name": "s", "models": {}, "test": 5}, "test must be true or false, not 5"),
        ("manage", {"name": "s", "pillar": 5}, "pillar must be a string, not a number"),
        ("manage", {"name": "s", "pillar": ["a"]}, "pillar must be a string, not a list"),
        ("manage", {"name": "s", "source": {"a": 1}}, "source must be a string, not a mapping"),
        ("manage", {"name": "s", "source": 5}, "source must be a string, not a number"),
        ("manage", {"name": "s", "source": "sdb://x/y"}, "salt:// URL or an absolute"),
        ("manage", {"name": "s", "source": "http://[::1"}, "cannot be fetched: |There is no file"),
        ("manage", {"name": "s", "source": "/no/such.yaml"}, "There is no file /no/such.yaml"),
    ],
)
def test_an_argument_of_the_wrong_kind_is_one_sentence(modules_unasked, function, args, words):
    with pytest.raises(SALT_ERRORS, match=words) as err:
        modules_unasked(function, **args)
    assert len(str(err.value)) < 300


@pytest.mark.parametrize("word", ["false", "no", 5, "True"])
@pytest.mark.parametrize("argument", ["prune", "allow_empty"])
def test_nothing_is_deleted_by_what_merely_looks_like_yes(states, api, name, argument, word):
    declared = {"name": name, "models": {name: MODEL}}
    assert states.run(("managed", declared))["result"] is True
    given = {"prune": True, "allow_empty": True, argument: word}
    result = states.run(("managed", {"name": name, "models": {}, **given}))
    assert (result["result"], result["changes"]) == (False, {})
    assert f"{argument} must be true or false" in result["comment"]
    assert api.one(name)


def test_a_boolean_that_is_null_is_as_if_it_were_not_given(states, modules, api, name):
    null = {"prune": None, "allow_empty": None, "verify_secrets": None}
    assert states.run(("managed", {"name": name, "models": {name: MODEL}, **null}))["changes"]
    result = states.run(("managed", {"name": name, "models": {}, **null}))
    assert (result["result"], result["changes"]) == (True, {})
    assert api.one(name)
    assert modules("delete", name, test=None, any_owner=None)["action"] == "delete"
    assert not api.named(name)


@pytest.mark.parametrize(
    "text",
    [
        "model_list: &a [*a]",
        "model_list: [{model_name: x, litellm_params: &a {model: x, y: *a}}]",
        "model_list: [{? [1] : 2}]",
        f"model_list: {'[' * 3000}",
        f"model_list: [{{model_name: x, litellm_params: {{model: x, rpm: {'9' * 5000}}}}}]",
        "model_list: [{model_name: no, litellm_params: {model: x}}]",
        "model_list: [{model_name: x, litellm_params: {model: x, rpm: .nan}}]",
    ],
)
def test_a_hostile_file_is_one_sentence(states_unasked, tmp_path, text):
    (tmp_path / "file.yaml").write_text(text)
    result = states_unasked.run(("managed", {"name": "s", "source": str(tmp_path / "file.yaml")}))
    assert result["result"] is False
    assert "Traceback" not in result["comment"]
    assert len(result["comment"]) < 500


def test_a_limit_that_litellm_cannot_read_again_is_not_sent(states, api, recorder, name):
    """LiteLLM 1.83.14 and 1.106.2 save it, and then serve no row of the database any more."""
    witness = api.create(f"{name}-witness")
    for value in (10**20, "100000000000000000000", float("inf")):
        for args in ({"rpm": value}, {"litellm_params": {"model": "openai/x", "rpm": value}}):
            recorder.clear()
            assert states.present(name, **args)["result"] is False
            assert recorder.requests == []
    assert witness in [row["model_info"]["id"] for row in api.in_database(f"{name}-witness")]


def test_the_provider_that_may_have_been_meant_is_said(states, name):
    result = states.present(name, custom_llm_provider="opnai")
    assert "does not know the provider 'opnai' (did you mean openai?)" in result["comment"]


def test_what_export_prints_for_a_secret_is_not_written_back(modules, states, api, name):
    states.present(name, model_api_key="sk-0123456789abcdef")
    exported = modules("export", data=True)[name]
    result = states.run(("present", {"name": name, "model_api_key": exported["model_api_key"]}))
    assert "is a mask or a placeholder, not a secret" in result["comment"]
    assert api.secrets(api.one(name)["model_info"]["id"])["api_key"] == "sk****ef"
