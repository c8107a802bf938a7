"""
Manage whole gateways by LiteLLM's own config.yaml.

The state module of the same name makes a gateway's database hold what such a document declares.
Here are functions that do it by hand, that show where the two differ, and that make such a document
of a gateway. A profile says where the gateway is and how to log in; see ``litellm_model``.
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
__outputter__ = {"diff": "litellm_table"}


def __virtual__() -> str:
    return __virtualname__


@signatures.takes(DocumentArguments)
def manage(given: DocumentArguments, test: bool = False) -> dict[str, Any]:
    """
    Converge what a whole document declares, as the state ``managed`` does. Returns:

    - ``changes``: the changes of ``credentials``, ``budgets``, ``teams``, ``models``, ``fallbacks``
      and ``keys``, each by the name of the object, and of ``router_settings``;
    - ``credentials``, ``budgets``, ``teams``, ``models``, ``fallbacks``, ``router_settings``,
      ``keys``: for each kind that the document has, what ``litellm_model.manage`` returns for
      models, without ``changes``; and a ``reason`` if none of that kind was tried;
    - ``notes``: sentences on what is left out, and on what the gateway needs;
    - ``profile_warnings``: warnings about the profile.

    Empty keys are missing, except ``changes``.

    The arguments are those of ``litellm_gateway.managed``, and:

    test
        Only return what would be done (boolean). Defaults to ``False``.

    Fails before the first change if an argument or an object is wrong, if one belongs to somebody
    else, if there is no such profile, and if the gateway cannot be reached or refuses the api_key.
    After that, ``failures`` says which objects failed.

    CLI Example:

    .. code-block:: bash

        salt gateway-admin litellm_gateway.manage production pillar=gateway prune=True test=True
        salt '*' litellm_gateway.manage production source=/etc/litellm/config.yaml
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
        convergence = Convergence(gateway, document.declared, options)
        parts = convergence.run(allow_empty=allow_empty)
    results = {
        kind: execution.result_of_set(part.outcomes, part.declared, kind, ())
        | ({"reason": part.reason} if part.reason else {})
        for kind, part in parts.items()
    }
    changes = {kind: one for kind, found in results.items() if (one := found.pop("changes"))}
    if "router_settings" in changes:  # each is its own key
        changes["router_settings"] = dict(ChainMap(*changes["router_settings"].values()))
    notes = [*document.notes, *convergence.notes]
    more = {"notes": notes, "profile_warnings": gateway.warnings}
    return {"changes": changes, **results, **{key: value for key, value in more.items() if value}}


@signatures.takes(DiffArguments)
def diff(given: DiffArguments) -> list[dict[str, Any]]:
    """
    Return in what a document and the database of a gateway differ. Each line is a mapping:

    - ``object``: its kind and its name;
    - ``key``: what differs; empty if only one of the two has the object;
    - ``file``, ``database``: the value that each has, or whether the object is ``present`` or
      ``absent``. Secrets are shown as ``**********``;
    - ``in_force``: what LiteLLM follows: the ``database``, the gateway's own config file
      (``config``), ``both`` (it serves models of both), or ``neither``.

    What a run would refuse has the key ``refused``, and ``file`` says why.

    Nothing is written. What the database has and the document lacks is shown too, whoever owns it;
    of teams, keys and budgets only if the document has their section.
    LiteLLM 1.83 does not say which credentials, fallbacks and settings are of its config file, so
    there they count as the database's.

    name
        Name of the set that manages the gateway, or would (string).

    source, pillar, document
        The document, as in ``litellm_gateway.managed``.

    profile
        Config key of the gateway, or a mapping with its url and api_key. Defaults to ``litellm``.

    Fails if an argument is wrong, if the document itself cannot be read, if there is no such
    profile, and if the gateway cannot be reached or refuses the api_key.

    CLI Example:

    .. code-block:: bash

        salt '*' litellm_gateway.diff production source=/etc/litellm/config.yaml
        salt-call litellm_gateway.diff production pillar=gateway --out=json
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
    Make a config.yaml that declares what the database of a gateway has: its credentials, its
    models, its fallbacks, and those stored router settings that LiteLLM acts on. If you fill in the
    secrets and apply it to the same gateway with ``litellm_gateway.managed``, Salt adopts its
    credentials and models, writes each secret once, and changes nothing else.

    Teams, keys and budgets have an ``export`` of their own: no config.yaml of LiteLLM has them.

    A secret is ``**********``, which Salt refuses until it is filled in. The head of the file says
    where to save it, what to do, and what is missing and why. Sends one request for each model, as
    ``litellm_model.export`` does.

    Returns the text of the file. With ``path`` it returns the ``path``, the number of ``sections``,
    what was ``left_out`` and why, and what to do ``next``. With ``data`` it returns the document.

    path
        The file to write (string, should be an absolute path). Only its owner can read it. The file
        must not exist yet, unless ``overwrite`` is ``True``. By default no file is written.

    data
        Return the document as data instead of a file (boolean). Defaults to ``False``.

    overwrite
        Replace the file at ``path`` if it exists (boolean). Defaults to ``False``.

    profile
        Config key of the gateway, or a mapping with its url and api_key. Defaults to ``litellm``.
        Any other key is written into the state.

    set
        The name of the state that is to manage them (string). What another one owns already is
        named in the head. Defaults to ``gateway``.

    Fails if an argument has the wrong type, if ``path`` cannot be written or exists already, if
    there is no such profile, and if the gateway cannot be reached or refuses the api_key.

    CLI Example:

    .. code-block:: bash

        salt-call litellm_gateway.export path=/srv/salt/litellm/config.yaml set=production
        salt '*' litellm_gateway.export data=True
    """
    with salt_errors():
        set = checks.title("set", set)
        path, flags = execution.checked_path(path, data, overwrite)
        gateway = _minion().gateway(profile)
        models, router = gateway.deployments.models, gateway.router.row()
        found = exports.export(
            export_credentials(gateway.credentials.store.rows(), set),
            export_models(
                gateway.deployments.all_rows(),
                lambda row: models.masked_secrets(row.id),
                models.cost_map(),
                set,
            ),
            gateway.fallbacks.store.rows(),
            router,
            gateway.router.live() if "db" in router.source.values() else {},
        )
        return execution.result_of_export(found, "sections", "", gateway.url, profile, path, flags)


def _read(minion: Minion, given: DocumentArguments | DiffArguments) -> documents.Document:
    """The document that the arguments give."""
    checks.title("name", given.name)
    found = minion.declared_by("document", given.document, given.pillar, given.source, sources.read)
    return documents.read(given.name, found, minion.resolver())


def _minion() -> Minion:
    return Minion(__opts__, __context__, __pillar__, __salt__)
