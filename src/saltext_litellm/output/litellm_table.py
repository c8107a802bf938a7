"""
Print lists of objects as tables that fit a terminal, with the columns in the order of their keys.

Salt's own ``table`` sorts the columns by their names, and cuts nothing. Here the name comes first,
an id shows its beginning, columns without a value are left out, and the longest are cut until a
line has at most 100 characters. ``--out=json`` and others show all of it.

If the extension is not installed where ``salt`` is run, Salt says so and prints with ``nested``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import salt.output

from saltext_litellm.values.quote import clean

__opts__: dict[str, Any]  # Salt's loader defines it

_WIDTH = 100  # characters of a line
_INDENT, _GAP = "    ", "  "
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_OF_AN_ID = 8  # characters that are shown of an id
_SHORTEST = 4  # characters of a column


def output(data: Any, **kwargs: Any) -> str:
    """Text for the terminal. What is no list of objects is printed as ``nested`` prints it."""
    if not isinstance(data, dict) or not all(map(_is_list, data.values())):
        return str(salt.output.out_format(data, "nested", __opts__, **kwargs))
    return "\n".join(
        line for minion, rows in data.items() for line in (f"{minion}:", *_table(rows))
    )


def _is_list(found: Any) -> bool:
    return isinstance(found, list) and all(isinstance(row, dict) for row in found)


def _table(rows: list[dict[str, Any]]) -> Iterator[str]:
    """The lines of a table."""
    keys = [key for key in dict.fromkeys(key for row in rows for key in row) if _is_used(rows, key)]
    cells = [keys, *([_text(row.get(key)) for key in keys] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    while len(_INDENT) + sum(widths) + len(_GAP) * (len(keys) - 1) > _WIDTH:
        # The name, which comes first, may be twice as long as the others.
        _, longest = max((width if n else width / 2, n) for n, width in enumerate(widths))
        if widths[longest] <= _SHORTEST:
            break
        widths[longest] -= 1
    for line in cells if rows else ():
        cut = (_cut(text, width).ljust(width) for text, width in zip(line, widths, strict=True))
        yield (_INDENT + _GAP.join(cut)).rstrip()


def _is_used(rows: list[dict[str, Any]], key: str) -> bool:
    return any(row.get(key) not in (None, "") for row in rows)


def _text(value: Any) -> str:
    if value is None:
        return "-"
    text = clean(str(value)).replace("\n", "\\n")
    return f"{text[:_OF_AN_ID]}…" if _UUID.fullmatch(text) else text


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"
