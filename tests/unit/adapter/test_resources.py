"""Gateways as Salt's resources: what each is given of the minion's options."""

import inspect
import re

import pytest

pytest.importorskip("salt.utils.resources", reason="Salt has resources from 3008 on")

from salt.exceptions import CommandExecutionError, SaltInvocationError

from saltext_litellm.adapter import gateways, resources
from saltext_litellm.errors import GatewayError, Refused
from saltext_litellm.modules import litellm_model as module
from tests.conftest import public_functions

EU = {"url": "http://127.0.0.1:9/eu", "api_key": "sk-eu"}
US = {"url": "http://127.0.0.1:9/us", "api_key": "sk-us", "timeout": 5}


@pytest.fixture
def opts(tmp_path):
    """A minion that has a profile of its own, in its configuration and in its pillar."""
    own = {"url": "http://127.0.0.1:9/own", "api_key": "sk-own", "timeout": 7}
    gateways = {"eu": {**EU, "pillar": {"rpm": 2, "deep": {"b": 2}}}, "us": US}
    pillar = {"litellm": own, "rpm": 1, "deep": {"a": 1}, "resources": {"litellm": gateways}}
    return {
        "id": "minion",
        "cachedir": str(tmp_path),
        "cache": "localfs",
        "grains": {"id": "minion", "os": "Debian"},
        "pillar": pillar,
        "litellm": own,
        "resource_type": "litellm",
    }


def test_a_gateway_has_its_own_pillar_over_the_minions(opts):
    found = resources.options(opts, "eu")["pillar"]
    assert found == {"litellm": EU, "rpm": 2, "deep": {"a": 1, "b": 2}}
    assert resources.options(opts, "us")["pillar"] == {"litellm": US, "rpm": 1, "deep": {"a": 1}}


def test_what_a_run_gives_is_merged_over_it_but_never_leads_to_another_gateway(opts):
    override = {"rpm": 3, "litellm": {"url": "http://127.0.0.1:9/other", "verify": False}}
    found = resources.options(opts, "eu", override)
    assert found["pillar"]["rpm"] == 3
    assert found["pillar"]["litellm"] == EU
    gateway = gateways.gateway(
        "litellm", resources.context(found), {"litellm": US}.get, lambda value: value
    )
    assert gateway.deployments.models.url == EU["url"]


def test_the_minions_options_stay_as_they_are(opts):
    before = repr(opts)
    resources.options(opts, "eu", {"rpm": 3, "deep": {"c": 3}})
    assert repr(opts) == before


def test_a_gateway_has_its_own_grains_and_the_id_of_its_minion(opts):
    found = resources.options(opts, "eu")
    assert found["grains"] == {"id": "eu", "litellm_url": EU["url"]}
    assert found["id"] == "minion"


@pytest.mark.parametrize(
    ("entry", "mistake"),
    [
        (None, "no mapping with url and api_key at resources:litellm:eu"),
        ("sk-eu", "no mapping with url and api_key at resources:litellm:eu"),
        ({**EU, "pillar": ["rpm"]}, "pillar of the gateway eu must be a mapping"),
        ({"api_key": "sk-eu"}, "The gateway eu has no url"),
    ],
)
def test_what_is_declared_wrongly_is_told(opts, entry, mistake):
    opts["pillar"]["resources"]["litellm"]["eu"] = entry
    assert resources.grains(opts, "eu") == {"id": "eu"}
    with pytest.raises(CommandExecutionError, match=mistake):
        resources.ping(opts, "eu")


def test_messages_name_the_gateway_and_not_a_profile(opts):
    opts["pillar"]["resources"]["litellm"]["eu"] = {
        **EU,
        "url": "https://127.0.0.1:9",
        "verify": False,
    }
    (warning,) = resources.profile(opts, "eu").warnings
    assert "because the gateway eu has `verify: false`" in warning
    found = resources.options(opts, "eu")
    gateway = gateways.gateway("litellm", resources.context(found), {}.get, lambda value: value)
    assert gateway.warnings == (warning,)
    found["pillar"]["litellm"]["timeout"] = "x"
    with pytest.raises(Refused, match="timeout of the gateway eu must be a positive number"):
        gateways.gateway("litellm", resources.context(found), {}.get, lambda value: value)


