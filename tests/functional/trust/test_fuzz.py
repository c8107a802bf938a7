"""Arbitrary input at every argument of every public function, through Salt's loaders.

The gateway behind it is the model of LiteLLM, for the number of cases; a part of them goes to
LiteLLM itself.
"""

from __future__ import annotations

import copy
import datetime
import inspect
import json
import math
import os
import types
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import salt.loader
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from salt.exceptions import CommandExecutionError, SaltInvocationError

from saltext_litellm import gateway
from saltext_litellm.adapter import gateways
from saltext_litellm.modules import (
    litellm_budget,
    litellm_credential,
    litellm_fallback,
    litellm_key,
    litellm_model,
    litellm_router,
    litellm_team,
)
from saltext_litellm.states import litellm_budget as budget_states
from saltext_litellm.states import litellm_credential as credential_states
from saltext_litellm.states import litellm_fallback as fallback_states
from saltext_litellm.states import litellm_key as key_states
from saltext_litellm.states import litellm_model as model_states
from saltext_litellm.states import litellm_router as router_states
from saltext_litellm.states import litellm_team as team_states
from tests.conftest import public_functions
from tests.support.cluster import Client, Cluster
from tests.support.credential_cluster import CredentialClient, CredentialCluster
from tests.support.routing_cluster import FallbackClient, RouterClient, RoutingCluster
from tests.support.team_cluster import TeamCluster

from ..budgets.conftest import BudgetApi
from ..credentials.conftest import CredentialApi
from ..keys.conftest import KeyApi
from ..routing.conftest import RoutingApi

LONG = int(os.environ.get("FUZZ", "1500"))  # cases of each function in the long test
PROFILE = {"url": "http://127.0.0.1:9", "api_key": "sk-admin-0123456789", "retries": 0}
SALT_ERRORS = (CommandExecutionError, SaltInvocationError)
LONGEST = 5000  # characters of a sentence or comment
CONVERGING = ("apply", "manage", "managed", "present", "update")


def fuzz(examples: int) -> settings:
    checks = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large]
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize="FUZZ" not in os.environ,  # the same in every run, unless more are asked for
        suppress_health_check=checks,
        database=None,
    )


# ---------------------------------------------------------------- what comes in


def _endless() -> Any:
    value: dict[str, Any] = {"model": "openai/gpt-4"}
    value["again"] = [value]
    return value


def _deep(levels: int) -> Any:
    value: Any = "bottom"
    for level in range(levels):
        value = {"x": value} if level % 2 else [value]
    return value


# Made anew for each case: nothing may write into what it is given.
# No tuple as a key: Salt 3008.4 itself fails on it, before it calls a state.
ODD = [
    _endless,
    lambda: _deep(20),
    lambda: _deep(100),
    lambda: 10**5000,
    lambda: {1, 2},
    lambda: b"bytes",
    object,
    lambda: 1j,
    lambda: (1, 2),
    lambda: "x" * 100_000,
    lambda: "\ud800",
    lambda: {"\udfff": 1},
    lambda: datetime.date(2024, 10, 21),
    lambda: datetime.datetime(2024, 10, 21, 1, 2),
    lambda: {None: 1},
]
WORDS = ["", " ", "no", "false", "True", "nan", "sNaN", "-inf", "1e999", "1e-400", "9" * 5000, "5"]
WORDS += ["…", "**********", "sk-1****abcd", "sdb://none/such", "sdb://", "os.environ/X", "0x10"]
WORDS += ["\x1b[31mred", "two\nlines", "\0", "{{ x }}", "../..", "a/b", "*", "openai", "é", "🎉"]
NAMES = ["model", "api_key", "rpm", "tpm", "timeout", "input_cost_per_token", "extra_headers", "id"]
NAMES += ["vertex_credentials", "mode", "tier", "base_model", "tags", "max_retries", "drop_params"]
NAMES += ["use_in_pass_through", "tiered_pricing", "blocked", "db_model", "saltext_litellm", "note"]
NAMES += ["model_name", "litellm_params", "model_info", "X-Token", "", "a/b", "~", "\n", "timeout"]
NAMES += ["credential_values", "credential_info", "display_name", "monkeys", "keys", "passphrase"]
NAMES += ["num_retries", "model_group_alias", "fallbacks", "redis_password", "max_fallbacks"]
NAMES += ["key", "aliases", "metadata", "settings", "permissions", "config", "duration", "token"]
NAMES += ["members", "ada@example.com", "user_id", "model_aliases", "team_id", "team_member_budget"]
NAMES += ["model_max_budget"]
NAMES += ["members_with_roles", "team_member_budget_id", "max_budget", "soft_budget", "budget_id"]
text = st.sampled_from(WORDS) | st.text(st.characters(exclude_categories=()), max_size=12)
numbers = (
    st.integers()
    | st.floats()
    | st.sampled_from([0, -1, 1.5, 1e300, 5e-324, 2**53 + 1, 2**63 - 1, 2**63, 2**64, 10**20])
)
scalars = st.none() | st.booleans() | numbers | text
odd = st.sampled_from(ODD).map(lambda make: make())
keys = st.sampled_from(NAMES) | text | st.none() | st.booleans() | st.integers() | st.dates()
wild = st.recursive(
    scalars | odd,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=8,
)

