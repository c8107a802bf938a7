"""Counts the cases that the tests in trust/ have survived, and prints them as tables at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

_COUNTS = pytest.StashKey[dict[str, Counter[str]]]()
_OUTPUT = "survived"


def _counts(config: pytest.Config) -> dict[str, Counter[str]]:
    return config.stash.setdefault(_COUNTS, {})


@pytest.fixture(scope="session")
def survived(pytestconfig: pytest.Config) -> Callable[..., None]:
    """`survived(table, row, number=1)` counts cases; docs/survives-counts.md has some."""

    def count(table: str, row: str, number: int = 1) -> None:
        _counts(pytestconfig).setdefault(table, Counter())[row] += number

    return count


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Pass the counts of a process of pytest-xdist to the process that prints them."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output[_OUTPUT] = {table: dict(rows) for table, rows in _counts(session.config).items()}


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Add the counts of a process of pytest-xdist that has ended."""
    for table, rows in getattr(node, "workeroutput", {}).get(_OUTPUT, {}).items():
        _counts(node.config).setdefault(table, Counter()).update(rows)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    for table, rows in sorted(_counts(config).items()):
        terminalreporter.section(f"survived: {table}")
        for row, number in sorted(rows.items()):
            terminalreporter.write_line(f"| {row} | {number} |")
        terminalreporter.write_line(f"| all | {sum(rows.values())} |")
