"""Salt's side of the way to a gateway: profiles and references, the gateway of a run, errors."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from typing import Any

import salt.utils.sdb
from salt.exceptions import CommandExecutionError, SaltException, SaltInvocationError

from saltext_litellm.utils.litellm import profile as profiles
from saltext_litellm.utils.litellm.errors import InvalidInput, LiteLLMError, Refused
from saltext_litellm.utils.litellm.quote import line, short
from saltext_litellm.utils.litellm.secrets import Fingerprinter
from saltext_litellm.utils.litellm.session import Session
from saltext_litellm.utils.models.endpoints import Models
from saltext_litellm.utils.run.gateway import Gateway

# Where in Salt's __context__ the states of one run share their gateways.
_RUN = "litellm_model.run"
# What writes to a gateway, `module.run` included.
_WRITERS = ("litellm_model", "module")


def open_run(
    context: MutableMapping[str, Any], run_id: Any, chunks: Iterable[Mapping[str, Any]]
) -> None:
    """Let the states of a run share what they read of a gateway.

    Only a state does so, and only for its own run: what an earlier run, or a call by hand, has
    read may be out of date. Nor in a run with ``parallel: True``: Salt (3006 to 3008) forks such
    a state, so that nobody else sees in its ``__context__`` what it has written, and a state
    that requires it would decide by what was read before. There each state reads for itself.

    :param run_id: Salt's ``__instance_id__`` of the run, ``None`` where there is none.
    :param chunks: Salt's ``__lowstate__``: all states of the run.
    """
    if run_id is None:
        context.pop(_RUN, None)
    elif context.get(_RUN, {}).get("run") != run_id:
        forks = any(chunk.get("parallel") and chunk["state"] in _WRITERS for chunk in chunks)
        context[_RUN] = {"run": run_id, "gateways": None if forks else {}}


def gateway(
    profile: Any,
    context: Mapping[str, Any],
    config: Callable[[str], Any],
    resolve: Callable[[Any], Any],
) -> Gateway:
    """The gateway of a profile: the run's own if a state has opened one, else a new one.

    :param config: Returns what stands under a config key, ``None`` if nothing does.
    :param resolve: Replaces an ``sdb://`` reference by what it refers to.
    """
    gateways = context.get(_RUN, {}).get("gateways")
    if gateways is None:
        gateways = {}
    try:
        key = repr(profile)
    except ValueError:  # Python refuses to print an integer of more than 4,300 digits
        raise InvalidInput("The given profile has a number of thousands of digits") from None
    if key not in gateways:
        loaded = _loaded(profile, config, resolve)
        fingerprint = Fingerprinter(loaded.fingerprint_key or loaded.api_key)
        models, names = Models(Session(loaded)), loaded.gateway_names
        gateways[key] = Gateway(models, fingerprint, loaded.warnings, names)
    found: Gateway = gateways[key]
    return found


def _loaded(
    profile: Any, config: Callable[[str], Any], resolve: Callable[[Any], Any]
) -> profiles.Profile:
    try:
        return profiles.load(profile, config, resolve)
    except InvalidInput as err:
        if isinstance(profile, str) and profile:  # the argument is well, but not what it leads to
            raise Refused(str(err), example=err.example) from None
        raise


def resolver(opts: Mapping[str, Any]) -> Callable[[Any], Any]:
    """What replaces an ``sdb://`` reference by what it refers to, and leaves all else as it is."""

    found: dict[str, Any] = {}  # or why there is nothing: each is asked for once

    def resolve(value: Any) -> Any:
        if not isinstance(value, str) or not value.startswith("sdb://"):
            return value
        if value not in found:
            try:
                found[value] = _from_sdb(value, opts)
            except Refused as err:
                found[value] = err
        if isinstance(found[value], Refused):
            raise Refused(*found[value].mistakes)
        return found[value]

    return resolve


def _from_sdb(reference: str, opts: Mapping[str, Any]) -> Any:
    told = f"Cannot resolve {short(reference)}"
    try:
        found = salt.utils.sdb.sdb_get(reference, opts, strict=True)
    except SaltException as err:
        raise Refused(f"{told}: {err}") from None
    except Exception as err:  # noqa: BLE001 - whatever a driver may raise
        raise Refused(f"{told}: {type(err).__name__}") from None
    if found is None:
        raise Refused(f"{told}: there is nothing under this name")
    return found


@contextlib.contextmanager
def salt_errors() -> Iterator[None]:
    """Turn our errors into Salt's, which it prints as one sentence."""
    try:
        yield
    except LiteLLMError as err:
        # For a SaltInvocationError salt-call prints how the function is called.
        is_argument = isinstance(err, InvalidInput) and not isinstance(err, Refused)
        kind = SaltInvocationError if is_argument else CommandExecutionError
        example = err.example if isinstance(err, InvalidInput) else ()
        raise kind("\n".join(map(line, (str(err), *example)))) from None
    except RecursionError:
        raise CommandExecutionError(
            "What is declared, or what the gateway has, is nested too deeply"
        ) from None
