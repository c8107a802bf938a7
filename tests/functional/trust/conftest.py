"""Counts of what was survived, printed at the end of a run as the tables of docs/survives.md."""

from collections import Counter

import pytest

_COUNTS = pytest.StashKey()


@pytest.fixture(scope="session")
def survived(pytestconfig):
    """`survived(table, row, number=1)` counts cases; each table is printed with its rows."""
    counts = pytestconfig.stash.setdefault(_COUNTS, {})

    def count(table, row, number=1):
        counts.setdefault(table, Counter())[row] += number

    return count


def pytest_terminal_summary(terminalreporter, config):
    for table, rows in sorted(config.stash.get(_COUNTS, {}).items()):
        terminalreporter.section(f"survived: {table}")
        for row, number in sorted(rows.items()):
            terminalreporter.write_line(f"| {row} | {number} |")
        terminalreporter.write_line(f"| all | {sum(rows.values())} |")
