"""
Make LiteLLM gateways hold what a whole config.yaml of LiteLLM's proxy declares.

The document is LiteLLM's own. Its ``credential_list``, its ``model_list``, its fallbacks and the
rest of its ``router_settings`` come into the gateway's database, in the order in which they need
each other. It may also have ``teams``, ``keys`` and ``budgets``, which LiteLLM itself ignores. What
only the gateway's own config file can have is left out, and named. A profile says where the gateway
is and how to log in; see ``litellm_model``.

.. code-block:: yaml

    production:
      litellm_gateway.managed:
        - source: salt://litellm/config.yaml
        - prune: True
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from saltext_litellm.adapter import file_server, signatures, states
from saltext_litellm.adapter.sharing import open_run
from saltext_litellm.config_yaml.arguments import DocumentArguments
from saltext_litellm.report import comments

if TYPE_CHECKING:  # Salt's loader defines them
    __context__: dict[str, Any]
    __opts__: dict[str, Any]
    __salt__: dict[str, Callable[..., Any]]

__virtualname__ = "litellm_gateway"


def __virtual__() -> str:
    return __virtualname__


@states.explains_unknown
@signatures.takes(DocumentArguments)
def managed(given: DocumentArguments) -> dict[str, Any]:
    """
    Ensure that the database of a gateway holds what a document declares.

    All kinds of objects are planned before anything is written, so one mistake stops the run before
    its first change. All mistakes are reported at once, each with its key in the document. Then the
    objects are made in this order: credentials, budgets, teams, models, fallbacks, router settings,
    keys. If an object fails, the run goes on with the others. What needs it is not tried, and the
    state says why. ``prune`` deletes keys first, then models, teams and credentials.

    An entry of ``credential_list`` or ``model_list`` is as in ``litellm_credential.managed`` and
    ``litellm_model.managed``, and fails as there. Fallbacks and router settings are as in
    ``litellm_fallback`` and ``litellm_router``. Fallbacks may also be in ``litellm_settings``,
    which counts where ``router_settings`` has none, as in LiteLLM.

    ``teams``, ``keys`` and ``budgets`` are mappings. Each object has its name, and the arguments of
    ``litellm_team.present``, ``litellm_key.present`` or ``litellm_budget.present``.

    name
        Name of the set (string). The marker of each credential and model has this name. Fails as in
        ``litellm_model.present``.

    source
        The config.yaml (string: ``salt://`` URL or absolute path), with what it includes. A URL is
        looked up in the environment of the state, unless it ends in ``?saltenv=NAME``. Fails with
        ``There is no file …`` or ``… cannot be read as YAML in line …``, so nothing is pruned by
        what was read in part. With ``test=True`` the result is ``None`` and nothing is predicted if
        a state that comes before may write the file. Not given by default, but ``exactly one of
        document, pillar and source is needed``.

    pillar
        The pillar key that has the document (string, nested with ``:``), so that no rendered SLS
        has its secrets. Fails with ``There is no … in the pillar``.

    document
        The document itself (mapping). Like one from the pillar, it fails if it has an ``include``:
        ``only a source may have an include, …``.

    prune
        Delete the credentials, models, teams and keys that this set owns and the document does not
        declare any more, and no others (boolean). Teams and keys stay if the document has no
        ``teams`` or ``keys`` at all; empty ones will do. Fallbacks, router settings and budgets
        stay: LiteLLM has no place to note whose they are, so undeclared fallbacks are only named.
        Defaults to ``False``.

    allow_empty
        Let ``prune`` delete all credentials, models, teams or keys of the set if the document has
        none of these (boolean). Defaults to ``False``: ``… declares no …, and prune would delete
        all of the set``.

    verify_secrets
        Also check that the gateway still has the secrets that Salt gave it (boolean), with the
        requests that this takes for each credential and model. Defaults to ``False``.

    preflight
        Try each model before it is written (boolean, or ``test``). Defaults to ``False``.

    verify
        Check the health of each model that was written (boolean). Defaults to ``False``.

    profile
        Config key of the gateway (string), or a mapping with its url and api_key. Defaults to
        ``litellm``. Fails with ``The … is neither in the pillar nor in the minion's config``.
    """
    test = bool(__opts__["test"])
    open_run(__context__, globals(), test=test)
    given = replace(given, source=file_server.in_saltenv(given.source, globals().get("__env__")))
    if test and (writers := states.source_writers(given.source, __opts__, globals())):
        return comments.result(given.name, None, [comments.unpredictable(writers)])
    return states.result_of_document(
        given.name,
        test,
        lambda: __salt__["litellm_gateway.manage"](**vars(given), test=test),
    )


def mod_watch(name: str, sfun: str | None = None, **kwargs: Any) -> dict[str, Any]:
    """
    Apply a state again because something that it watches has changed. Salt calls this for
    ``watch`` and ``listen``.

    ``managed`` is applied with ``verify_secrets: True``. ``watch`` applies the state again if the
    state itself has just changed nothing, ``listen`` does so at the end of the run.

    name
        Name of the state that watches.

    sfun
        Its function (string): ``managed``. Salt passes it.

    kwargs
        Its arguments, and what else Salt passes.
    """
    return states.apply_again({"managed": managed}, name, sfun, kwargs, bool(__opts__["test"]))
