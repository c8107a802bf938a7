"""
Manage the fallbacks of LiteLLM gateways.

A rule says which models LiteLLM tries, in order, after a call of a model has failed. A model has up
to three: ``general``, ``context_window`` for prompts that are too long for it, and
``content_policy`` for prompts that its provider refuses.

The state module of the same name makes a gateway's fallbacks match what an SLS file declares. A
profile says where the gateway is and how to log in; see ``litellm_model``.

LiteLLM shows the rules that a worker has read from the database, which may be half a minute old if
another worker has changed them. LiteLLM 1.83 shows them to an admin's key only.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from saltext_litellm.adapter import execution, signatures
from saltext_litellm.adapter.errors import salt_errors
from saltext_litellm.adapter.execution import Minion
from saltext_litellm.objects.outcome import Options
from saltext_litellm.routing import rules
from saltext_litellm.routing.arguments import FallbackArguments
from saltext_litellm.values import checks

if TYPE_CHECKING:  # Salt's loader defines them
    __context__: dict[str, Any]
    __opts__: dict[str, Any]
    __pillar__: dict[str, Any]
    __salt__: dict[str, Callable[..., Any]]

__virtualname__ = "litellm_fallback"
__func_alias__ = {"list_": "list"}
__outputter__ = {"list_": "litellm_table"}


def __virtual__() -> str:
    return __virtualname__


def list_(
    name: str | None = None, profile: str | dict[str, Any] = "litellm"
) -> list[dict[str, Any]]:
    """
    Return the fallbacks of a gateway, sorted by model. Each rule is a mapping:

    - ``model``: the model whose calls fail;
    - ``fallback_type``: ``general``, ``context_window`` or ``content_policy``;
    - ``fallback_models``: the models that are tried instead, in order;
    - ``source``: ``database``, or ``config`` for the gateway's own config file, which LiteLLM 1.83
      does not tell;
    - ``dangling``: those of all these models that the gateway does not have.

    name
        Return only the rules whose model matches (string, ``*`` and ``?`` are wildcards). Defaults
        to all.

    profile
        Config key of the gateway, or a mapping with its url and api_key. Defaults to ``litellm``.

    Fails if an argument has the wrong type, if there is no such profile, and if the gateway cannot
    be reached or refuses the api_key.

    CLI Example:

    .. code-block:: bash

        salt '*' litellm_fallback.list
        salt '*' litellm_fallback.list 'gpt-*' --out=json
    """
    with salt_errors():
        name = checks.pattern("name", name)
        listed = _minion().gateway(profile).fallbacks.listed()
    rows = sorted(listed, key=lambda row: (row["model"], row["fallback_type"]))
    return [row for row in rows if name is None or fnmatch.fnmatchcase(row["model"], name)]


def get(
    name: str,
    model: str | None = None,
    fallback_type: str = "general",
    profile: str | dict[str, Any] = "litellm",
) -> dict[str, Any] | None:
    """
    Return one rule, in the form of ``list``, or ``None`` if there is none.

    name
        The model (string).

    model
        The model, if it is not the ``name`` (string). Defaults to the ``name``.

    fallback_type
        ``general``, ``context_window`` or ``content_policy`` (string). Defaults to ``general``.

    profile
        Config key of the gateway, or a mapping with its url and api_key. Defaults to ``litellm``.

    Fails if an argument is wrong, if there is no such profile, and if the gateway cannot be reached
    or refuses the api_key.

    CLI Example:

    .. code-block:: bash

        salt '*' litellm_fallback.get gpt-4
        salt '*' litellm_fallback.get gpt-4 fallback_type=context_window
    """
    with salt_errors():
        wanted = rules.named(name, model, fallback_type)
        listed = _minion().gateway(profile).fallbacks.listed(wanted.id)
    return listed[0] if listed else None


@signatures.takes(FallbackArguments)
def plan(given: FallbackArguments) -> dict[str, Any]:
    """
    Return what ``apply`` would do, without doing it. The state ``present`` reports the same with
    ``test=True``. Returns a mapping:

    - ``action``: ``none``, ``create`` or ``update``;
    - ``rule``: the type and the model, as ``general/gpt-4``;
    - ``changes``: ``{key: {old, new}}``;
    - ``notes``, ``warnings`` and ``failure``, if there are any.

    The arguments are those of ``litellm_fallback.present``.

    Fails if an argument is wrong, if the gateway has no such models, if the rule belongs to its
    config file, if there is no such profile, and if the gateway cannot be reached or refuses the
    api_key.

    CLI Example:

    .. code-block:: bash

        salt '*' litellm_fallback.plan gpt-4 fallback_models='[claude, gpt-3.5]'
    """
    return _apply(given, test=True)


@signatures.takes(FallbackArguments)
def apply(given: FallbackArguments, test: bool = False) -> dict[str, Any]:
    """
    Make a rule as its arguments declare it, as the state ``present`` does. Returns what was done,
    in the form of ``plan``. If the gateway is not as declared afterwards, ``failure`` says why.
    ``unknown`` is ``True`` if nobody can see whether the last write was done.

    The arguments are those of ``litellm_fallback.present``, and:

    test
        Only return what would be done (boolean). Defaults to ``False``.

    Fails as ``plan`` does, and if a failure left the rule as it was.

    CLI Example:

    .. code-block:: bash

        salt '*' litellm_fallback.apply gpt-4 fallback_models='[claude, gpt-3.5]' test=True
    """
    return _apply(given, test)


def delete(
    name: str,
    model: str | None = None,
    fallback_type: str = "general",
    test: bool = False,
    profile: str | dict[str, Any] = "litellm",
) -> dict[str, Any]:
    """
    Delete a rule. Returns what was done, in the form of ``plan``. The ``action`` is ``none`` if
    there is no such rule.

    name
        The model (string). The gateway need not have it any more.

    model
        The model, if it is not the ``name`` (string). Defaults to the ``name``.

    fallback_type
        ``general``, ``context_window`` or ``content_policy`` (string). Defaults to ``general``.

    test
        Only return what would be done (boolean). Defaults to ``False``.

    profile
        Config key of the gateway, or a mapping with its url and api_key. Defaults to ``litellm``.

    Fails if the rule belongs to the gateway's config file, if LiteLLM 1.83 is to delete one of a
    model with a slash in its name, if there is no such profile, and if the gateway cannot be
    reached or refuses the api_key.

    CLI Example:

    .. code-block:: bash

        salt gateway-admin litellm_fallback.delete gpt-4
        salt gateway-admin litellm_fallback.delete gpt-4 fallback_type=context_window test=True
    """
    with salt_errors():
        flags = execution.flags(test=(test, False))
        wanted = rules.named(name, model, fallback_type)
        gateway = _minion().gateway(profile)
        outcome = gateway.fallbacks.remove(wanted, **flags)
        return execution.result_of_one(outcome, "rule", gateway.warnings)


def _minion() -> Minion:
    return Minion(__opts__, __context__, __pillar__, __salt__)


def _apply(given: FallbackArguments, test: bool) -> dict[str, Any]:
    """Make one rule as its arguments declare it. Returns the mapping for the caller."""
    minion = _minion()
    with salt_errors():
        declared = rules.declared(vars(given), minion.resolver())
        options = Options(**execution.flags(test=(test, False)))
        gateway = minion.gateway(given.profile)
        (outcome,) = gateway.fallbacks.apply([declared], options)
        execution.refuse_undone(outcome, options.test)
        warnings = (*declared.warnings, *gateway.warnings)
        return execution.result_of_one(replace(outcome, id=declared.id), "rule", warnings)