sections = {
    "litellm_params": {
        "timeout": 30,
        "tags": ["a", "b"],
        "extra_headers": {"X-Token": "sk-0123456789", "X-Team": "blue"},
        "tiered_pricing": [{"range": [0, 1000], "input_cost_per_token": 1e-6}],
        "vertex_credentials": {"type": "service_account", "private_key": "pem-0123456789"},
    },
    "model_info": {"note": {"of": ["ours", 1, True]}, "max_tokens": 4096},
}
valid = {
    "custom_llm_provider": "openai",
    "base_model": "gpt-4",
    "model_api_key": "sk-provider-0123456789",
    "model_api_base": "https://api.example.com/v1",
    "api_version": "2024-10-21",
    "tier": "paid",
    "mode": "chat",
    "tpm": 100,
    "rpm": "10",
    "input_cost_per_million_tokens": 30,
    **sections,
}
entry = {"model_name": "gpt", "litellm_params": {"model": "openai/gpt-4", "rpm": 1}, "rpm": 2}
sets = st.sampled_from([{"models": {"a": valid, "b": {"litellm_params": {"model": "openai/x"}}}}])
sets |= st.sampled_from([{"models": [entry, entry]}, {"models": {"a": None}, "defaults": valid}])
sets |= st.just({"pillar": "objects"})

valid_credential = {
    "credential_values": {
        "api_key": "sk-provider-0123456789",
        "api_base": "https://api.example.com/v1",
        "vertex_credentials": {"type": "service_account", "private_key": "pem-0123456789"},
        "headers": {"X-Team": "blue", "deep": {"x": ["a", 1.5, True]}},
        "monkeys": {"keyboard": "qwerty", "n": 5},
    },
    "credential_info": {"custom_llm_provider": "openai", "note": {"of": ["ours", 1, True]}},
    "display_name": "Label",
}
credential_sets = st.sampled_from(
    [
        {
            "credentials": {
                "a": valid_credential,
                "b": {"credential_values": {"api_key": "sk-0123"}},
            }
        },
        {"credentials": {"a": None}, "defaults": valid_credential},
        {"pillar": "objects"},
    ]
)

valid_fallback = {"fallback_models": ["spare", "reserve"], "fallback_type": "context_window"}
valid_setting = {"value": {"an-alias": "spare", "other": {"model": "spare", "hidden": True}}}
settings_sets = st.sampled_from(
    [
        {"settings": {"num_retries": 3, "timeout": 60, "model_group_alias": {"an-alias": "spare"}}},
        {"settings": {"routing_strategy": "least-busy", "model_group_alias": {}}},
    ]
)

