"""The data that the recorder passes on: a request's record, an answer, and a fault to apply."""

from __future__ import annotations

import gzip
import json as jsonlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from fnmatch import fnmatchcase
from typing import Any


@dataclass
class Record:
    """One request and its result.

    `status` is the answer of the gateway, or of a fault in its place, even if that answer was lost
    later; None if nothing answered.
    """

    method: str
    path: str
    query: dict[str, list[str]]
    headers: Message = field(repr=False)
    body: bytes = field(repr=False)
    json: Any = None
    status: int | None = None
    response_size: int = 0
    response_json: Any = field(default=None, repr=False)
    forwarded: bool = False


@dataclass(frozen=True)
class Answer:
    """A response, from the gateway or made up."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


@dataclass
class Fault:
    """What to do to the requests that match; `times` counts down to zero."""

    method: str | None
    path: str | None
    when: Callable[[Record], bool] | None
    times: int | None
    delay: float
    drop: bool
    lose_response: bool
    answer: Answer | None
    rewrite: Callable[[Answer], Answer] | None
    cut: bool
    trickle: float
    reset: bool
    leave: float | None

    def matches(self, record: Record) -> bool:
        return (
            self.times != 0
            and (self.method is None or self.method == record.method)
            and (self.path is None or fnmatchcase(record.path, self.path))
            and (self.when is None or self.when(record))
        )


def made_up(status: int, headers: Mapping[str, str], json: Any, body: bytes | str | None) -> Answer:
    if body is None:
        content = b"" if json is None else jsonlib.dumps(json).encode()
        headers = {"Content-Type": "application/json", **headers}
    else:
        content = body.encode() if isinstance(body, str) else body
    return Answer(status, list(headers.items()), content)


def parsed(body: bytes, encoding: str | None = None) -> Any:
    """The JSON in a body, None if it is not JSON. LiteLLM compresses long answers."""
    try:
        return jsonlib.loads(gzip.decompress(body) if encoding == "gzip" else body)
    except (ValueError, OSError, EOFError):
        return None
