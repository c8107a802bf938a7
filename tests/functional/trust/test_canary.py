"""Canaries: a secret in each place that one can stand in shows in no channel, in no spelling."""

import json
import logging
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

import pytest
import salt.output
from salt.exceptions import CommandExecutionError, SaltInvocationError

from tests.support.canary import Canaries, credential, deployment, rotated

from ..conftest import MARKER, MODEL, States
from ..credentials.conftest import CredentialApi
from ..keys.conftest import KeyApi, Vault, hashed

TABLE = "Canary"
OF_VERY_MANY = pytest.mark.survive


@dataclass(frozen=True)
class Kind:
    """A kind of objects, and how a secret may get into one.

    :param module: Salt's module.
    :param objects: The argument of ``managed`` that has the objects, and the pillar key of them.
    :param create: The path that creates a row.
    :param declared: Makes arguments of ``present``, with a canary in each place.
    :param reference: Arguments whose secret is behind ``sdb://``, and the keys of its changes.
    :param wrong: Makes arguments that are refused, with a secret in the wrong place.
    :param default: An argument that stands beside those of ``defaults``.
    :param change: The execution function that changes a row.
    :param many: How many changes there are at least if all its secrets change.
    """

    module: str
    objects: str
    create: str
    declared: Callable
    reference: tuple[dict, set]
    wrong: Callable
    default: dict
    change: str
    many: int = 15


HEADERS = {"extra_headers": {"X-Token": "sdb://osenv/CANARY"}}
KINDS = [
    Kind(
        "litellm_model",
        "models",
        "/model/new",
        deployment,
        (
            {**MODEL, "model_api_key": "sdb://osenv/CANARY", "litellm_params": HEADERS},
            {"model_api_key", "litellm_params:extra_headers:X-Token"},
        ),
        lambda key: [
            {"litellm_params": {"timeout": key}},
            {"rpm": key},
            {"tpm": f"sk-{key}"},
            {"tier": key},
            {"blocked": key},
            {"input_cost_per_million_tokens": key},
            {"model_api_key": {"key": key}},
            {"model_api_key": [key]},
            {"litellm_params": key},
            {"litellm_params": [key]},
            {"litellm_params": {"api_key": key}, "model_api_key": key},
            {"model_id": f"{key}/{key}"},
            {"model_info": {"input_cost_per_token": key}},
        ],
        {"tier": "paid"},
        "update",
    ),
    Kind(
        "litellm_credential",
        "credentials",
        "/credentials",
        credential,
        (
            {"credential_values": {"api_key": "sdb://osenv/CANARY"}},
            {"credential_values:api_key"},
        ),
        lambda key: [
            {"credential_values": key},
            {"credential_values": [key]},
            {"credential_values": {"api_key": {"key": key}}},
            {"credential_values": {"api_key": [key]}},
            {"credential_values": {"headers": {"X-Auth-Token": key}}},
            {"credential_values": {"urls": [f"https://me:{key}@example.com"]}},
            {"credential_values": {"api_key": f"os.environ/{key}"}},
            {"credential_values": {"api_key": f"{{{{ {key} }}}}"}},
            {"credential_info": {"api_key": key}},
            {"credential_info": {"of": {"deep": f"Bearer {key}"}}},
            {"credential_info": key},
            {"display_name": [key]},
            {"verify_secrets": key},
        ],
        {"credential_info": {"description": "of ours"}},
        "apply",
    ),
    Kind(
        "litellm_key",
        "keys",
        "/key/generate",
        lambda canary: {"key": f"sk-{canary('key')}", "max_budget": 5, "rotate": True},
        ({"key": "sdb://osenv/CANARY", "rotate": True}, {"key"}),
        lambda key: [
            {"key": key},
            {"key": [f"sk-{key}"]},
            {"key": f"sk-{key} with a space"},
            {"key": f"sk-{key}", "generate": True},
            {"key": f"os.environ/{key}"},
            {"key": f"{{{{ {key} }}}}"},
            {"max_budget": f"sk-{key}"},
            {"models": f"sk-{key}"},
            {"duration": f"sk-{key}"},
            {"team": f"sk-{key}"},
            {"aliases": {"best": [f"sk-{key}"]}},
            {"metadata": {"api_key": key}},
            {"metadata": {"of": {"deep": f"Bearer {key}"}}},
            {"settings": {"token": key}},
            {"settings": {"config": {"api_key": key}}},
        ],
        {"rpm_limit": 5},
        "apply",
        many=1,
    ),
]
# All that Salt ships, but for those that show a progress bar, keys of a master, or nothing.
OUTPUTTERS = sorted(
    {module.name.removesuffix("_out") for module in pkgutil.iter_modules(salt.output.__path__)}
    - {"key", "progress", "no_return"}
) + ["newline_values_only", "quiet"]