valid_key = {
    "key": "sk-0123456789abcdef",
    "models": ["gpt", "embeddings"],
    "max_budget": 5,
    "budget_duration": "30d",
    "rpm_limit": "10",
    "user_id": "ada",
    "duration": "90d",
    "blocked": False,
    "rotate": True,
    "aliases": {"best": "gpt"},
    "metadata": {"cost": {"centre": ["42", 1.5, True]}},
    "settings": {"allowed_routes": ["/v1/models"], "permissions": {"a": True}},
}
key_sets = st.sampled_from(
    [
        {"keys": {"a": valid_key, "b": {"key": "sk-abcdef0123456789", "tpm_limit": 1}}},
        {"keys": {"a": None}, "defaults": valid_key},
        {"pillar": "objects"},
    ]
)

valid_team = {
    "team_alias": "Search",
    "models": ["gpt", "embeddings"],
    "max_budget": 5,
    "budget_duration": "30d",
    "tpm_limit": 100,
    "rpm_limit": "10",
    "team_member_budget": 1.5,
    "model_aliases": {"best": "gpt"},
    "members": {"Ada@example.com": "user", "bob": "user", "eve": "admin"},
    "blocked": False,
    "metadata": {"cost": {"centre": ["42", 1.5, True]}},
    "settings": {"soft_budget": 4, "model_rpm_limit": {"gpt": 5}, "tpd_limit": 7},
}
team_sets = st.sampled_from(
    [
        {"teams": {"a": valid_team, "b": {"models": ["no-default-models"], "tpm_limit": 1}}},
        {"teams": {"a": None}, "defaults": valid_team},
        {"pillar": "objects"},
    ]
)

valid_budget = {
    "max_budget": 5,
    "soft_budget": 4.5,
    "budget_duration": "30d",
    "tpm_limit": 100,
    "rpm_limit": "10",
    "max_parallel_requests": 3,
}


@dataclass(frozen=True)
class Surface:
    """A kind of objects: its functions, and arguments of an object and of a set that are well."""

    name: str
    modules: dict[str, types.ModuleType]
    functions: dict[str, tuple[str, ...]]
    valid: dict[str, Any]
    sets: st.SearchStrategy[Any]

    def calls(self) -> list[tuple[Surface, str, str]]:
        """Every public function, with its kind and whether it is a state's."""
        return [(self, kind, one) for kind, found in self.functions.items() for one in found]

    def __str__(self) -> str:
        return self.name


STATES = ("absent", "managed", "present")
MODELS = Surface(
    "litellm_model",
    {"module": litellm_model, "state": model_states},
    {
        "module": (
            *("apply", "block", "create", "delete", "export", "get", "health", "list", "manage"),
            *("ping", "plan", "plan_set", "test_connection", "unblock", "update", "version"),
        ),
        "state": STATES,
    },
    valid,
    sets,
)
CREDENTIALS = Surface(
    "litellm_credential",
    {"module": litellm_credential, "state": credential_states},
    {
        "module": ("apply", "delete", "export", "get", "list", "manage", "plan", "used_by"),
        "state": STATES,
    },
    valid_credential,
    credential_sets,
)
FALLBACKS = Surface(
    "litellm_fallback",
    {"module": litellm_fallback, "state": fallback_states},
    {"module": ("apply", "delete", "get", "list", "plan"), "state": ("absent", "present")},
    valid_fallback,
    st.nothing(),
)
SETTINGS = Surface(
    "litellm_router",
    {"module": litellm_router, "state": router_states},
    {"module": ("apply", "get", "list", "manage", "plan"), "state": ("managed", "present")},
    valid_setting,
    settings_sets,
)
RESERVES = ("spare", "reserve")  # the models that valid fallbacks name

