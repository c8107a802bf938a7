"""Runs one command, and ends all of its processes when the process that asked for it ends.

Usage: guard.py --remove FOLDER [--stop-signal NAME] [--user NAME] -- COMMAND…

The guard stops the command when standard input ends. The kernel closes standard input even if the
parent was killed, when no handler in the parent can run. On Linux the guard also adopts processes
that have lost their parent, so that workers and engines cannot escape. Standard input is a socket.
One letter tells the guard to kill the command with all its processes, another to start it again;
the guard sends the letter back when that is done. This file imports nothing of the project, so that
it starts fast.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import os
import pwd
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

GRACE_SECONDS = 5
PR_SET_CHILD_SUBREAPER = 36
KILL, START, STOP = b"k", b"s", b""


def main() -> int:
    arguments = parse_arguments()
    wake = wake_on_signals()
    adopt_orphans()
    child: int | None = start(arguments.command, arguments.user)
    try:
        while True:
            order = wait(child, wake)
            if isinstance(order, int):
                return order
            if order == KILL:
                kill_descendants(child)
                child = None
            elif order == START:
                child = start(arguments.command, arguments.user)
            else:
                stop(child, signal.Signals[arguments.stop_signal])
                return 0
            os.write(sys.stdin.fileno(), order)
    finally:
        kill_descendants(child)
        shutil.rmtree(arguments.remove, ignore_errors=True)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--remove", required=True)
    parser.add_argument("--stop-signal", default="SIGTERM")
    parser.add_argument("--user")
    parser.add_argument("command", nargs="+")
    return parser.parse_args()


def wake_on_signals() -> int:
    """Return a file descriptor that becomes readable when a signal has arrived."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    return reader


def adopt_orphans() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def start(command: list[str], user: str | None) -> int:
    nothing = subprocess.DEVNULL
    return subprocess.Popen(command, stdin=nothing, start_new_session=True, **identity(user)).pid


def identity(user: str | None) -> dict[str, Any]:
    """The options to start a process as another user. For the same user there are none."""
    if user is None:
        return {}
    entry = pwd.getpwnam(user)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def wait(child: int | None, wake: int) -> int | bytes:
    """Wait until the child ends (returns its exit code) or an order comes."""
    while True:
        readable, _, _ = select.select([sys.stdin, wake], [], [])
        if sys.stdin in readable:
            return os.read(sys.stdin.fileno(), 1)
        if wake in readable and set(os.read(wake, 512)) - {signal.SIGCHLD}:
            return STOP
        code = reap(child)
        if code is not None:
            return code


def reap(child: int | None) -> int | None:
    """Collect all processes that have ended. Returns the child's exit code if it is one of them."""
    code = None
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return code
        if pid == 0:
            return code
        if pid == child:
            code = os.waitstatus_to_exitcode(status)


def stop(child: int | None, number: signal.Signals) -> None:
    if child is None:
        return
    os.kill(child, number)
    deadline = time.monotonic() + GRACE_SECONDS
    while reap(child) is None and time.monotonic() < deadline:
        time.sleep(0.01)


def kill_descendants(child: int | None) -> None:
    """Kill the child's session, and then all processes that we have adopted."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if child is not None:
            os.killpg(child, signal.SIGKILL)
    while True:
        children = own_children()
        for pid in children:
            os.kill(pid, signal.SIGKILL)
        reap(child)
        if not children:
            return
        time.sleep(0.01)


def own_children() -> list[int]:
    """Our children in the process table, with those that have ended. Empty if this is not Linux."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == os.getpid():
            found.append(int(entry.parent.name))
    return found


if __name__ == "__main__":
    sys.exit(main())