@pytest.fixture(params=KINDS, ids=lambda kind: kind.module)
def kind(request, gateway, name):
    yield request.param
    if request.param.objects == "credentials":
        CredentialApi(gateway).clean(name)
    if request.param.objects == "keys":
        keys = KeyApi(gateway)
        for alias in keys.having(name):
            keys.delete(alias)


@pytest.fixture
def call(kind, loaders, profile):
    """The execution functions of a kind."""

    def call(function, *args, **given):
        called = loaders.modules[f"{kind.module}.{function}"]
        return called(*args, **{"profile": profile, **given})

    return call


@pytest.fixture
def apply(kind, states, name):
    """The states of a kind, for one object."""

    def apply(function, test=False, **args):
        return states.run((f"{kind.module}.{function}", {"name": name, **args}), test=test)

    return apply


@pytest.fixture
def marker(kind, api, gateway, name):
    """Returns the marker of the test's row."""

    def marker():
        if kind.objects == "models":
            return api.one(name)["model_info"][MARKER]
        if kind.objects == "keys":
            return KeyApi(gateway).one(name)["metadata"][MARKER]
        return CredentialApi(gateway).one(name)["credential_info"][MARKER]

    return marker


@pytest.fixture
def canary(gateway):
    canaries = Canaries()
    canaries.watch("the profile's api_key", gateway.key)
    return canaries


@pytest.fixture
def profile(profile, canary):
    headers = {
        "X-Tenant": canary("a header of the profile"),
        "X-Login": f"Bearer {canary('a login in a header of the profile')}",
    }
    fingerprint_key = canary("the profile's fingerprint_key")
    return {**profile, "headers": headers, "fingerprint_key": fingerprint_key}


@pytest.fixture
def seen(canary, caplog, survived, loaders, recorder):
    """`seen(channel, data)`: no canary is in it, in any outputter; nor in the log afterwards."""
    caplog.set_level(1)

    def seen(channel, data):
        texts = [repr(data), json.dumps(data, default=str, ensure_ascii=False)]
        is_run = isinstance(data, dict) and "__run_num__" in data
        shown = {"local": {"litellm_model_|-x_|-x_|-present": data} if is_run else data}
        for outputter in OUTPUTTERS:
            if outputter == "highstate" and not is_run:
                continue
            if outputter == "profile" and is_run and isinstance(data["duration"], str):
                continue  # that of Salt 3006 cannot read 3006's own durations
            opts = {**loaders.opts, "color": False, "extension_modules": ""}
            texts.append(salt.output.out_format(shown, outputter, opts))
        assert canary.leaked("\n".join(map(str, texts))) == []
        survived(TABLE, channel, len(texts))
        return data

    yield seen
    logged = caplog.get_records("call")  # what `caplog.records` has by now is of the teardown
    own = [one for one in logged if "litellm" in one.name or "urllib3" in one.name]
    assert own or not recorder.requests
    text = "\n".join(logging.Formatter("%(name)s %(message)s").format(one) for one in own)
    assert canary.leaked(text) == []
    survived(TABLE, "log lines of ours and of urllib3, level all", len(own))


def test_the_canaries_are_found_where_they_are(canary, kind):
    """Else the other tests would prove nothing."""
    declared = json.dumps(kind.declared(canary))
    found = {place.rpartition(" (")[0] for place in canary.leaked(declared)}
    assert found == set(canary.places.values()) - {"the profile's api_key"}


def test_a_life(seen, canary, kind, apply, call, marker, name, survived):
    first = kind.declared(canary)
    second = rotated(first, canary)
    verifying = {} if kind.objects == "keys" else {"verify_secrets": True}
    channel = "returns and comments of states, an outputter each"
    results = [
        seen(channel, apply("present", test=True, **first)),
        seen(channel, apply("present", **first)),
        seen(channel, apply("present", **first)),
        seen(channel, apply("present", test=True, **second)),
        seen(channel, apply("present", **second)),
        seen(channel, apply("present", **verifying, **second)),
    ]
    assert [one["result"] for one in results] == [None, True, True, None, True, True]
    assert [bool(one["changes"]) for one in results] == [True, True, False, True, True, False]
    assert len(results[4]["changes"]) >= kind.many
    assert canary.leaked(json.dumps(marker())) == []
    survived(TABLE, "markers")
    channel = "returns of execution functions, an outputter each"
    seen(channel, call("list"))
    seen(channel, call("get", name))
    seen(channel, call("export"))
    seen(channel, call("export", data=True))
    seen(channel, call("plan", name, **first))
    seen(channel, call(kind.change, name, **first))
    seen("returns and comments of states, an outputter each", apply("absent"))


