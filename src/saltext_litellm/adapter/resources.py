"""Runs Salt's states and functions for gateways that Salt targets by name (Salt 3008).

Salt calls them resources. To a gateway's states and functions the minion looks as if it had this
one gateway alone: its profile, its pillar and its grains.
"""

from __future__ import annotations

import inspect
import re
import time
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any
from urllib.parse import quote

import salt.cache
import salt.fileclient
import salt.loader
import salt.pillar
import salt.state
import salt.utils.args
import salt.utils.dictupdate
import salt.utils.resources
from salt.exceptions import CommandExecutionError, SaltInvocationError

from ..errors import LiteLLMError
from ..http.profile import DEFAULT, Profile
from ..models import facts
from . import gateways
from .errors import salt_errors
from .sdb import resolver

TYPE = "litellm"
# What SLS files see in `pillar` for one gateway; in its declaration, beside its profile.
_PILLAR = "pillar"
# A gateway has no shell and no files: a state for the machine would change the minion.
_KINDS = ("budget", "credential", "fallback", "gateway", "key", "model", "router", "team")
_OWN = tuple(f"litellm_{kind}" for kind in _KINDS)
_STATES = (*_OWN, "module", "test")
_MODULES = (*_OWN, "config", "grains", "pillar", "sdb", "slsutil", "test")

_GRAINS_SECONDS = 2.0  # each gateway that does not answer holds up the start of the minion for it
_GRAINS_AGE = 600  # seconds
_PING_SECONDS = 10.0

# What the text of a function says that is not so for a gateway: its `profile`, whom to target.
_TEXT = (
    (re.compile(r"^    profile\n(?: {8}.*\n|\n)+?(?=    \S|\Z)", re.MULTILINE), ""),
    (re.compile(r" profile=\S+"), ""),
    (re.compile(r"^( +salt) (?:'\*'|gateway-admin) ", re.MULTILINE), r"\1 prod-eu "),
)

Options = dict[str, Any]


def declared(opts: Mapping[str, Any]) -> dict[str, Any]:
    """The gateways in the minion's pillar, by name: ``resources: {litellm: {NAME: …}}``."""
    found = salt.utils.resources.pillar_resources_tree(opts).get(TYPE)
    return {str(name): entry for name, entry in (found or {}).items()}


def profile(opts: Mapping[str, Any], name: str) -> Profile:
    """The profile of a gateway.

    :raises LiteLLMError: It is not declared, incomplete or misspelt.
    """
    return gateways.own_profile(name, _entry(opts, name)[0], resolver(opts))


def options(
    opts: Mapping[str, Any], name: str, override: Mapping[str, Any] | None = None
) -> Options:
    """The minion's options as they are for one of its gateways.

    The ``id`` stays the minion's, with which it speaks to the master.

    :param override: What is merged over the gateway's pillar.
    :raises CommandExecutionError: The gateway is not declared, or cannot be kept apart.
    """
    if not opts.get("multiprocessing", True):
        # A module has one __opts__, those of the loader that has loaded it last (Salt 3008.4): a
        # run with test=True beside one without would not be sure of it.
        raise CommandExecutionError(
            "Without multiprocessing Salt cannot keep two jobs apart: set it to True in the "
            "minion's configuration"
        )
    settings, own = _entry(opts, name)
    # Without what is declared for the others: no SLS may reach their keys.
    key = salt.utils.resources.resource_pillar_key(opts)
    pillar = {one: value for one, value in opts["pillar"].items() if one != key}
    for more in filter(None, (own, override)):
        pillar = salt.utils.dictupdate.merge(
            pillar,
            more,
            opts.get("pillar_source_merging_strategy", "smart"),
            opts.get("renderer", "yaml"),
            opts.get("pillar_merge_lists", False),
        )
    return {
        **{key: value for key, value in opts.items() if key != "resource_type"},
        "pillar": {**pillar, DEFAULT: settings},
        "grains": grains(opts, name),
    }


