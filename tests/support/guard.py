"""Run one command and let nothing of it outlive whoever asked for it.

Usage: guard.py --remove FOLDER [--stop-signal NAME] [--user NAME] -- COMMAND…

The command is stopped when standard input ends. The kernel ends it even when the parent was
killed without a chance to clean up, which no handler in the parent could do. On Linux the guard
also adopts what the command leaves behind, so workers and engines cannot escape by losing their
parent. Standard input is a socket: by a letter the guard is told to kill the command, with all
that it has started, or to start it again, and answers when that is done. Stands alone: it imports
nothing of the project, to start fast.
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
    """Return a descriptor that becomes readable when a signal has arrived."""
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
    """How to start a process as another user; nothing for oneself, who may not even say so."""
    if user is None:
        return {}
    entry = pwd.getpwnam(user)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def wait(child: int | None, wake: int) -> int | bytes:
    """Wait for the child's end (its exit code) or for an order."""
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
    """Collect every process that has ended; the child's exit code if it was among them."""
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
    """Kill the child's session and then whatever was left to us by those who died."""
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
    """Children by the process table; zombies count until they are reaped. Empty off Linux."""
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
