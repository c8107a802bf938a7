"""CONTRIBUTING.md lists the files of the source, each once and where it is."""

import re

from tests.conftest import REPO_ROOT

SOURCE = REPO_ROOT / "src/saltext_litellm"


def listed():
    """The files in the table, each with the folder whose heading it is under."""
    text = (REPO_ROOT / "CONTRIBUTING.md").read_text()
    table = text.partition("| in `src/saltext_litellm` |")[2].partition("\n\n")[0]
    folder = ""
    for bold, name in re.findall(r"^\| (\*\*)?`([^`]+)`", table, re.MULTILINE):
        if bold:
            folder = name
        else:
            yield folder + name


def test_each_file_of_the_source_is_in_the_table_and_no_other():
    files = (path for path in SOURCE.rglob("*.py") if path.name != "__init__.py")
    assert sorted(listed()) == sorted(str(path.relative_to(SOURCE)) for path in files)
