"""`make demo` shows the main job. What it runs is checked there; here, that it says so."""

import subprocess
import sys

from tests.conftest import REPO_ROOT


def test_the_demo_shows_the_main_job():
    done = subprocess.run(
        [sys.executable, "-m", "tools.demo"],
        cwd=REPO_ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    commands = [line for line in done.stdout.splitlines() if line.startswith("$ salt-call ")]
    assert [line.partition(" --id=")[2] for line in commands] == [
        "dev state.apply models test=True",
        "dev state.apply models",
        "dev state.apply models",
        "dev state.apply models pillar='{rpm: 200}'",
        "prod state.apply models",
        "prod litellm_model.list",
        "dev state.apply retired",
    ]
    for said in (
        "gpt-4-proxy would be created",
        "gpt-4-proxy was created",
        "gpt-4-proxy is as declared",
        "gpt-4-proxy was updated",
        "Hello from a model that Salt made.",
        "hello was deleted",
    ):
        assert said in done.stdout
    assert "sk-the-key-for" not in done.stdout
