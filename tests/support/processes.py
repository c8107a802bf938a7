"""Starts programs: one that runs to its end, and one that must end when we end."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from .errors import GatewayError
from .guard import KILL, START, identity

GUARD = Path(__file__).with_name("guard.py")
TAIL_LINES = 30
FRAMES = " \t├│╰─▶"
REASON = re.compile("reason: |Failed to fetch|unsatisfiable")

told: list[Callable[[str], None]] = []  # who wants to know what is done, at a terminal


def tell_what_is_done() -> None:
    """Print what each of the commands to come is for, with the time since now."""
    began = time.monotonic()

    def tell(purpose: str) -> None:
        seconds = time.monotonic() - began
        print(f"{seconds:4.0f} s  {purpose}", file=sys.stderr, flush=True)

    told[:] = [tell]


def run(
    *command: str | Path,
    purpose: str,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    user: str | None = None,
) -> str:
    """Run a command to its end and return its output. An error is one sentence."""
    for tell in told:
        tell(purpose)
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
    """The line with the reason. After it, uv and npm print hints and general sentences."""
    lines = [line.strip(FRAMES) for line in output.splitlines()]
    useful = [line for line in lines if line and not line.startswith("hint:")]
    reasons = [line for line in useful if REASON.search(line)]
    return (reasons or useful or ["it said nothing"])[-1]


class GuardedProcess:
    """A process that is stopped, and whose folder is removed, whatever way we end."""

    def __init__(
        self,
        *command: str | Path,
        folder: Path,
        environment: Mapping[str, str],
        stop_signal: str = "SIGTERM",
        user: str | None = None,
    ) -> None:
        self._folder = folder
        # Kept open, so that we can read it after the guard has removed the folder.
        self._log: BinaryIO = (folder / "log").open("a+b")
        as_user = ["--user", user] if user else []
        guard = [sys.executable, "-I", GUARD, "--remove", folder, "--stop-signal", stop_signal]
        self._orders, orders = socket.socketpair()
        self._guard = subprocess.Popen(
            [str(word) for word in [*guard, *as_user, "--", *command]],
            stdin=orders.fileno(),
            stdout=self._log,
            stderr=self._log,
            env=dict(environment),
            cwd=folder,
            start_new_session=True,
        )
        orders.close()

    def running(self) -> bool:
        return self._guard.poll() is None

    def log(self) -> str:
        """Everything that the process has printed so far."""
        descriptor = self._log.fileno()
        return os.pread(descriptor, os.fstat(descriptor).st_size, 0).decode("utf-8", "replace")

    def log_tail(self) -> str:
        return "\n".join(self.log().splitlines()[-TAIL_LINES:])

    def kill(self) -> None:
        """Kill it with all its processes, so that it cannot finish anything."""
        self._order(KILL)

    def start_again(self) -> None:
        """Start it again in the same folder, after it was killed."""
        self._order(START)

    def _order(self, order: bytes) -> None:
        self._orders.sendall(order)
        if self._orders.recv(1) != order:
            raise GatewayError(f"it has ended by itself:\n{self.log_tail()}")

    def stop(self) -> None:
        """Stop it, and wait until all its processes have ended. A second call does nothing."""
        self._orders.close()
        self._guard.terminate()
        self._guard.wait()
        self._log.close()
        shutil.rmtree(self._folder, ignore_errors=True)


@dataclass(frozen=True)
class Service:
    """A server that tests can kill and start again.

    :param process: Its process.
    :param wait_until_ready: Waits after a start. Gets the length of the log before it, and returns
        whether the server is ready.
    """

    process: GuardedProcess
    wait_until_ready: Callable[[int], bool]

    def kill(self) -> None:
        """Kill it with all its processes, so that it cannot finish anything."""
        self.process.kill()

    def start(self) -> None:
        """Start it again after it was killed, and wait until it is ready."""
        before = len(self.process.log())
        self.process.start_again()
        if not self.wait_until_ready(before):
            raise GatewayError(f"it was not ready again:\n{self.process.log_tail()}")
