"""Start programs: one that runs to its end, and one that must not outlive us."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from .errors import GatewayError
from .guard import identity

GUARD = Path(__file__).with_name("guard.py")
TAIL_LINES = 30
FRAMES = " \t├│╰─▶"
REASON = re.compile("reason: |Failed to fetch|unsatisfiable")


def run(
    *command: str | Path,
    purpose: str,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    user: str | None = None,
) -> str:
    """Run a command to its end and return its output; a failure is told in one sentence."""
    try:
        done = subprocess.run(
            [str(word) for word in command],
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            check=False,
            **identity(user),
        )
    except OSError as error:
        raise GatewayError(f"{purpose} failed: {error}") from error
    if done.returncode:
        raise GatewayError(f"{purpose} failed: {_last_useful_line(done.stdout)}")
    return str(done.stdout)


def _last_useful_line(output: str) -> str:
    """The line that gives the reason, which uv and npm follow with hints and generalities."""
    lines = [line.strip(FRAMES) for line in output.splitlines()]
    useful = [line for line in lines if line and not line.startswith("hint:")]
    reasons = [line for line in useful if REASON.search(line)]
    return (reasons or useful or ["it said nothing"])[-1]


class GuardedProcess:
    """A process that is stopped, and whose folder is removed, however we come to our own end."""

    def __init__(
        self,
        *command: str | Path,
        folder: Path,
        environment: Mapping[str, str],
        stop_signal: str = "SIGTERM",
        user: str | None = None,
    ) -> None:
        self._folder = folder
        # Kept open, so that it can be read when the guard has already removed the folder.
        self._log: BinaryIO = (folder / "log").open("a+b")
        as_user = ["--user", user] if user else []
        guard = [sys.executable, "-I", GUARD, "--remove", folder, "--stop-signal", stop_signal]
        self._guard = subprocess.Popen(
            [str(word) for word in [*guard, *as_user, "--", *command]],
            stdin=subprocess.PIPE,
            stdout=self._log,
            stderr=self._log,
            env=dict(environment),
            cwd=folder,
            start_new_session=True,
        )

    def running(self) -> bool:
        return self._guard.poll() is None

    def log(self) -> str:
        """Everything the process has said so far."""
        descriptor = self._log.fileno()
        return os.pread(descriptor, os.fstat(descriptor).st_size, 0).decode("utf-8", "replace")

    def log_tail(self) -> str:
        return "\n".join(self.log().splitlines()[-TAIL_LINES:])

    def stop(self) -> None:
        """Stop it and wait until nothing of it is left. A second call does nothing."""
        if self._guard.stdin and not self._guard.stdin.closed:
            self._guard.stdin.close()
        self._guard.terminate()
        self._guard.wait()
        self._log.close()
        shutil.rmtree(self._folder, ignore_errors=True)
