"""The faults that can happen between a client and a gateway, as settings for the recorder."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from .exchange import Answer, Record, made_up, parsed
from .recorder import Recorder

SECONDS = 1.0  # the timeout of a client; slow faults take longer
# Where each list has its rows.
LISTS = {
    "/v2/model/info": "data",
    "/credentials": "credentials",
    "/v2/team/list": "teams",
    "/key/list": "keys",
}
Is = Callable[[Mapping[str, Any]], bool]


@dataclass(frozen=True)
class Fault:
    """A fault, and the requests that it can hit.

    :param options: The recorder's options.
    :param reads: Whether it can hit requests that only read.
    :param writes: Whether it can hit requests that write.
    :param lists: Whether it can hit only requests for a list.
    :param slow: Whether the client must wait until it is over.
    :param lasts: Whether it hits all later requests, and not only one.
    """

    name: str
    options: Mapping[str, Any] = field(repr=False)
    reads: bool = True
    writes: bool = True
    lists: bool = False
    slow: bool = False
    lasts: bool = False

    def __str__(self) -> str:
        return f"{self.name}{', lasting' if self.lasts else ''}"

    def befalls(self, record: Record) -> bool:
        """Whether it can hit this request."""
        if record.method == "GET":
            return self.reads and (not self.lists or _is_list(record))
        return self.writes and not self.lists

    def arm(self, recorder: Recorder, first: int, is_ours: Is) -> None:
        """Let it hit the request of this number, counted from now on, beginning with 1.

        :param is_ours: A list that is cut short has none of the rows for which this is true.
        """
        if "leave" in self.options:
            self._leave(recorder, first)
            return
        options = self.options or {"rewrite": cut_short(is_ours)}
        numbers = count(1)

        def is_due(record: Record) -> bool:
            number = next(numbers)
            due = number >= first if self.lasts else number == first
            return due and (_is_list(record) or not self.lists)

        recorder.fault(when=is_due, **options)

    def _leave(self, recorder: Recorder, first: int) -> None:
        """Let the gateway go away after the request before."""
        if first == 1:
            recorder.leave(self.options["leave"])
            return
        numbers = count(1)
        recorder.fault(when=lambda _: next(numbers) == first - 1, **self.options)


def _is_list(record: Record) -> bool:
    return record.method == "GET" and record.path in LISTS


def _json(status: int, content: Any) -> Callable[[Answer], Answer]:
    return lambda _: made_up(status, {}, content, None)


def _late(answer: Answer) -> Answer:
    time.sleep(SECONDS * 1.2)
    return answer


def _of_another(answer: Answer) -> Answer:
    """The answer to a write of another model. That for a credential does not say which."""
    return made_up(200, {}, {**_content(answer), "model_id": "another"}, None)


def _content(answer: Answer) -> Any:
    headers = {name.lower(): value for name, value in answer.headers}
    return parsed(answer.body, headers.get("content-encoding"))


def cut_short(is_ours: Is) -> Callable[[Answer], Answer]:
    """Return a function that cuts a list short, before the first row that matches."""

    def cut(answer: Answer) -> Answer:
        content = _content(answer)
        (key,) = content.keys() & set(LISTS.values())
        rows = content[key]
        number = next((n for n, row in enumerate(rows) if is_ours(row)), len(rows))
        return made_up(200, {}, {**content, key: rows[:number]}, None)

    return cut


HTML = {"body": "<html>bad gateway</html>", "headers": {"Content-Type": "text/html"}}
ERROR = {"error": {"message": "made to fail", "type": "internal_error", "code": "500"}}
NOTHING = {"data": [], "credentials": [], "teams": [], "total": 0, "keys": [], "total_count": 0}
_ONCE = [
    Fault("refused", {"leave": 0.2}),
    Fault("reset before it arrives", {"drop": True, "reset": True}),
    Fault("reset after it arrived", {"lose_response": True, "reset": True}, reads=False),
    Fault("answer cut", {"cut": True}),
    Fault("hangs", {"delay": SECONDS * 1.2, "drop": True}, slow=True),
    Fault("hangs, and does it", {"rewrite": _late, "lose_response": True}, reads=False, slow=True),
    Fault("hangs, and does it later", {"delay": SECONDS * 1.2}, reads=False, slow=True),
    Fault("429 with Retry-After", {"status": 429, "headers": {"Retry-After": "1"}}),
    Fault("503 with Retry-After", {"status": 503, "headers": {"Retry-After": "1"}}),
    Fault("502 with HTML", {"status": 502, **HTML}),
    Fault("200 with HTML", {"status": 200, **HTML}),
    Fault("200 with nothing", {"status": 200, "body": ""}),
    Fault("200 with null", {"status": 200, "body": "null"}),
    Fault("200 with an empty object", {"status": 200, "json": {}}),
    Fault("200 with an empty list", {"status": 200, "json": []}),
    Fault("200 with a string", {"status": 200, "json": "done"}),
    Fault("200 of another row", {"rewrite": _of_another}, reads=False),
    Fault("500", {"status": 500, "json": ERROR}),
    Fault("500 after it was done", {"rewrite": _json(500, ERROR)}, reads=False),
    Fault("redirect", {"status": 302, "headers": {"Location": "https://sso.example.com/?t=1"}}),
    Fault("trickle", {"trickle": 0.05}, slow=True),
    Fault("list cut short", {}, lists=True),
    Fault("list empty", {"status": 200, "json": NOTHING}, lists=True),
]
_LASTING = {
    "refused",
    "reset before it arrives",
    "reset after it arrived",
    "hangs",
    "503 with Retry-After",
    "502 with HTML",
    "200 with HTML",
    "200 with null",
    "200 with an empty list",
    "500",
    "500 after it was done",
    "list cut short",
    "list empty",
}
FAULTS = [*_ONCE, *(replace(one, lasts=True) for one in _ONCE if one.name in _LASTING)]