def test_nothing_is_written_to_a_gateway_when_the_minion_has_ended(opts, monkeypatch):
    monkeypatch.setattr(gateways, "orphaned", lambda: True)
    context = resources.context(resources.options(opts, "us"))
    gateway = gateways.gateway("litellm", context, {}.get, lambda value: value)
    with pytest.raises(GatewayError, match="The minion that started this job has ended"):
        gateway.deployments.models.delete("a")
    # A minion's own states may restart it.
    own = gateways.gateway("own", {}, {"own": {**US, "retries": 0}}.get, lambda value: value)
    with pytest.raises(GatewayError, match="Cannot reach"):
        own.deployments.models.delete("a")


def test_no_gateway_is_declared(opts):
    for pillar in ({}, {"resources": None}, {"resources": {"litellm": None}}):
        assert resources.declared({**opts, "pillar": pillar}) == {}


def test_names_are_strings(opts):
    opts["pillar"]["resources"]["litellm"] = {1: EU}
    assert resources.options(opts, "1")["pillar"]["litellm"] == EU


@pytest.mark.parametrize("given", [{"pillar": ["rpm"]}, {"pillar": "x", "pillar_enc": "gpg"}])
def test_a_pillar_of_a_run_that_cannot_be_merged_is_refused(given):
    with pytest.raises(SaltInvocationError, match="mapping"):
        resources.overriding(given["pillar"], given.get("pillar_enc"))


def test_no_function_leads_to_another_gateway(opts):
    found = resources.options(opts, "eu")
    gateways.refuse_elsewhere("litellm", found, resources.context(found))
    for profile in ("litellm:us", "resources:litellm:us", dict(US)):
        with pytest.raises(Refused, match="runs for the gateway eu, which"):
            gateways.refuse_elsewhere(profile, found, resources.context(found))


def test_the_minion_has_no_gateway_of_its_own_beside_those_that_it_manages(opts):
    opts["resources"] = {"litellm": ["eu", "us"]}
    gateways.refuse_elsewhere("litellm:own", opts, {})
    with pytest.raises(Refused, match="manages gateways as resources and has none of its own"):
        gateways.refuse_elsewhere("litellm", opts, {})


def test_jobs_that_are_threads_are_refused(opts):
    """Salt's loader gives a module the options of the loader that has loaded it last."""
    opts["multiprocessing"] = False
    with pytest.raises(CommandExecutionError, match="cannot keep two jobs apart"):
        resources.options(opts, "eu")


BOUND = resources.bound(module, lambda *args, **kwargs: (args, kwargs), "here")


def test_every_function_is_there_with_its_arguments_but_the_profile():
    public = public_functions(module)
    assert set(BOUND) == set(public)
    for name, function in public.items():
        expected = dict(inspect.signature(function).parameters)
        expected.pop("profile")
        assert dict(inspect.signature(BOUND[name]).parameters) == expected
        assert (BOUND[name].__name__, BOUND[name].__module__) == (name, "here")


def test_a_function_passes_on_what_it_is_given():
    assert BOUND["get"]("gpt-4", model_id=None) == (("get", "gpt-4"), {"model_id": None})


@pytest.mark.parametrize("function", BOUND.values(), ids=BOUND)
def test_the_text_of_a_function_is_about_a_gateway(function):
    text, whole = function.__doc__, vars(module)[function.__name__].__doc__
    assert not [gone for gone in ("\n    profile\n", "profile=", "'*'") if gone in text]
    assert "salt prod-eu litellm_model." in text
    # Nothing else is gone.
    described = re.findall(r"^    (\w+)\n        \S", whole, re.MULTILINE)
    kept = re.findall(r"^    (\w+)\n        \S", text, re.MULTILINE)
    assert kept == [name for name in described if name != "profile"]
    assert text.startswith(whole.partition("    profile\n")[0].partition("CLI")[0])
