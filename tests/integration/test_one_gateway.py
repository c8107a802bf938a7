"""A newcomer's way, word for word, on one gateway: what one page leaves is no trouble for the next.

The first screen of the README, the demo, the quick start, the tutorial and three how-tos.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPO_ROOT
from tests.functional.conftest import Api
from tests.support.fixtures import PROVIDER_KEYS
from tests.support.pages import Command, File, Machine, blocks, is_shown
from tools import demo

README, DOCS = REPO_ROOT / "README.md", REPO_ROOT / "docs"
HOWTO = DOCS / "howto/index.md"
HOWTOS = ("load-balancing", "self-hosted", "prune")
ELSEWHERE = "make "  # has a test of its own, or has started the gateway


@pytest.fixture
def environment(second_gateway, monkeypatch):
    """What `make gateway` says to export, and the programs of its environment."""
    for name, value in {
        **PROVIDER_KEYS,
        "LITELLM_DEV_URL": second_gateway.url,
        "LITELLM_DEV_KEY": second_gateway.key,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("LITELLM_ADMIN_KEY", raising=False)


@pytest.fixture
def clone(copied, tmp_path):
    """The checkout as a newcomer has it, after `make gateway` has set up `.venv`."""
    folder = copied(tmp_path / "clone")
    (folder / ".venv").symlink_to(Path(sys.executable).parents[1])
    return folder


def test_one_page_after_the_other(second_gateway, gateway, environment, clone, tmp_path):
    api = Api(second_gateway)
    assert api.rows() == []
    first_screen(clone)
    assert api.rows() == []
    demo.show(second_gateway, gateway, clone)
    Api(gateway).empty()
    assert api.rows() == []
    quick_start(clone)
    assert api.rows() == []
    machine = Machine(tmp_path / "machine", second_gateway.url)
    follow(machine, DOCS / "tutorial.md")
    assert api.rows() == []
    machine = Machine(tmp_path / "another", second_gateway.url)
    machine.run("export LITELLM_ADMIN_KEY=$LITELLM_DEV_KEY")
    for page in (HOWTO, *(DOCS / f"howto/{name}.md" for name in HOWTOS)):
        follow(machine, page)
    api.empty()


def first_screen(clone):
    """The SLS that the README begins with, after it was applied with another limit."""
    text = README.read_text()
    sls = text.partition("```yaml\n")[2].partition("```")[0]
    shown = text.partition("```text\n")[2].partition("```")[0]
    file = clone / "examples/states/first.sls"
    file.write_text(sls.replace("rpm: 200", "rpm: 100"))
    call = "salt-call --local --config-dir=examples --id=dev state.apply"
    assert "gpt-4-proxy was created" in in_shell(clone, f"{call} first")
    file.write_text(sls)
    printed = [line.rstrip() for line in in_shell(clone, f"{call} first test=True").splitlines()]
    assert [line for line in shown.splitlines() if line not in printed] == []
    in_shell(clone, f"{call} retired")


def quick_start(clone):
    exported = []
    for command in blocks(README):
        if isinstance(command, File) or command.line.startswith(ELSEWHERE):
            continue
        if command.line.startswith("export "):
            exported.append(command.line)
            continue
        printed = in_shell(clone, "\n".join([*exported, command.line]))
        assert is_shown(command.shown, printed), f"$ {command.line}\n{printed}"
    assert exported


def in_shell(folder, script):
    """What a script prints that succeeds."""
    done = subprocess.run(
        ["sh", "-euc", script], cwd=folder, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def follow(machine, page):
    """Write the files of a page and run its commands, in their order."""
    for block in blocks(page):
        if isinstance(block, File):
            machine.write(block)
        elif isinstance(block, Command):
            code, printed = machine.run(block.line)
            assert code == 0, f"$ {block.line}\n{printed}"
            assert is_shown(block.shown, printed), f"$ {block.line}\n{printed}"