def _entry(opts: Mapping[str, Any], name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The profile and the pillar that are declared for a gateway."""
    entry = declared(opts).get(name)
    if not isinstance(entry, Mapping):
        where = f"{salt.utils.resources.resource_pillar_key(opts)}:{TYPE}:{name}"
        raise CommandExecutionError(
            f"The minion's pillar has no mapping with url and api_key at {where}"
        )
    own = entry.get(_PILLAR) or {}
    if not isinstance(own, Mapping):
        raise CommandExecutionError(f"The pillar of the gateway {name} must be a mapping")
    return {key: value for key, value in entry.items() if key != _PILLAR}, dict(own)


def ping(opts: Mapping[str, Any], name: str) -> bool:
    """Whether a gateway answers and takes its key, without waiting long for one that does not.

    :raises CommandExecutionError: It does not, with the reason.
    """
    with salt_errors():
        return facts.quick(profile(opts, name), _PING_SECONDS).alive()


def grains(opts: Mapping[str, Any], name: str) -> dict[str, Any]:
    """What a gateway is targeted by. Asked of it once in ten minutes; never fails.

    Salt calls this for each job, and for all gateways while the minion starts. A gateway that
    does not answer keeps the grains that it had.
    """
    try:
        found = profile(opts, name)
    except (LiteLLMError, CommandExecutionError):
        return {"id": name}
    cache, key = salt.cache.factory(dict(opts)), quote(name, safe="")
    kept = cache.fetch(TYPE, key) or {}
    if kept.get("url") != found.url:
        kept = {"url": found.url, "facts": {}, "at": 0}
    if time.time() - kept["at"] > _GRAINS_AGE:
        asked = facts.facts(facts.quick(found, _GRAINS_SECONDS))
        kept |= {"facts": {**kept["facts"], **asked}, "at": time.time()}
        cache.store(TYPE, key, kept)
    told = {f"{TYPE}_{fact}": value for fact, value in kept["facts"].items()}
    return {"id": name, f"{TYPE}_url": found.url, **told}


def context(opts: Options) -> dict[str, Any]:
    """A context for Salt's loaders, in which only the gateway of these options can be reached."""
    found: dict[str, Any] = {}
    gateways.bind(found, opts["grains"]["id"], opts["pillar"][DEFAULT])
    return found


def functions(opts: Options, shared: dict[str, Any], client: Any = None, utils: Any = None) -> Any:
    """The execution functions that a gateway has.

    :param opts: Those of :func:`options`.
    :param shared: Their :func:`context`.
    :param client: What Salt's loaders take for a file client, if there is one.
    :param utils: Salt's utils, if they are loaded already.
    """
    if utils is None:
        utils = salt.loader.utils(opts, file_client=client)
    return salt.loader.minion_mods(
        opts, shared, utils=utils, whitelist=list(_MODULES), file_client=client
    )


def functions_of(
    source: ModuleType, module: str, given: Mapping[str, Any]
) -> dict[str, Callable[..., Any]]:
    """The functions of an execution module for the gateway that a job is addressed to.

    :param source: The module of the minion.
    :param module: The name of the module that they are for. Salt loads no others from there.
    :param given: The globals of that module, in which Salt's loader sets ``__opts__`` and more.
    """
    aliases = vars(source)["__func_alias__"]

    def call(name: str, *args: Any, **kwargs: Any) -> Any:
        opts = options(dict(given["__opts__"]), given["__resource__"]["id"])
        shared = context(opts)
        named = f"{vars(source)['__virtualname__']}.{aliases.get(name, name)}"
        try:
            return functions(opts, shared)[named](*args, **kwargs)
        finally:
            given["__context__"]["retcode"] = shared.get("retcode", 0)

    return bound(source, call, module)


def bound(
    source: ModuleType, call: Callable[..., Any], module: str
) -> dict[str, Callable[..., Any]]:
    """The functions of an execution module without their ``profile``: it is the gateway's own.

    Their arguments are those of the source, so that Salt checks and explains them as ever.

    :param call: Calls a function, which it is given by its name, with its arguments.
    :param module: The name of the module that they are for. Salt loads no others from there.
    """
    return {
        name: _bound(name, function, call, module)
        for name, function in inspect.getmembers(source, inspect.isfunction)
        if not name.startswith("_") and function.__module__ == source.__name__
    }


def _bound(
    name: str, function: Callable[..., Any], call: Callable[..., Any], module: str
) -> Callable[..., Any]:
    def on_gateway(*args: Any, **kwargs: Any) -> Any:
        return call(name, *args, **kwargs)

    signature = inspect.signature(function)
    taken = [one for one in signature.parameters.values() if one.name != "profile"]
    on_gateway.__name__ = on_gateway.__qualname__ = name
    on_gateway.__module__ = module
    text = function.__doc__ or ""
    for found, instead in _TEXT:
        text = found.sub(instead, text)
    on_gateway.__doc__ = text
    # Not functools.wraps: Salt follows its __wrapped__, to the function that takes a profile.
    vars(on_gateway)["__signature__"] = signature.replace(parameters=taken)
    return on_gateway


class State(salt.state.State):  # type: ignore[misc]
    """Runs the states of one gateway, with the modules that are for gateways."""

    def load_modules(self, data: Any = None, proxy: Any = None) -> None:  # noqa: ARG002 - Salt's
        client = salt.fileclient.ContextlessFileClient(self.file_client)
        self.utils = salt.loader.utils(self.opts, file_client=client)
        self.functions = functions(self.opts, self.state_con, client, self.utils)
        # What Salt itself needs for a run: options, events.
        self._trusted_functions = getattr(self.functions, "_dunder_salt", self.functions)
        self.serializers = salt.loader.serializers(self.opts)
        self.states = salt.loader.states(
            self.opts,
            self.functions,
            self.utils,
            self.serializers,
            whitelist=list(_STATES),
            context=self.state_con,
            file_client=client,
        )
        self.rend = salt.loader.render(
            self.opts,
            self.functions,
            states=self.states,
            file_client=self.file_client,
            context=self.state_con,
        )


class HighState(salt.state.HighState):  # type: ignore[misc]
    """Compiles and runs the states of one gateway. Its pillar and modules are there already.

    Salt's own would ask the master for a pillar, and load every module, once for each gateway.

    :param opts: The options of :func:`options`.
    :param client: A file client of the minion.
    """

    def __init__(self, opts: Options, jid: str | None, client: Any) -> None:
        self.client, self.preserve_client, self.proxy = client, True, None
        salt.state.BaseHighState.__init__(self, opts)
        self.state = State(
            self.opts,
            jid=jid,
            context=context(opts),
            initial_pillar=opts["pillar"],
            file_client=client,
        )
        # The top file means the gateway.
        self.matchers = salt.loader.matchers({**self.opts, "id": opts["grains"]["id"]})
        self._pydsl_all_decls: dict[str, Any] = {}
        self._pydsl_render_stack: list[Any] = []

    def _master_tops(self) -> dict[str, Any]:
        """None: the master would give those of the minion."""
        return {}

    def load_dynamic(self, matches: Any) -> None:
        """Nothing: the minion syncs its modules itself."""

    def sls(self, mods: Any, exclude: Any, jid: str | None) -> tuple[Any, Any]:
        """Apply SLS files. Returns the results, or the mistakes; and what they were made of."""
        mods = salt.utils.args.split_input(mods)
        high, errors = self.render_highstate({self.opts["saltenv"] or "base": mods})
        if errors:
            return errors, high
        if exclude:
            high.setdefault("__exclude__", []).extend(salt.utils.args.split_input(exclude))
        return self.state.call_high(high, jid), high

    def highstate(self, exclude: Any, whitelist: Any, jid: str | None) -> tuple[Any, Any]:
        """Apply what the top file has for the gateway. Returns what :meth:`sls` does."""
        name = f"{TYPE}-{quote(self.opts['grains']['id'], safe='')}"
        done = self.call_highstate(
            exclude=exclude or [], whitelist=whitelist, cache_name=name, orchestration_jid=jid
        )
        return done, self.building_highstate


def compiled_pillar(opts: Mapping[str, Any]) -> dict[str, Any]:
    """The minion's pillar, fresh from the master; ``salt-call`` has just done that."""
    if opts.get("__cli") == "salt-call":
        return dict(opts["pillar"])
    pillar = salt.pillar.get_pillar(
        opts, opts["grains"], opts["id"], opts["saltenv"], pillarenv=opts.get("pillarenv")
    )
    try:
        return dict(pillar.compile_pillar())
    finally:
        if hasattr(pillar, "destroy"):
            pillar.destroy()


def overriding(pillar: Any, pillar_enc: Any) -> Mapping[str, Any]:
    """The pillar that is given for a run."""
    if pillar_enc is not None:
        raise SaltInvocationError("pillar_enc is not for gateways: give the pillar as a mapping")
    if pillar is not None and not isinstance(pillar, Mapping):
        raise SaltInvocationError("pillar must be a mapping")
    return pillar or {}
