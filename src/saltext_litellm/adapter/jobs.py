"""Says what the running job was sent for, and whether the minion that started it has ended."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Mapping
from typing import Any

import salt.utils.ctx


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


def orphaned() -> bool:
    """Whether the minion that has started this job has ended.

    If it was killed, its jobs run on, and their returns go through the next minion (Salt 3006 to
    3008). So they may write what is not declared any more.
    """
    minion = multiprocessing.parent_process()
    return minion is not None and os.getppid() != minion.pid
