"""What docs/howto/troubleshooting.md and docstrings of states quote stands in the source."""

import ast
import inspect
import re
from functools import cache

import pytest

from saltext_litellm.states import (
    litellm_budget,
    litellm_credential,
    litellm_fallback,
    litellm_gateway,
    litellm_key,
    litellm_model,
    litellm_router,
    litellm_team,
)
from tests.conftest import REPO_ROOT

PAGE = REPO_ROOT / "docs/howto/troubleshooting.md"
SOURCE = REPO_ROOT / "src"
VARIABLE = "…"
ROW = re.compile(r"^\| (`.*?`) \| ", re.MULTILINE)
QUOTED = [
    quoted for cell in ROW.findall(PAGE.read_text()) for quoted in re.findall(r"`(.+?)`", cell)
]
STATES = (
    litellm_model,
    litellm_credential,
    litellm_fallback,
    litellm_gateway,
    litellm_router,
    litellm_team,
    litellm_key,
    litellm_budget,
)
QUOTED_IN_DOCSTRINGS = [
    quoted
    for state in STATES
    for name in ("present", "absent", "managed")
    if (function := vars(state).get(name)) is not None
    for quoted in re.findall(r"``(.+?)``", " ".join(inspect.getdoc(function).split()))
    if re.search(r"\w+ \w+ \w+", quoted)
]


@cache
def trees():
    return [ast.parse(path.read_text()) for path in sorted(SOURCE.rglob("*.py"))]


def text_of(node):
    """A string of the source, with an ellipsis for each variable; ``None`` if it is no string."""
    if isinstance(node, ast.JoinedStr):
        return "".join(
            part.value if isinstance(part, ast.Constant) else VARIABLE for part in node.values
        )
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


@cache
def strings():
    """The strings of the source but for docstrings, which stand alone."""
    nodes = [node for tree in trees() for node in ast.walk(tree)]
    alone = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    return {text for node in nodes if id(node) not in alone and (text := text_of(node))}


def is_in(quoted, text):
    """Whether a text has the fixed parts of a quoted message, in their order."""
    parts = [part.strip() for part in quoted.split(VARIABLE) if part.strip(" :;,.()")]
    return re.search(".*".join(map(re.escape, parts)), text) is not None


def is_made_of(quoted, text):
    """Whether a quoted message is a string of the source with words in the place of variables.

    It may end where the string has a colon, after which there is advice.
    """
    ends = [text, *(text[: found.start()] for found in re.finditer(": ", text))]
    patterns = (".+".join(map(re.escape, end.split(VARIABLE))) for end in ends if is_telling(end))
    return any(re.fullmatch(pattern, quoted.removesuffix(f": {VARIABLE}")) for pattern in patterns)


def is_telling(text):
    """Whether a text has two words beside its variables that few other texts have."""
    return re.search(r"[a-z]+ (?!be\b|the\b)[a-z]+", text) is not None


@pytest.mark.parametrize("quoted", QUOTED + QUOTED_IN_DOCSTRINGS)
def test_a_quoted_message_stands_in_the_source(quoted):
    found = any(is_in(quoted, text) for text in strings())
    assert found or any(is_made_of(quoted, text) for text in strings())


def test_no_quoted_message_says_nothing():
    assert len(QUOTED) > 100
    assert len(QUOTED_IN_DOCSTRINGS) > 20
    assert [quoted for quoted in QUOTED if not re.search(r"\w+ \w+", quoted)] == []