VIRTUAL_KEYS = Surface(
    "litellm_key",
    {"module": litellm_key, "state": key_states},
    {
        "module": (
            *("apply", "block", "delete", "export", "get", "list", "manage", "plan", "unblock"),
        ),
        "state": STATES,
    },
    valid_key,
    key_sets,
)
TEAMS = Surface(
    "litellm_team",
    {"module": litellm_team, "state": team_states},
    {"module": ("apply", "delete", "export", "get", "list", "manage", "plan"), "state": STATES},
    valid_team,
    team_sets,
)
BUDGETS = Surface(
    "litellm_budget",
    {"module": litellm_budget, "state": budget_states},
    {
        "module": ("apply", "delete", "export", "get", "list", "plan"),
        "state": ("absent", "present"),
    },
    valid_budget,
    st.nothing(),
)
SURFACES = (MODELS, CREDENTIALS, FALLBACKS, SETTINGS, VIRTUAL_KEYS, TEAMS, BUDGETS)


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    return [path, *(place for key, item in items for place in _places(item, (*path, key)))]


@st.composite
def mutated(draw: st.DrawFn, whole: Any) -> Any:
    """What is well but for one place."""
    value = copy.deepcopy(draw(whole) if isinstance(whole, st.SearchStrategy) else whole)
    path = draw(st.sampled_from(_places(value)[1:]))
    target = value
    for key in path[:-1]:
        target = target[key]
    how = draw(st.sampled_from(["replace", "replace", "add", "remove", "leave"]))
    if how == "replace":
        target[path[-1]] = draw(wild)
    elif how == "add" and isinstance(target, dict):
        target[draw(keys)] = draw(wild)
    elif how == "remove" and isinstance(target, dict):
        del target[path[-1]]
    return value


def parameters_of(module: types.ModuleType, function: str) -> Mapping[str, inspect.Parameter]:
    found = inspect.signature(vars(module).get(function) or module.list_).parameters
    return {name: one for name, one in found.items() if one.kind is not one.VAR_KEYWORD}


def arguments_of(module: types.ModuleType, function: str) -> list[str]:
    return list(parameters_of(module, function))


def arguments(surface: Surface, kind: str, function: str) -> st.SearchStrategy[dict[str, Any]]:
    """Arguments of a function: some of them arbitrary, or all well but for one place."""
    names = arguments_of(surface.modules[kind], function)
    names.remove("profile")
    if not names:
        return st.just({})
    chosen = st.dictionaries(st.sampled_from(names), wild, max_size=4)
    if surface.valid.keys() <= set(names):
        chosen |= mutated(surface.valid)
    if "defaults" in names or "settings" in names:
        chosen |= mutated(surface.sets)
    # Salt itself refuses a key at the top that is no argument, and arguments that are missing.
    parameters = parameters_of(surface.modules[kind], function)
    needed = {key: wild for key in names if parameters[key].default is inspect.Parameter.empty}
    chosen = st.tuples(st.fixed_dictionaries(needed), chosen).map(
        lambda pair: {key: one for key, one in {**pair[0], **pair[1]}.items() if key in names}
    )
    if "name" in names:
        good = st.just("model_group_alias" if surface is SETTINGS else "gpt")
        name = good | good | wild
        chosen = st.tuples(name, chosen).map(lambda pair: {"name": pair[0], **pair[1]})
    return chosen


profiles = st.just(PROFILE) | st.just(PROFILE) | st.just(PROFILE) | wild | mutated(PROFILE)


def pillars(surface: Surface) -> st.SearchStrategy[Any]:
    return wild | st.just({"a": surface.valid}) | mutated({"a": surface.valid})


# ---------------------------------------------------------------- what it meets


class Witness(Client):
    """A client of the model of LiteLLM that keeps what it is sent, and knows the other calls."""

    def __init__(self, cluster: Cluster) -> None:
        super().__init__(cluster, 0)
        self.cluster = cluster
        self.bodies: list[Any] = []

    def create(self, body: Any) -> Any:
        self.bodies.append(body)
        return super().create(body)

    def update(self, model_id: str, body: Any) -> Any:
        self.bodies.append(body)
        return super().update(model_id, body)

    def test_connection(self, body: Any) -> Any:
        self.bodies.append(body)
        return {"status": "success", "result": {}}

    def health(self, model_id: str) -> Any:
        return {"healthy_endpoints": [{"model_id": model_id}], "unhealthy_endpoints": []}

    def latest_health(self) -> dict[str, str]:
        return {}

    def alive(self) -> bool:
        return True


