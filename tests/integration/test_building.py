"""What is built has the version of the git tag, and the sdist what one needs to work on it."""

import json
import subprocess
import sys
import tarfile

import pytest

from tests.conftest import REPO_ROOT

from .conftest import installing

NEEDED = (
    "CHANGELOG.md CONTRIBUTING.md LICENSE Makefile README.md SECURITY.md pyproject.toml setup.cfg "
    "docs/concepts.md examples/states/models.sls examples/drift/minion tests/conftest.py "
    "tests/support/query_engine/main.js tests/support/locks/litellm-1.106.2.txt tools/setup .ci/run"
)


@pytest.fixture
def build(copied, tmp_path):
    """Builds a copy of the repository; returns the names of what was built, without the suffix."""
    source, target = tmp_path / "source", tmp_path / "dist"

    def build(*tags):
        copied(source)
        commands = [["init", "-q"], ["add", "-A"], ["commit", "-qm", "All"], *tags]
        author = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
        for command in commands:
            subprocess.run(["git", *author, *command], cwd=source, check=True)
        installing("build", "--out-dir", target, source)
        (wheel,), (sdist,) = target.glob("*.whl"), target.glob("*.tar.gz")
        return wheel, sdist

    return build


@pytest.mark.long
def test_a_tagged_commit(build):
    wheel, sdist = build(["tag", "v7.8.9"])
    assert wheel.name == "saltext_litellm-7.8.9-py3-none-any.whl"
    assert sdist.name == "saltext_litellm-7.8.9.tar.gz"
    with tarfile.open(sdist) as archive:
        names = set(archive.getnames())
    assert {f"saltext_litellm-7.8.9/{name}" for name in NEEDED.split()} <= names


@pytest.mark.long
def test_a_clone_without_tags(build):
    wheel, sdist = build()
    assert wheel.name.startswith("saltext_litellm-0.1.dev")
    assert sdist.name.startswith("saltext_litellm-0.1.dev")


@pytest.mark.long
def test_a_checkout_is_installed_as_the_page_says(copied, tmp_path):
    command = "pip install ."
    assert f"`{command}`" in (REPO_ROOT / "docs/installation.md").read_text()
    programs, source = tmp_path / "venv/bin", copied(tmp_path / "source")
    (tmp_path / "minion").write_text(f"root_dir: {tmp_path}\nid: minion\nfile_client: local\n")
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    program, *arguments = command.split()
    subprocess.run([programs / program, *arguments], cwd=source, check=True)
    listing = ["--local", "--out=json", "sys.list_functions", "litellm_model"]
    listed = subprocess.check_output([programs / "salt-call", f"--config-dir={tmp_path}", *listing])
    assert "litellm_model.apply" in json.loads(listed)["local"]
