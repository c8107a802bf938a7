"""
Manage whole gateways by LiteLLM's own config.yaml.

The :py:mod:`state module <saltext_litellm.states.litellm_gateway>` of the same name makes a
gateway's database hold what such a document declares. A profile says where the gateway is and how
to log in; see :py:mod:`litellm_model <saltext_litellm.modules.litellm_model>`.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from saltext_litellm.adapter import execution, signatures
from saltext_litellm.adapter.errors import salt_errors
from saltext_litellm.adapter.execution import Minion
from saltext_litellm.config_yaml import diff as diffs
from saltext_litellm.config_yaml import document as documents
from saltext_litellm.config_yaml import export as exports
from saltext_litellm.config_yaml import source as sources
from saltext_litellm.config_yaml.arguments import DiffArguments, DocumentArguments
from saltext_litellm.config_yaml.converge import Convergence
from saltext_litellm.credentials.export import export as export_credentials
from saltext_litellm.models.export import export as export_models
from saltext_litellm.models.options import ModelOptions
from saltext_litellm.values import checks

if TYPE_CHECKING:  # Salt's loader defines them
    __context__: dict[str, Any]
    __opts__: dict[str, Any]
    __pillar__: dict[str, Any]
    __salt__: dict[str, Callable[..., Any]]

__virtualname__ = "litellm_gateway"
__func_alias__: dict[str, str] = {}
__outputter__ = {"diff": "table"}


def __virtual__() -> str:
    return __virtualname__


@signatures.takes(DocumentArguments)
def manage(given: DocumentArguments, test: bool = False) -> dict[str, Any]:
    """
    Converge what a whole document declares, as the state ``managed`` does. Returns:
    """
    minion, name = _minion(), given.name
    with salt_errors():
        flags = execution.flags(
            prune=(given.prune, False),
            allow_empty=(given.allow_empty, False),
            verify_secrets=(given.verify_secrets, False),
            verify=(given.verify, False),
            test=(test, False),
        )
        flags["preflight"] = checks.preflight("preflight", given.preflight)
        document = _read(minion, given)
        gateway = minion.gateway(given.profile)
        progress = minion.progress("litellm_gateway", "object", name)
        allow_empty = flags.pop("allow_empty")
        options = ModelOptions(set=name, progress=progress, **flags)
        parts = Convergence(gateway, document.declared, options).run(allow_empty=allow_empty)
    results = {
        kind: execution.result_of_set(part.outcomes, part.declared, kind, ())
        | ({"reason": part.reason} if part.reason else {})
        for kind, part in parts.items()
    }
    changes = {kind: one for kind, found in results.items() if (one := found.pop("changes"))}
    if "router_settings" in changes:  # each is its own key
        changes["router_settings"] = dict(ChainMap(*changes["router_settings"].values()))
    more = {"notes": document.notes, "profile_warnings": gateway.warnings}
    return {"changes": changes, **results, **{key: value for key, value in more.items() if value}}


@signatures.takes(DiffArguments)
def diff(given: DiffArguments) -> list[dict[str, Any]]:
    """
    Return in what a document and the database of a gateway differ, and which of the two is in
    force.
    """
    minion = _minion()
    with salt_errors():
        document = _read(minion, given)
        return diffs.diff(minion.gateway(given.profile), given.name, document.declared)


def export(
    path: str | None = None,
    data: bool = False,
    overwrite: bool = False,
    profile: str | dict[str, Any] = "litellm",
    set: str = "gateway",
) -> Any:
    """
    Make a config.yaml
    """
    with salt_errors():
        set = checks.title("set", set)
        path, flags = execution.checked_path(path, data, overwrite)
        gateway = _minion().gateway(profile)
        models = gateway.deployments.models
        found = exports.export(
            export_credentials(gateway.credentials.store.rows(), set),
            export_models(
                gateway.deployments.all_rows(),
                lambda row: models.masked_secrets(row.id),
                models.cost_map(),
                set,
            ),
            gateway.fallbacks.store.rows(),
            gateway.router.row(),
        )
        return execution.result_of_export(found, "sections", "", gateway.url, profile, path, flags)


def _read(minion: Minion, given: DocumentArguments | DiffArguments) -> documents.Document:
    """The document that the arguments give."""
    checks.title("name", given.name)
    found = minion.declared_by("document", given.document, given.pillar, given.source, sources.read)
    return documents.read(given.name, found, minion.resolver())


def _minion() -> Minion:
    return Minion(__opts__, __context__, __pillar__, __salt__)