class CredentialWitness(CredentialClient):
    """The same for credentials."""

    def __init__(self, cluster: CredentialCluster) -> None:
        super().__init__(cluster, 0)
        self.cluster = cluster
        self.bodies: list[Any] = []

    def create(self, body: Any) -> Any:
        self.bodies.append(body)
        return super().create(body)

    def update(self, name: str, body: Any) -> Any:
        self.bodies.append(body)
        return super().update(name, body)


class FallbackWitness(FallbackClient):
    """The same for fallbacks."""

    def __init__(self, cluster: RoutingCluster) -> None:
        super().__init__(cluster, 0)
        self.bodies: list[Any] = []

    def create(self, body: Any) -> None:
        self.bodies.append(body)
        super().create(body)


class RouterWitness(RouterClient):
    """The same for router settings, which have one row with those of fallbacks."""

    def __init__(self, cluster: RoutingCluster) -> None:
        super().__init__(cluster, 0)
        self.bodies: list[Any] = []

    def update(self, row_id: str, body: Any) -> None:
        self.bodies.append(body)
        super().update(row_id, body)


def witnesses() -> tuple[Any, ...]:
    """Clients of a new gateway, one for each kind."""
    routing = RoutingCluster()
    models = (Witness(Cluster()), CredentialWitness(CredentialCluster()))
    return *models, FallbackWitness(routing), RouterWitness(routing)


