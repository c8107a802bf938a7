"""docs/versions.md names the versions that the suites run with."""

import ast
import re

from tests.conftest import REPO_ROOT
from tests.support.install import LOCKS

PAGE = (REPO_ROOT / "docs/versions.md").read_text()
NOXFILE = (REPO_ROOT / "noxfile.py").read_text()


def in_the_matrix(what):
    """The versions of Salt or LiteLLM that `make test-all` runs."""
    return ast.literal_eval(re.search(rf'parametrize\("{what}", (\[.*?\])\)', NOXFILE)[1])


def named(what):
    """The versions in the first table of the page that were tested."""
    (cells,) = re.findall(rf"^\| {what} \|(.*)$", PAGE, re.MULTILINE)
    return cells


def test_the_versions_of_litellm():
    versions = sorted(in_the_matrix("litellm"), key=lambda one: [*map(int, one.split("."))])
    assert re.findall(r"\d+\.\d+\.\d+", named("LiteLLM")) == versions
    assert f"| | {' | '.join(versions)} |" in PAGE
    assert {path.stem.removeprefix("litellm-") for path in LOCKS.glob("*.in")} == set(versions)


def test_the_versions_of_salt():
    works = named("Salt").partition("|")[0]
    assert re.findall(r"\d+", works) == in_the_matrix("salt")