SHAPES = {
    "a message": lambda echo: {"json": {"error": {"message": f"{{'error': {echo!r}}}"}}},
    "a detail": lambda echo: {"json": {"detail": {"error": f"failed: {echo}"}}},
    "a validation": lambda echo: {
        "json": {"detail": [{"loc": ["body", "x"], "msg": f"bad {echo}", "input": echo}]}
    },
    "HTML": lambda echo: {"body": f"<html><body>{echo}</body></html>"},
    "the whole": lambda echo: {"json": {"echo": echo}},
}
SPELLINGS = {"JSON": str, "Python": lambda text: repr(json.loads(text)), "URL": quote}


@pytest.fixture
def echo(kind, apply, recorder, canary):
    """What a gateway might echo: the request with all its headers."""
    declared = kind.declared(canary)
    recorder.fault(method="POST", path=kind.create, drop=True, times=1)
    apply("present", **declared)
    request = next(one for one in recorder.requests if one.path == kind.create and one.json)
    text = json.dumps({"body": request.json, "headers": dict(request.headers)})
    missing = set(canary.places.values()) - {
        place.rpartition(" (")[0] for place in canary.leaked(text)
    }
    assert missing == {"the profile's fingerprint_key"}  # which is never sent
    return declared, text


@OF_VERY_MANY
@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 429, 500, 502, 503])
def test_an_echo_in_an_error(status, echo, seen, kind, apply, recorder):
    declared, text = echo
    for shape in SHAPES.values():
        for spelling in SPELLINGS.values():
            recorder._faults.clear()
            answer = shape(spelling(text))
            recorder.fault(method="POST", path=kind.create, status=status, **answer)
            result = apply("present", **declared)
            assert result["result"] is False
            seen("errors that echo the request, an outputter each", result)


def test_an_echo_where_litellm_answers_200(echo, seen, kind, apply, recorder):
    """LiteLLM 1.83.14 to 1.100 answer so if a change of a credential has failed."""
    declared, text = echo
    recorder._faults.clear()
    recorder.fault(method="POST", path=kind.create, status=200, json={"message": text})
    result = apply("present", **declared)
    assert result["result"] is False
    seen("errors that echo the request, an outputter each", result)


@OF_VERY_MANY
@pytest.mark.parametrize("fault", ["drop", "lose_response", "delay", "400"])
def test_a_failure(fault, seen, canary, kind, apply, recorder, profile):
    declared = kind.declared(canary)
    profile["timeout"] = 0.5
    more = {"delay": {"delay": 1, "drop": True}, "400": {"status": 400, "json": {"x": 1}}}
    recorder.fault(path=f"/{kind.create.split('/')[1]}*", **more.get(fault, {fault: True}))
    seen("failures, an outputter each", apply("present", **declared))
    profile["timeout"] = 30


@OF_VERY_MANY
def test_what_is_refused(seen, canary, kind, call, name):
    """A secret in the wrong place, or of the wrong type."""
    key = canary("a refused value")
    provider = {"custom_llm_provider": "openai"} if kind.objects == "models" else {}
    for arguments in kind.wrong(key):
        try:
            said = call("plan", name, **provider, **arguments)
        except (CommandExecutionError, SaltInvocationError) as err:
            said = str(err)
        seen("refusals, an outputter each", {"said": said})


@pytest.mark.parametrize(
    "way",
    [
        "pillar",
        *(pytest.param(way, marks=OF_VERY_MANY) for way in ("models", "source", "defaults")),
    ],
)
def test_a_set(way, seen, canary, kind, loaders_with, profile, marker, name, survived, tmp_path):
    if way == "source" and kind.objects != "models":
        pytest.skip("such a set has no source")
    declared = kind.declared(canary)
    objects, arguments = {name: declared}, {}
    if way == "defaults":
        objects, arguments["defaults"] = {name: kind.default}, declared
    if way == "source":
        params = {"model": "openai/gpt-4", "api_key": declared["model_api_key"]}
        params |= {**declared["litellm_params"], "api_base": declared["model_api_base"]}
        entry = {"model_name": name, "litellm_params": params, "model_info": declared["model_info"]}
        (tmp_path / "config.yaml").write_text(json.dumps({"model_list": [entry]}))
        arguments["source"] = str(tmp_path / "config.yaml")
    elif way == "pillar":
        arguments["pillar"] = kind.objects
    else:
        arguments[kind.objects] = objects
    states = States(loaders_with({kind.objects: objects}), profile)
    channel = "returns and comments of states, an outputter each"
    managed = (f"{kind.module}.managed", {"name": name, **arguments})
    for test in (True, False, False):
        done = seen(channel, states.run(managed, test=test))
        assert done["result"] is (None if test else True), done["comment"]
    assert canary.leaked(json.dumps(marker())) == []
    survived(TABLE, "markers")


