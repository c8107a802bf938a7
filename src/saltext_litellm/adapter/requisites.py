"""Finds the states of a run that would still write a file that another state reads. Pure.

With ``test=True`` they have written nothing yet, so what the file says now says nothing.
"""

from __future__ import annotations

import fnmatch
import posixpath
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Chunk = Mapping[str, Any]

_BEFORE = ("require", "require_any", "watch", "watch_any", "onchanges", "onchanges_any", "listen")
# Keys of a chunk whose values are no arguments.
_OF_SALT = re.compile(r"__|(require|watch|onchanges|onfail|listen|prereq|use|order|onlyif)")
_OURS = "litellm_"  # states that write to gateways and not to files
_BETWEEN_PATHS = re.compile(r"[\s'\"=,;:|&<>()]+")


@dataclass(frozen=True)
class Run:
    """A state run, as Salt (3006 to 3008) describes it to each of its states.

    :param low: Salt's ``__low__``: the state itself.
    :param lowstate: Salt's ``__lowstate__``: all states.
    :param running: Salt's ``__running__``: the results of those that have run.
    """

    low: Chunk
    lowstate: Iterable[Chunk]
    running: Mapping[str, Mapping[str, Any]]


def writers(run: Run, find_paths: Callable[[], Collection[str]]) -> list[str]:
    """The states that come before, would change something, and may write one of the files.

    These are states that name a file or a folder above it, and requisites of the state. A ``file``
    state writes only what it names. Each is told by its id, as a name may be a whole script.

    :param find_paths: Finds the paths of the files. Not called if nothing would change before.
    """
    pending = [chunk for chunk in run.lowstate if _is_pending(run, chunk)]
    paths = find_paths() if pending else ()
    return [
        f"{chunk['state']}: {chunk['__id__']}"
        for chunk in pending
        if _names(chunk, paths) or (chunk["state"] != "file" and _refers(run.low, _BEFORE, chunk))
    ]


def _is_pending(run: Run, chunk: Chunk) -> bool:
    """Whether a state would change something before this one does."""
    if chunk["state"].startswith(_OURS):
        return False
    tag = "_|-".join(str(chunk[key]) for key in ("state", "__id__", "name", "fun"))
    result = run.running.get(tag)
    if result is None:
        # With `prereq` it runs in between: after this forecast, before what is forecast.
        return bool(run.low.get("__prereq__")) and _refers(chunk, ("prereq",), run.low)
    return result.get("result") is None or bool(result.get("changes"))


def _refers(low: Chunk, requisites: Iterable[str], chunk: Chunk) -> bool:
    """Whether a state names another as one of its requisites."""
    for requisite in requisites:
        for entry in low.get(requisite) or ():
            named = entry.items() if isinstance(entry, Mapping) else [(chunk["state"], entry)]
            for state, name in named:
                of_sls = state == "sls" and chunk.get("__sls__") == name
                names = [str(chunk["name"]), str(chunk["__id__"])]
                if of_sls or (state == chunk["state"] and fnmatch.filter(names, str(name))):
                    return True
    return False


def _names(chunk: Chunk, paths: Collection[str]) -> bool:
    """Whether a state names one of the files, or a folder above it that it may fill."""
    if chunk["state"] == "file":
        # A folder alone has no files in it yet.
        above = chunk["fun"] != "directory" or bool(chunk.get("clean"))
        return any(_holds(str(chunk["name"]), path, above) for path in paths)
    words = {word for text in _texts(chunk) for word in _BETWEEN_PATHS.split(text)}
    return any(_holds(word, path, True) for word in words for path in paths)


def _holds(place: str, path: str, above: bool) -> bool:
    if not place.startswith("/"):
        return False
    place = posixpath.normpath(place)
    return place == path or (above and place != "/" and path.startswith(f"{place}/"))


def _texts(chunk: Chunk) -> Iterator[str]:
    """The strings among the arguments of a state."""
    waiting = [value for key, value in chunk.items() if not _OF_SALT.match(key)]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, Mapping):
            waiting += value.values()
        elif isinstance(value, Sequence):
            waiting += value