class Called:
    """The public functions over the models of LiteLLM, called as Salt calls them."""

    def __init__(self, loaders: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        opts = {**loaders.opts, "pillar": {}, "test": False}
        self.modules = salt.loader.minion_mods(opts)
        self.states = salt.loader.states(opts, self.modules, {}, {})
        self.clients = witnesses()
        self.keys = TeamCluster()  # answers all requests but those for the kinds above
        monkeypatch.setattr(gateways, "Session", lambda *_: self.keys)
        monkeypatch.setattr(gateway, "ModelEndpoints", lambda _: self.clients[0])
        monkeypatch.setattr(gateway, "CredentialEndpoints", lambda _: self.clients[1])
        monkeypatch.setattr(gateway, "FallbackEndpoints", lambda _: self.clients[2])
        monkeypatch.setattr(gateway, "RouterEndpoints", lambda _: self.clients[3])

    def renew(self, surface: Surface, pillar: Any) -> None:
        """Another gateway, with one row of each kind that nobody owns."""
        self.clients = witnesses()
        params = {"model": "openai/gpt-4"}
        names = ("theirs", "gpt", *RESERVES) if surface is FALLBACKS else ("theirs",)
        for name in names:
            row = {"model_name": name, "litellm_params": params, "model_info": {"id": name}}
            self.clients[0].cluster.client().create(row)
        routing = self.clients[2].cluster
        routing.models, routing.known = set(names), [set(names)]
        routing.set_settings(0, {"allowed_fails": 7, "fallbacks": [{"theirs": ["spare"]}]})
        values = {"api_key": "sk-theirs-0123456789", "api_base": "https://theirs.example.com"}
        held = {"credential_values": values, "credential_info": {"of": {"theirs": [1]}}}
        self.clients[1].cluster.client().create({"credential_name": "theirs", **held})
        self.keys = TeamCluster()
        theirs = {"key": "sk-theirs-0123456789", "key_alias": "theirs", "metadata": {"of": [1]}}
        self.keys.call("POST", "/key/generate", theirs)
        team = {
            "team_id": "theirs",
            "team_alias": "theirs",
            "max_budget": 7,
            "metadata": {"a": [1]},
        }
        self.keys.call("POST", "/team/new", {**team, "team_member_budget": 2})
        self.keys.call("POST", "/budget/new", {"budget_id": "theirs", "max_budget": 7})
        self.modules.pack["__pillar__"] = {"objects": pillar}
        self.modules[f"{surface}.list"]  # loads the module
        self.modules.pack["__context__"] = {}

    def theirs(self) -> Any:
        """What others have on the gateway."""
        stored = self.clients[2].cluster.stored
        rows = [client.cluster.table["theirs"] for client in self.clients[:2]]
        theirs = [one for one in stored["fallbacks"] if "theirs" in one]
        keys = self.keys.by_alias()["theirs"]
        granted = [held["theirs"] for held in (self.keys.teams, self.keys.budgets)]
        return copy.deepcopy([*rows, theirs, stored["allowed_fails"], keys, *granted])

    def writes(self) -> int:
        return self.keys.writes + sum(client.cluster.writes for client in self.clients)

    def call(self, surface: Surface, kind: str, function: str, args: dict[str, Any]) -> Any:
        """What a call comes to; ``None`` if it was refused."""
        told, refused = None, None
        try:
            if kind == "state":  # which raises nothing
                told = self.states[f"{surface}.{function}"](**args)
                check_result(told)
                return told
            told = self.modules[f"{surface}.{function}"](**args)
        except SALT_ERRORS as err:
            refused = str(err)
        finally:
            for client in (*self.clients, self.keys):
                check_bodies(client.bodies)
        if refused is not None:
            assert kind == "module", refused
            first, *example = refused.split("\n")
            assert not example or first.endswith("for example:")
            check_words(refused)
        return told


def check_words(words: str) -> None:
    assert 0 < len(words) < LONGEST, words[:200]
    assert all(char.isprintable() or char == "\n" for char in words), words
    assert "Traceback" not in words


def check_result(told: Any) -> None:
    assert set(told) <= {"name", "result", "changes", "comment", "warnings"}
    assert told["result"] in (True, False, None)
    assert isinstance(told["changes"], dict)
    check_words(told["comment"])
    for warning in told.get("warnings", ()):
        check_words(warning)


def check_bodies(bodies: list[Any]) -> None:
    """No garbage was sent: it is JSON that any parser and PostgreSQL take."""
    for body in bodies:
        sent = json.dumps(body, allow_nan=False, ensure_ascii=False)
        assert sent.encode()
        assert "\\u0000" not in sent
        assert json.loads(sent) == body
        check_plain(body)


def check_plain(value: Any) -> None:
    if isinstance(value, dict):
        assert all(type(key) is str and key for key in value), value
        for item in value.values():
            check_plain(item)
    elif isinstance(value, list):
        for item in value:
            check_plain(item)
    else:
        assert value is None or type(value) in (bool, int, float, str), value
        assert not isinstance(value, float) or math.isfinite(value)
        assert not isinstance(value, int) or abs(value) < 2**63


def failed(told: Any) -> bool:
    """Whether something is not as it should be, so that a second call has something to do."""
    return told.get("result") is False or any(told.get(key) for key in ("failure", "failures"))


def told_changes(told: Any) -> bool:
    """Whether a call says that it changed something."""
    return isinstance(told, dict) and bool(told.get("changes") or told.get("unknown"))


def check_rest(
    called: Called, surface: Surface, kind: str, function: str, args: dict[str, Any]
) -> None:
    """Done once more, nothing is written."""
    writes = called.writes()
    told = called.call(surface, kind, function, args)
    assert told is not None
    assert not told["changes"], told
    assert called.writes() == writes


@pytest.fixture
def called(loaders, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)  # some arguments are the names of files to write
    return Called(loaders, monkeypatch)


def run(
    called: Called, surface: Surface, kind: str, function: str, examples: int, survived: Any
) -> None:
    @fuzz(examples)
    @given(args=arguments(surface, kind, function), profile=profiles, pillar=pillars(surface))
    def cases(args: dict[str, Any], profile: Any, pillar: Any) -> None:
        source = args.get("source")
        assume(not (isinstance(source, str) and "://" in source))  # nothing outside is asked
        survived("Fuzz", f"{surface}, {kind} {function}")
        called.renew(surface, pillar)
        theirs, before = called.theirs(), called.keys.stored()
        told = called.call(surface, kind, function, {**args, "profile": profile})
        if function.startswith("plan") or args.get("test") is True or not told_changes(told):
            assert called.keys.stored() == before
        if function in CONVERGING and told is not None and not failed(told):
            if not args.get("test"):
                check_rest(called, surface, kind, function, {**args, "profile": profile})
            if "theirs" not in repr(args):
                assert called.theirs() == theirs

    cases()


ALL = [call for surface in SURFACES for call in surface.calls()]


def test_every_public_function_is_among_these():
    for surface in SURFACES:
        for kind, functions in surface.functions.items():
            public = {name.rstrip("_") for name in public_functions(surface.modules[kind])}
            assert public - {"mod_watch"} == set(functions)  # it calls the function that is watched


@pytest.mark.parametrize(("surface", "kind", "function"), ALL, ids=str)
def test_arbitrary_input_comes_to_a_result_or_to_one_of_salts_errors(
    called, survived, surface, kind, function
):
    named = set(arguments_of(surface.modules[kind], function))
    writes = {"defaults", "settings"} & named or surface.valid.keys() <= named
    run(called, surface, kind, function, 25 if writes else 8, survived)


@pytest.mark.survive
@pytest.mark.parametrize(("surface", "kind", "function"), ALL, ids=str)
def test_much_arbitrary_input_does(called, survived, surface, kind, function):
    run(called, surface, kind, function, LONG, survived)


# ---------------------------------------------------------------- LiteLLM itself


def live(states, api, surface: Surface, name: str, examples: int, survived: Any) -> None:
    """Objects that are well but for one place, on a gateway with a row of somebody else's."""
    state, credentials, routing = (
        f"{surface}.present",
        CredentialApi(api.gateway),
        RoutingApi(api.gateway),
    )
    if surface is SETTINGS and not routing.since("1.106"):
        pytest.skip("LiteLLM 1.83 destroys settings that a write does not send")
    witness = api.create(f"{name}-witness")
    credentials.create(f"{name}-witness", info={"of": "others"})
    theirs = credentials.one(f"{name}-witness")
    models = [api.create(one) for one in (name, *RESERVES)] if surface is FALLBACKS else []
    named = "model_group_alias" if surface is SETTINGS else name

    @fuzz(examples)
    @given(args=mutated(surface.valid))
    def cases(args: dict[str, Any]) -> None:
        survived("Fuzz", f"{surface}, state present, on LiteLLM")
        args = {key: value for key, value in args.items() if key in surface.valid}
        result = states.run((state, {"name": named, **args}))
        check_words(result["comment"])
        if result["result"]:
            again = states.run((state, {"name": named, **args}))
            assert (again["result"], again["changes"]) == (True, {}), again
        assert [row["model_info"]["id"] for row in api.in_database(f"{name}-witness")] == [witness]
        assert api.one(f"{name}-witness")
        assert credentials.one(f"{name}-witness") == theirs

    try:
        cases()
    finally:
        credentials.clean(name)
        routing.clean(name)
        if surface is SETTINGS:
            routing.set(model_group_alias={})
        for model in models:
            api.delete(model)
        keys = KeyApi(api.gateway)
        for alias in keys.having(name):
            keys.delete(alias)
        BudgetApi(api.gateway).clean(name)  # and teams


# Router settings and teams are the whole gateway's, which other tests share.
@pytest.mark.parametrize(
    "surface",
    [one for one in SURFACES if one not in (SETTINGS, TEAMS, BUDGETS)],
    ids=str,
)
def test_no_input_keeps_litellm_from_serving_other_rows(states, api, name, survived, surface):
    live(states, api, surface, name, 4, survived)


@pytest.mark.survive
@pytest.mark.parametrize("surface", SURFACES, ids=str)
def test_no_input_of_very_many_does(states, api, name, survived, surface):
    live(states, api, surface, name, LONG // 5, survived)