def test_what_is_shown_of_states(
    seen, canary, kind, loaders_with, gateway, recorder, name, tmp_path
):
    """What stands in pillar, or behind sdb://, is not part of a rendered SLS."""
    pillar = {
        "litellm": {"url": recorder.url, "api_key": gateway.key},
        kind.objects: {name: kind.declared(canary)},
    }
    present, _ = kind.reference
    sls = {
        "set": {f"{kind.module}.managed": [{"pillar": kind.objects}]},
        name: {f"{kind.module}.present": [{key: value} for key, value in present.items()]},
    }
    loaders = loaders_with(pillar, osenv={"driver": "env"})
    (tmp_path / "all.sls").write_text("#!json\n" + json.dumps(sls))
    (tmp_path / "top.sls").write_text("base: {'*': [all]}")
    for function in ("show_sls", "show_low_sls"):
        shown = loaders.modules[f"state.{function}"]("all")
        assert kind.module in str(shown)
        seen("state.show_*, an outputter each", shown)
    for function in ("show_highstate", "show_lowstate"):
        shown = loaders.modules[f"state.{function}"]()
        assert kind.module in str(shown)
        seen("state.show_*, an outputter each", shown)


def test_a_reference(seen, canary, kind, loaders_with, profile, api, gateway, name, monkeypatch):
    secret = f"sk-{canary('behind sdb://')}"
    monkeypatch.setenv("CANARY", secret)
    states = States(loaders_with(osenv={"driver": "env"}), profile)
    declared, changed = kind.reference
    present = (f"{kind.module}.present", {"name": name, **declared})
    channel = "returns and comments of states, an outputter each"
    for _ in range(2):
        assert seen(channel, states.run(present))["result"] is True
    if kind.objects == "models":
        model_id = api.one(name)["model_info"]["id"]
        stored = api.stored(model_id)["litellm_params"]["extra_headers"]["X-Token"]
        assert canary.leaked(stored)  # it was resolved
    elif kind.objects == "keys":
        assert KeyApi(gateway).one(name)["token"] == hashed(secret)
    else:
        shown = CredentialApi(gateway).one(name)["credential_values"]["api_key"]
        assert shown == f"{secret[:2]}****{secret[-2:]}"
    monkeypatch.setenv("CANARY", f"sk-{canary('behind sdb://, rotated')}")
    assert set(seen(channel, states.run(present))["changes"]) == changed


def test_a_key_that_is_made(
    seen, canary, loaders_with, profile, gateway, recorder, name, tmp_path, survived
):
    """No one has given Salt this key, so no one can tell it what to hide.

    What is looked for is the key without its beginning: requests name a key by the hash of the
    whole, as LiteLLM recommends, and urllib3 logs that.
    """
    api, vault = KeyApi(gateway), Vault(tmp_path)
    loaders = loaders_with(extension_modules=str(tmp_path / "extmods"), **vault.options)
    states = States(loaders, profile)
    declared = {"name": name, "key": f"sdb://vault/{name}", "generate": True, "rotate": True}

    def call(function, *args, **given):
        return loaders.modules[f"litellm_key.{function}"](*args, profile=profile, **given)

    def present(test=False):
        return states.run(("litellm_key.present", declared), test=test)

    told = []
    for place in ("a key that was made", "a key that was made anew"):
        vault.put(name, None)
        told += [present(test=True), present(), present()]
        canary.watch(place, vault[name].removeprefix("sk-"))
        assert canary.leaked(json.dumps(api.info(name))) == []
        told += [call("list"), call("get", name), call("plan", **declared), call("export")]
        told += [call("export", data=True), call("export", set=name)]
    recorder.fault(path="/key/*", method="POST", status=400, json={"error": vault[name]}, times=2)
    told += [states.run(("litellm_key.present", {**declared, "max_budget": 3}))]
    told += [states.run(("litellm_key.absent", {"name": name}))]
    assert [one["result"] for one in told[-2:]] == [False, False]
    vault.put(name, f"sk-with a space {canary('what is no key')}")
    told += [present(), present(test=True)]
    for one in told:
        seen("returns about generated keys, an outputter each", one)
    api.delete(name)
