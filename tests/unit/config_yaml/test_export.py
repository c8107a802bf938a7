"""The document that is made of a gateway."""

import pytest

from saltext_litellm.config_yaml import export as documents
from saltext_litellm.models import export as models
from saltext_litellm.models.row import parse_all
from saltext_litellm.objects.export import Export
from saltext_litellm.report import exported as written
from saltext_litellm.routing import rules
from saltext_litellm.routing.settings import Settings

NO_CREDENTIALS = Export("litellm_credential", "credential", "gateway", {})
NO_SETTINGS = Settings("router_settings", None, {})


def row(model_name, model_id, **params):
    params = {"model": "openai/gpt-4", **params}
    info = {"id": model_id, "db_model": True}
    return {"model_name": model_name, "litellm_params": params, "model_info": info}


def exported(*rows, router=NO_SETTINGS, live=None):
    found = models.export(parse_all(list(rows)), lambda _: {}, {}, "gateway")
    shown = {"current_values": router.data, "source": router.source}
    return documents.export(NO_CREDENTIALS, found, rules.parse(shown), router, live or {})


def stored(**settings):
    return Settings("router_settings", None, settings, source=dict.fromkeys(settings, "db"))


@pytest.mark.parametrize("name", ["gpt ", " gpt", "gpt\u200b"])
def test_a_model_that_an_entry_cannot_name_is_left_out(name):
    """A document trims the name in an entry, and would make another model beside this one."""
    found = exported(row(name, "one"), row("plain", "two"))
    assert [one["model_name"] for one in found.states["model_list"]] == ["plain"]
    assert found.left_out == {name: models.SPACED}


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({"*": ["b"]}, "model must not be *: LiteLLM has no endpoint for the fallbacks of every"),
        ({"a": [{"model": "b", "api_key": "sk-0123456789abcdef"}]}, "must be a string, not a map"),
        ({"a": "b"}, "fallback_models must be a list, not a string"),
        ({"a": []}, "fallback_models must not be empty"),
        ({"a": ["b", "b"]}, "fallback_models has b twice in it"),
        ({"a ": ["b"]}, "a name in it has spaces or line breaks at its ends"),
        ({"a": ["b "]}, "a name in it has spaces or line breaks at its ends"),
    ],
)
def test_a_rule_that_no_document_can_have_is_left_out_with_its_secrets(entry, reason):
    found = exported(router=stored(fallbacks=[{"c": ["b"]}, entry]))
    assert found.states["router_settings"] == {"fallbacks": [{"c": ["b"]}]}
    ((name, why),) = found.left_out.items()
    assert name == f"fallback general/{next(iter(entry))}"
    assert reason in why
    assert "sk-0123456789abcdef" not in str(found)


def test_a_setting_that_does_not_act_is_left_out_and_so_is_a_secret():
    router = stored(
        num_retries=3,
        cooldown_time=2.5,
        routing_strategy="bogus",
        max_fallbacks=3,
        redis_password="sk-0123456789abcdef",
    )
    live = {"num_retries": 3, "cooldown_time": 2, "routing_strategy": "simple-shuffle"}
    found = exported(router=router, live=live)
    assert found.states == {"router_settings": {"num_retries": 3}}
    dead = "LiteLLM does not act on what is stored"
    assert {key.removeprefix("router setting "): why for key, why in found.left_out.items()} == {
        "cooldown_time": dead,
        "max_fallbacks": dead,
        "redis_password": "redis_password has a secret, which LiteLLM stores and shows in plain as "
        "a router setting: put it into the gateway's config file or environment",
        "routing_strategy": dead,
    }


def test_the_head_has_no_endless_lines():
    head = written.text(exported(row("plain", "two")), "", "https://gateway.example.com")
    assert max(map(len, head.splitlines())) < 100
