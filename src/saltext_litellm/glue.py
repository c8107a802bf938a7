"""Connects Salt to ``utils/``: profiles, references, a gateway, refusals, errors."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any

import salt.fileclient
import salt.utils.ctx
import salt.utils.sdb
import salt.utils.url
from salt.exceptions import CommandExecutionError, SaltException, SaltInvocationError

from saltext_litellm.sharing import current_run
from saltext_litellm.utils.litellm import profile as profiles
from saltext_litellm.utils.litellm.errors import (
    GatewayError,
    InvalidInput,
    LiteLLMError,
    Refused,
)
from saltext_litellm.utils.litellm.quote import line, short
from saltext_litellm.utils.litellm.secrets import Fingerprinter
from saltext_litellm.utils.litellm.session import Session
from saltext_litellm.utils.models.endpoints import Models
from saltext_litellm.utils.run.gateway import Gateway

# Where in Salt's __context__ the one gateway is that Salt has targeted as a resource. Not in
# __opts__: a module has those of the loader that has loaded it last, be it for another gateway
# (Salt 3006 to 3008).
_OWN = "litellm_model.own"


class Unavailable(CommandExecutionError):  # type: ignore[misc]  # Salt has no types
    """The gateway cannot be reached, or it refuses or fails what it is asked."""


def bind(context: MutableMapping[str, Any], name: str, settings: Mapping[str, Any]) -> None:
    """Let all functions and states that share a context reach one gateway, and no other.

    :param settings: Its profile.
    """
    context[_OWN] = {"name": name, "settings": settings}


def is_asked_for(function: str, opts: Mapping[str, Any]) -> bool:
    """Whether a function is what ``salt-call`` or a job is for, and not a part of something else.

    Only then may it leave a ``retcode`` in Salt's ``__context__``. In a state run that of one
    function decides all ``onlyif`` and ``unless`` that come later (Salt 3006 to 3008).
    """
    if hasattr(salt.utils.ctx, "get_request_context"):
        request = salt.utils.ctx.get_request_context()
    else:  # Salt 3006
        request = salt.utils.ctx.RequestContext.current
    asked = request.get("data", {}).get("fun") or opts.get("fun")
    return function in ([asked] if isinstance(asked, str) else asked or ())


def in_saltenv(url: Any, saltenv: str | None) -> Any:
    """A ``salt://`` URL in an environment, if it names none itself; anything else as it is."""
    names_none = isinstance(url, str) and url.startswith("salt://") and "?saltenv=" not in url
    return f"{url}?saltenv={saltenv}" if names_none and saltenv else url


@contextlib.contextmanager
def fetching(opts: Mapping[str, Any]) -> Iterator[Callable[[str], Any]]:
    """A function that copies what is at a URL to this machine, and returns the path of the copy.

    It is ``cp.cache_file``, which the states of a gateway that is a resource do not have.
    """
    with contextlib.ExitStack() as stack:
        clients: list[Any] = []

        def fetch(url: str) -> Any:
            if not clients:
                clients.append(stack.enter_context(salt.fileclient.get_file_client(dict(opts))))
            path, saltenv = salt.utils.url.split_env(url)
            return clients[0].cache_file(path, saltenv or opts.get("saltenv") or "base")

        yield fetch


def paths_of(place: str, opts: Mapping[str, Any]) -> list[str]:
    """Where a file may lie on this machine, which may be its own file server."""
    found = [place]
    if place.startswith("salt://"):
        path, saltenv = salt.utils.url.parse(place)
        roots = opts.get("file_roots", {}).get(saltenv or "base") or ()
        found = [os.path.join(root, path) for root in roots]
    return [*found, *map(os.path.realpath, found)]


def refuse_elsewhere(profile: Any, opts: Mapping[str, Any], context: Mapping[str, Any]) -> None:
    """Refuse if a profile may lead to another gateway than the one that is meant.

    Salt's deltaproxy (3006 to 3008) runs many proxies in one process, and may render the states
    of one and look up its pillar with the options of another: with ``multiprocessing: False``
    47 of 50 got the pillar of the last one. So nothing is read there either, as it may be read
    of the wrong gateway.

    :raises Refused: Before anything was sent.
    """
    if opts.get("subproxy") or opts.get("metaproxy") == "deltaproxy":
        raise Refused(
            "Salt's deltaproxy mixes up the pillars of its proxies, so this may be another "
            "gateway than the one that is meant: nothing was sent. Use resources (Salt 3008), "
            "a salt-proxy for each gateway, or one minion with a profile for each"
        )
    own, is_default = context.get(_OWN), profile == profiles.DEFAULT
    if own and not is_default:
        raise Refused(
            f"This runs for the gateway {own['name']}, which its states cannot leave: "
            "leave out the profile"
        )
    # Salt (3008.4) applies states to the minion as well if its gateways are targeted by a list or
    # by grains, or in batches.
    resources = opts.get("resources")
    if not own and is_default and isinstance(resources, Mapping) and resources.get("litellm"):
        raise Refused(
            "This minion manages gateways as resources and has none of its own: target them by "
            "T@litellm, or name a profile"
        )


