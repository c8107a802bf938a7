"""Reads a list that LiteLLM sends in pages, and that others may change while it is read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import GatewayError

PAGE = 100  # rows, the most that LiteLLM sends at once
_READS = 3  # how often to read a list that changes

Found = dict[str, dict[str, Any]]


def read_pages(noun: str, key: str, page: Callable[[int], tuple[Any, Any]]) -> Found:
    """The rows of all pages, by what is unique. LiteLLM must sort them by that.

    A row that is deleted meanwhile moves another one to a page that was read already, and then
    LiteLLM says another number of them than before. So all pages must say the same number.

    :param noun: What several rows are called.
    :param key: The key of a row that is unique.
    :param page: Reads the page of a number: its rows, and how many LiteLLM has in all.
    :raises GatewayError: The list has never been whole.
    """
    for _ in range(_READS):
        found, totals = _read(noun, key, page)
        if len(totals) == 1 and len(found) >= max(totals):
            return found
    raise GatewayError(f"The gateway lists {len(found)} {noun}, but says that it has {max(totals)}")


def _read(noun: str, key: str, page: Callable[[int], tuple[Any, Any]]) -> tuple[Found, set[int]]:
    """The rows of all pages, and how many there are, as each page says."""
    found, totals = Found(), set[int]()
    number, last = 1, 1
    while number <= last:
        rows, total = page(number)
        if not isinstance(rows, list) or not isinstance(total, int):
            raise GatewayError(f"The gateway's list of {noun} is not in a form LiteLLM sends")
        found |= {row[key]: row for row in rows if _is_row(row, key)}
        totals.add(total)
        number, last = number + 1, -(-total // PAGE)
    return found, totals


def _is_row(row: Any, key: str) -> bool:
    return isinstance(row, dict) and isinstance(row.get(key), str)
