"""What the README says is so: its files are the examples, its commands print what it shows."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPO_ROOT
from tests.functional.conftest import Api

README = (REPO_ROOT / "README.md").read_text()
OWN = "https://github.com/salt-extensions/saltext-litellm/blob/main/"
MAKE = {"make demo", "make test"}  # the one has a test of its own, the other runs this


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def commands():
    """The commands of the README in order, each with what it prints there."""
    found = []
    for line in "".join(blocks("console")).splitlines():
        if line.startswith("$ "):
            found.append((line[2:].partition("  #")[0].strip(), []))
        else:
            found[-1][1].append(line)
    return [(command, "\n".join(output)) for command, output in found]


def timeless(text):
    """Output without what differs from run to run."""
    text = re.sub(r"\d\d:\d\d:\d\d\.\d+", "TIME", text)
    text = re.sub(r"\s+[\d.]+ m?s$", " DURATION", text, flags=re.MULTILINE)
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def test_the_files_in_the_readme_are_the_examples():
    files = {path.read_text() for path in (REPO_ROOT / "examples").rglob("*.sls")}
    assert len(blocks("yaml")) == 4
    assert set(blocks("yaml")) <= files


def test_every_link_of_the_readme_leads_somewhere():
    links = re.findall(r"\]\(([^)]+)\)", README)
    assert f"{OWN}examples/minion" in links
    for link in links:
        assert link.startswith("https://"), link  # on a package index too
        assert not link.startswith(OWN) or (REPO_ROOT / link.removeprefix(OWN)).exists(), link


def test_what_the_readme_begins_with_is_part_of_what_is_printed():
    printed = timeless("".join(blocks("console"))).splitlines()
    (first,) = blocks("text")
    assert [line for line in first.splitlines() if line not in printed] == []


@pytest.fixture
def clone(copied, tmp_path):
    """The checkout as a newcomer has it."""
    return copied(tmp_path)


def test_the_commands_of_the_readme_print_what_it_shows(gateway, clone):
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(clone / "installed"),
        "LITELLM_DEV_URL": gateway.url,
        "LITELLM_DEV_KEY": gateway.key,
    }
    script, expected = ["set -eu"], []
    for command, output in commands():
        if command not in MAKE:
            # Installed beside what it depends on, so that it is this copy that Salt loads.
            aside = " --quiet --no-deps --target=installed" if command.startswith("pip ") else ""
            script += [f"echo {shlex.quote('$ ' + command)}", command + aside]
            expected += [f"$ {command}", output]
    done = subprocess.run(
        ["sh", "-c", "\n".join(script)],
        cwd=clone,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    api = Api(gateway)
    for name in ("gpt-4-proxy", "hello", "gpt-4o", "gpt-4o-mini"):
        for row in api.named(name):
            api.delete(row["model_info"]["id"])
    gateway.request("DELETE", "/credentials/openai")
    assert done.returncode == 0, done.stdout + done.stderr
    shown = [line for line in expected if line]
    assert timeless(done.stdout) == timeless("\n".join(shown))
    assert (clone / "installed/saltext_litellm/py.typed").is_file()