def gateway(
    profile: Any,
    context: Mapping[str, Any],
    config: Callable[[str], Any],
    resolve: Callable[[Any], Any],
) -> Gateway:
    """The gateway of a profile: the one that the states of this run share, or else a new one.

    :param config: Returns the value of a config key, ``None`` if there is none.
    :param resolve: Replaces an ``sdb://`` reference by its value.
    """
    own = context.get(_OWN)
    try:
        key = repr(profile)
    except ValueError:  # Python refuses to print an integer of more than 4,300 digits
        raise InvalidInput("The given profile has a number of thousands of digits") from None

    def make() -> Gateway:
        loaded = own_profile(**own, resolve=resolve) if own else _load(profile, config, resolve)
        fingerprint = Fingerprinter(loaded.fingerprint_key or loaded.api_key)
        session = Session(loaded, _refuse_orphan if own else None)
        return Gateway(Models(session), fingerprint, loaded.warnings, loaded.gateway_names)

    return current_run(context).gateway(key, make)


def orphaned() -> bool:
    """Whether the minion that has started this job has ended.

    If it was killed, its jobs run on, and their returns go through the next minion (Salt 3006 to
    3008). So they may write what is declared no longer.
    """
    minion = multiprocessing.parent_process()
    return minion is not None and os.getppid() != minion.pid


def _refuse_orphan() -> None:
    """Refuse to write for a gateway that is a resource. A minion's own states may restart it."""
    if orphaned():
        raise GatewayError("The minion that started this job has ended: nothing more is written")


def own_profile(
    name: str, settings: Mapping[str, Any], resolve: Callable[[Any], Any]
) -> profiles.Profile:
    """The profile of a gateway that Salt has targeted as a resource."""
    with _not_an_argument():
        return profiles.parse(f"gateway {name}", settings, resolve)


def _load(
    profile: Any, config: Callable[[str], Any], resolve: Callable[[Any], Any]
) -> profiles.Profile:
    """A profile, from its key or from the mapping itself."""
    if not isinstance(profile, str) or not profile:
        return profiles.load(profile, config, resolve)
    with _not_an_argument():
        return profiles.load(profile, config, resolve)


@contextlib.contextmanager
def _not_an_argument() -> Iterator[None]:
    """The argument of a function is right, what the profile holds is not."""
    try:
        yield
    except InvalidInput as err:
        raise Refused(str(err), example=err.example) from None


def resolver(opts: Mapping[str, Any]) -> Callable[[Any], Any]:
    """Return a function that replaces an ``sdb://`` reference by its value.

    It asks for each reference only once, and returns any other value unchanged.
    """

    found: dict[str, Any] = {}  # the value of each reference, or the error

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
    failed = f"Cannot resolve {short(reference)}"
    try:
        found = salt.utils.sdb.sdb_get(reference, opts, strict=True)
    except SaltException as err:
        raise Refused(f"{failed}: {err}") from None
    except Exception as err:  # noqa: BLE001 - whatever a driver may raise
        raise Refused(f"{failed}: {type(err).__name__}") from None
    if found is None:
        raise Refused(f"{failed}: there is nothing under this name")
    return found


@contextlib.contextmanager
def salt_errors() -> Iterator[None]:
    """Turn our errors into Salt's errors, which Salt prints as one sentence."""
    try:
        yield
    except GatewayError as err:
        raise Unavailable(line(str(err))) from None
    except LiteLLMError as err:
        # After a SaltInvocationError, salt-call also prints the usage of the function.
        is_argument = isinstance(err, InvalidInput) and not isinstance(err, Refused)
        kind = SaltInvocationError if is_argument else CommandExecutionError
        example = err.example if isinstance(err, InvalidInput) else ()
        raise kind("\n".join(map(line, (str(err), *example)))) from None
    except RecursionError:
        raise CommandExecutionError(
            "What is declared, or what the gateway has, is nested too deeply"
        ) from None
