"""What the README shows is there. test_one_gateway.py runs its commands."""

import re

from tests.conftest import REPO_ROOT

README = (REPO_ROOT / "README.md").read_text()
OWN = "https://github.com/salt-extensions/saltext-litellm/blob/main/"
SITE = "https://salt-extensions.github.io/saltext-litellm/"
PAGES = REPO_ROOT / "docs"


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_files_in_the_readme_are_the_examples():
    files = {path.read_text() for path in (REPO_ROOT / "examples").rglob("*.sls")}
    first_screen, *others = blocks("yaml")
    assert len(others) == 3
    assert set(others) <= files
    assert len(first_screen.splitlines()) == 6


def test_every_link_of_the_readme_leads_somewhere():
    links = re.findall(r"\]\(([^)]+)\)", README)
    assert f"{OWN}examples/minion" in links
    for link in links:
        assert link.startswith("https://"), link  # on a package index too
        assert not link.startswith(OWN) or (REPO_ROOT / link.removeprefix(OWN)).exists(), link
        if link.startswith(SITE):
            page = PAGES / (link.removeprefix(SITE) or "index.html")
            assert any(page.with_suffix(kind).exists() for kind in (".md", ".rst")), link


def test_what_the_readme_begins_with_is_part_of_what_is_printed():
    printed = "".join(blocks("console")).splitlines()
    (first,) = blocks("text")
    assert [line for line in first.splitlines() if line not in printed] == []
