"""
Apply states to the gateway that a job is addressed to.

They are compiled on the minion that manages it, with the gateway's own pillar, grains and profile.
A gateway has no shell and no files: only the states of this extension, ``module.run`` and ``test``
are there, and in SLS files ``salt`` has the functions of this extension, ``config``, ``grains``,
``pillar``, ``sdb``, ``slsutil`` and ``test``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import salt.defaults.exitcodes
import salt.fileclient
import salt.utils.args
import salt.utils.state
from salt.exceptions import CommandExecutionError

from saltext_litellm.adapter import jobs, resources

if TYPE_CHECKING:  # Salt's loader defines them
    __context__: dict[str, Any]
    __opts__: dict[str, Any]
    __resource__: dict[str, str]

__func_alias__ = {"apply_": "apply"}
__outputter__ = {"apply_": "highstate", "sls": "highstate", "highstate": "highstate"}

# The minion's pillar, which the gateways of one job share, in Salt's __context__.
_PILLAR = "litellm.pillar"


def apply_(mods: Any = None, **kwargs: Any) -> Any:
    """
    Apply SLS files, as ``sls`` does, or what the top file has for the gateway, as ``highstate``
    does.

    CLI Example:

    .. code-block:: bash

        salt -C 'T@litellm' state.apply models test=True
        salt prod-eu state.apply
    """
    return sls(mods, **kwargs) if mods else highstate(**kwargs)


def sls(mods: Any, test: bool | None = None, exclude: Any = None, **kwargs: Any) -> Any:
    """
    Apply SLS files to the gateway.

    mods
        Their names (string, separated by commas, or list).

    test
        Only say what would be done (boolean). Defaults to the minion's ``test``.

    exclude
        States or SLS files to leave out.

    pillar
        What is merged over the gateway's pillar (mapping).

    saltenv, pillarenv
        Environments of the SLS files and of the pillar.

    CLI Example:

    .. code-block:: bash

        salt prod-eu state.sls models
        salt prod-eu state.sls models test=True pillar='{rpm: 200}'
    """
    return _run(lambda run, jid: run.sls(mods, exclude, jid), test, kwargs)


def highstate(
    test: bool | None = None, exclude: Any = None, whitelist: Any = None, **kwargs: Any
) -> Any:
    """
    Apply what the top file has for the gateway. Its targets mean the gateway: its name and its
    grains, not the minion's.

    test
        Only say what would be done (boolean). Defaults to the minion's ``test``.

    exclude
        States or SLS files to leave out.

    whitelist
        The only SLS files to apply.

    pillar
        What is merged over the gateway's pillar (mapping).

    saltenv, pillarenv
        Environments of the SLS files and of the pillar.

    CLI Example:

    .. code-block:: bash

        salt -C 'T@litellm' state.highstate test=True
    """
    return _run(lambda run, jid: run.highstate(exclude, whitelist, jid), test, kwargs)


def _run(
    what: Callable[[resources.HighState, str | None], tuple[Any, Any]],
    test: bool | None,
    given: dict[str, Any],
) -> Any:
    """Compile and run states for the gateway. Returns their results, or why there are none."""
    if jobs.orphaned():
        raise SystemExit  # the gateways that are not done are left alone
    exit_codes = salt.defaults.exitcodes
    envs = {key: given[key] for key in ("saltenv", "pillarenv") if key in given}
    opts = salt.utils.state.get_sls_opts(dict(__opts__), **envs)
    override = resources.overriding(given.get("pillar"), given.get("pillar_enc"))
    pillar = _pillar(opts, given.get("__pub_jid"))
    if pillar.get("_errors"):
        __context__["retcode"] = exit_codes.EX_PILLAR_FAILURE
        return ["Pillar failed to render with the following messages:", *pillar["_errors"]]
    opts["pillar"], name = pillar, __resource__["id"]
    try:
        # The gateways of a job take turns, so one that hangs must not hang in each of its states.
        resources.ping(opts, name)
        own = resources.options(opts, name, override)
    except CommandExecutionError as err:
        __context__["retcode"] = exit_codes.EX_STATE_FAILURE
        return [str(err)]
    own["test"] = bool(opts.get("test")) if test is None else salt.utils.args.test_mode(test=test)
    with salt.fileclient.get_file_client(opts) as client:
        run = resources.HighState(own, given.get("__pub_jid"), client)
        run.push_active()
        try:
            done, high = what(run, given.get("orchestration_jid"))
        finally:
            run.pop_active()
    if not isinstance(done, dict):
        __context__["retcode"] = exit_codes.EX_STATE_COMPILER_ERROR
    elif not salt.utils.state.check_result(done, highstate=high):
        __context__["retcode"] = exit_codes.EX_STATE_FAILURE
    return done


def _pillar(opts: resources.Options, jid: str | None) -> dict[str, Any]:
    """The minion's pillar, compiled once in a job: the gateways of a job share it."""
    of = (jid, opts["saltenv"], opts.get("pillarenv"))
    kept = __context__.get(_PILLAR)
    if jid is None or kept is None or kept["of"] != of:
        kept = {"of": of, "pillar": resources.compiled_pillar(opts)}
        __context__[_PILLAR] = kept
    return dict(kept["pillar"])
