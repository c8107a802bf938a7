"""The options of a run for models."""

from __future__ import annotations

from dataclasses import dataclass

from ..objects.outcome import Options


@dataclass(frozen=True)
class ModelOptions(Options):
    """The options of a run for models.

    :param preflight: Try a deployment before it is written: ``True``, or ``"test"`` to try it with
        ``test`` too.
    :param verify: Let LiteLLM check the health of what was written.
    """

    preflight: bool | str = False
    verify: bool = False
