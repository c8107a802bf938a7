"""What a machine lacks is said plainly before anything else is tried."""

import os
import shutil
import subprocess

import pytest

from tests.conftest import REPO_ROOT


def setup(environment, directory):
    return subprocess.run(
        [REPO_ROOT / "tools/setup", directory / "venv"],
        cwd=REPO_ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def programs(tmp_path):
    """A PATH with what any machine has, but without a Python."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for program in ("sh", "sed", "mktemp", "tail", "rm"):
        (folder / program).symlink_to(shutil.which(program))
    return folder


@pytest.mark.parametrize("old_python", [False, True])
def test_a_machine_without_a_fitting_python(programs, tmp_path, old_python):
    if old_python:
        (programs / "python3").write_text("#!/bin/sh\nexit 1\n")
        (programs / "python3").chmod(0o755)
    done = setup({"PATH": str(programs)}, tmp_path)
    assert done.returncode == 1
    assert "needs Python 3.10 or newer, and none was found" in done.stderr
    assert not (tmp_path / "venv").exists()


def test_a_machine_without_a_network(tmp_path):
    nowhere = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "0"}
    done = setup({**os.environ, **nowhere}, tmp_path)
    assert done.returncode == 1
    assert "Is the package index" in done.stderr
    assert "Traceback" not in done.stderr
