"""Runs a function in a forked process, so that a test can kill it at any moment."""

from __future__ import annotations

import gc
import json
import os
import signal
import traceback
from collections.abc import Callable
from typing import Any


class Forked:
    """A process that runs a function. The result of the function goes through JSON.

    The process does nothing else: it ends no fixture, and runs no test again.
    """

    def __init__(self, function: Callable[[], Any]) -> None:
        reader, writer = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            code = 1
            gc.freeze()  # else a collection would walk through, and so copy, all that we have
            try:
                os.close(reader)
                with os.fdopen(writer, "w", encoding="utf-8") as output:
                    json.dump(function(), output)
                code = 0
            except BaseException:  # noqa: BLE001  # the test sees how it ended
                traceback.print_exc()
            finally:
                os._exit(code)
        os.close(writer)
        self._output = os.fdopen(reader, encoding="utf-8")

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)

    def ended(self) -> int:
        """Wait until it ends. Returns 0 if it went well, or minus the signal that killed it."""
        _, status = os.waitpid(self.pid, 0)
        return os.waitstatus_to_exitcode(status)

    def result(self) -> Any:
        """Wait for the result of the function."""
        with self._output as output:
            text = output.read()
        code = self.ended()
        assert code == 0, f"the process ended with {code}"
        return json.loads(text)
