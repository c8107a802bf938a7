"""Nothing that a gateway consists of may stay behind, however it ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.errors import GatewayError
from tests.support.processes import GuardedProcess, run

# A process that starts a child in a session of its own, one that ignores the polite signal.
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
FAMILY = f"""
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", {STUBBORN!r}], start_new_session=True)
print(child.pid, flush=True)
time.sleep(60)
"""


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def wait_for(condition, seconds=10):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


@pytest.fixture
def family(tmp_path):
    folder = tmp_path / "instance"
    folder.mkdir()
    process = GuardedProcess(sys.executable, "-c", FAMILY, folder=folder, environment={})
    assert wait_for(process.log)
    yield process, int(process.log()), folder
    process.stop()


@pytest.mark.skipif(sys.platform != "linux", reason="adopting orphans needs Linux")
def test_a_child_that_left_the_group_ends_too(family):
    process, child, folder = family
    assert alive(child)
    process.stop()
    assert not alive(child)
    assert not folder.exists()
    process.stop()


@pytest.mark.skipif(sys.platform != "linux", reason="adopting orphans needs Linux")
def test_what_was_killed_with_all_its_children_starts_again(family):
    process, child, folder = family
    process.kill()
    assert not alive(child)
    assert process.running()
    assert folder.exists()
    process.start_again()
    assert wait_for(lambda: process.log().count("\n") == 2)
    again = int(process.log().split()[-1])
    assert alive(again)
    process.stop()
    assert not alive(again)


@pytest.mark.skipif(sys.platform != "linux", reason="adopting orphans needs Linux")
def test_everything_ends_when_the_parent_is_killed(tmp_path):
    program = f"""
import pathlib, time
from tests.support.processes import GuardedProcess
import sys
folder = pathlib.Path({str(tmp_path / "instance")!r})
folder.mkdir()
process = GuardedProcess(sys.executable, "-c", {FAMILY!r}, folder=folder, environment={{}})
while not process.log():
    time.sleep(0.02)
print(process.log(), flush=True)
time.sleep(60)
"""
    root = Path(__file__).parents[3]
    parent = subprocess.Popen([sys.executable, "-c", program], cwd=root, stdout=subprocess.PIPE)
    child = int(parent.stdout.readline())
    parent.send_signal(signal.SIGKILL)
    parent.communicate()
    assert wait_for(lambda: not alive(child))
    assert wait_for(lambda: not (tmp_path / "instance").exists())


def test_the_log_of_a_process_that_ended_by_itself_can_still_be_read(tmp_path):
    folder = tmp_path / "instance"
    folder.mkdir()
    program = "import sys; sys.exit('no database')"
    process = GuardedProcess(sys.executable, "-c", program, folder=folder, environment={})
    assert wait_for(lambda: not process.running())
    assert process.log_tail() == "no database"
    process.stop()


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        (
            "npm error request to https://x failed, reason: no\nnpm error A complete log",
            "reason: no",
        ),
        (
            "  No solution found:\n  ╰─▶ your requirements are unsatisfiable.\nhint: try",
            "unsatis",
        ),
        ("one\ntwo\n\n", "two"),
        ("", "it said nothing"),
    ],
)
def test_a_failed_command_is_told_by_its_reason(output, reason):
    program = f"import sys; sys.stdout.write({output!r}); sys.exit(1)"
    with pytest.raises(GatewayError) as caught:
        run(sys.executable, "-X", "utf8", "-c", program, purpose="installing")
    assert str(caught.value).startswith("installing failed: ")
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_command_that_is_not_there():
    with pytest.raises(GatewayError, match=r"installing failed: .*/no/such/program"):
        run("/no/such/program", purpose="installing")
