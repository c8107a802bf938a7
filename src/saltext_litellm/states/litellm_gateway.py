"""
Make LiteLLM gateways hold what a whole config.yaml of LiteLLM's proxy declares.

The document is LiteLLM's own: its ``credential_list`` and its ``model_list`` become objects of the
gateway's database, in the order in which they need each other. A profile says where the gateway is
and how to log in; see :py:mod:`litellm_model <saltext_litellm.modules.litellm_model>`.

.. code-block:: yaml

    gateway:
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


@signatures.takes(DocumentArguments)
def managed(given: DocumentArguments) -> dict[str, Any]:
    """
    Ensure that a gateway's database holds what a document declares.
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

    .. versionadded:: 1.0.0

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
