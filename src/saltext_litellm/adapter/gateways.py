"""Finds the gateway that a profile names, or that Salt has targeted as a resource."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any

from ..errors import GatewayError, InvalidInput, Refused
from ..gateway import Gateway
from ..http import profile as profiles
from ..http.session import Session
from ..values.fingerprints import Fingerprinter
from .jobs import orphaned
from .sharing import current_run

# Where in Salt's __context__ the one gateway is that Salt has targeted as a resource. Not in
# __opts__: a module has those of the loader that has loaded it last, be it for another gateway
# (Salt 3006 to 3008).
_OWN = "litellm.own"


def bind(context: MutableMapping[str, Any], name: str, settings: Mapping[str, Any]) -> None:
    """Let all functions and states that share a context reach one gateway, and no other.

    :param settings: Its profile.
    """
    context[_OWN] = {"name": name, "settings": settings}


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
        raise InvalidInput("The given profile contains a number too long to read") from None

    def make() -> Gateway:
        loaded = own_profile(**own, resolve=resolve) if own else _load(profile, config, resolve)
        fingerprint = Fingerprinter(loaded.fingerprint_key or loaded.api_key)
        session = Session(loaded, _refuse_orphan if own else None)
        return Gateway(session, fingerprint, loaded.warnings, loaded.gateway_names)

    return current_run(context).gateway(key, make)


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
