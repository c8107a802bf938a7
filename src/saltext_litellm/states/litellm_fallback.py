"""
Make the fallbacks of LiteLLM gateways match what is declared.

If a call of a model fails, LiteLLM tries the models of its rule instead, in order.

.. code-block:: yaml

    gpt-4:
      litellm_fallback.present:
        - fallback_models:
          - claude
          - gpt-3.5
        - require:
          - litellm_model: gpt-4
          - litellm_model: claude
          - litellm_model: gpt-3.5

LiteLLM has no room for an owner in a rule. So ``present`` sets what is declared, whoever has set it
before, ``absent`` deletes it, and no other rule is touched. A profile says where the gateway is and
how to log in; see ``litellm_model``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from saltext_litellm.adapter import signatures, states
from saltext_litellm.adapter.sharing import open_run
from saltext_litellm.report import comments
from saltext_litellm.routing.arguments import FallbackArguments

if TYPE_CHECKING:  # Salt's loader defines them
    __context__: dict[str, Any]
    __opts__: dict[str, Any]
    __salt__: dict[str, Callable[..., Any]]

__virtualname__ = "litellm_fallback"


def __virtual__() -> str:
    return __virtualname__


@states.explains_unknown
@signatures.takes(FallbackArguments)
def present(given: FallbackArguments) -> dict[str, Any]:
    """
    Ensure that a model has these fallbacks.

    The models must exist before; ``require`` their states. If the gateway refuses something or
    cannot be reached, the state fails and says so in one sentence. If arguments are wrong, it fails
    before anything is written, and names all of them. After a write the rules are read again,
    as another client may have undone it: LiteLLM writes all of them without a lock.

    name
        Name of the state (string), and of the model if ``model`` is not given.

    fallback_models
        The models to try instead, in order (list of strings; ``fallback_models``). They are the
        names of models, or of models with wildcards as they are, such as ``openai/*``. Fails with
        ``the gateway has no model …``, and for a name that only an alias or a wildcard covers,
        which LiteLLM does not take: ``… is an alias, and …`` or ``… is no model of its own, …``.
        Fails with ``fallback_models must not be empty``, ``… has … twice in it`` and ``… cannot be
        its own fallback``.

    model
        The model whose calls fail (string; ``model``). By default the ``name``. Fails with ``… must
        not be *: LiteLLM has no endpoint for the fallbacks of every model, which are …``. A rule
        that the gateway's config file has fails with ``… belongs to the gateway's config file``,
        unless it is as declared. LiteLLM follows no rule that shares its entry with another
        model's: ``LiteLLM has … in one entry with …``.

    fallback_type
        When they are tried (string; ``fallback_type``): ``general`` after any error,
        ``context_window`` if the prompt is too long, ``content_policy`` if the provider refuses it.
        Defaults to ``general``. Fails with ``… must be …, not …``.

    profile
        Config key of the gateway (string), or a mapping with its url and api_key. Defaults to
        ``litellm``. Fails with ``The … is neither in the pillar nor in the minion's config``.
    """
    test = _begin()
    return states.result_of_one(
        given.name,
        test,
        lambda: __salt__["litellm_fallback.apply"](**vars(given), test=test),
        _worded(comments.present),
    )


@states.explains_unknown
def absent(
    name: str,
    model: str | None = None,
    fallback_type: str = "general",
    profile: str | dict[str, Any] = "litellm",
) -> dict[str, Any]:
    """
    Ensure that a model has no fallbacks of a type.

    LiteLLM does not delete the rules of a model that is deleted.

    name
        Name of the state (string), and of the model if ``model`` is not given.

    model
        The model (string). By default the ``name``. One with a slash in its name fails with LiteLLM
        1.83: ``The gateway's LiteLLM is too old to delete …``.

    fallback_type
        As in ``present`` (string). Defaults to ``general``.

    profile
        As in ``present`` (string or mapping). Defaults to ``litellm``.
    """
    test = _begin()
    return states.result_of_one(
        name,
        test,
        lambda: __salt__["litellm_fallback.delete"](
            name, model, fallback_type, test=test, profile=profile
        ),
        _worded(comments.absent),
    )


def _worded(comment: Callable[[str, Any, bool], str]) -> Callable[[str, Any, bool], str]:
    """A comment on the rule, and not on the model whose name the state has."""

    def worded(_: str, outcome: Mapping[str, Any], test: bool) -> str:
        return comment(f"The rule {outcome['rule']}", outcome, test)

    return worded


def _begin() -> bool:
    """Let the states of this run share a gateway. Returns whether the run only predicts."""
    test = bool(__opts__["test"])
    open_run(__context__, globals(), test=test)
    return test
