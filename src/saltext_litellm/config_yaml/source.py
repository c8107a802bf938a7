"""Reads a config.yaml of LiteLLM's proxy, with the files that it includes.

Nothing may be pruned by a file that was read in part. So what cannot be read is refused.
"""

from __future__ import annotations

import contextlib
import os.path
import posixpath
import re
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..errors import InvalidInput, Refused
from ..values import yaml_file
from ..values.quote import kind, short

# Fetches what is at a URL. Returns the path of a copy, or nothing if there is nothing.
Fetch = Callable[[str], Any]

_MOST_FILES = 1000  # links may lead round and round, under ever longer names
_LONGEST = 200  # characters of a path that a message shows
_URL = re.compile(r"[A-Za-z][\w+.-]*://")
_SALT = "salt://"
_MODELS = "model_list"
_LISTS = (_MODELS, "credential_list")


class _Missing(Exception):
    """There is no such file."""


def read(source: str, fetch: Fetch, tried: list[str] | None = None) -> dict[str, Any]:
    """The document in a file, merged with those in the files that it includes.

    They are merged in the order in which LiteLLM (1.106.2 and 1.110.2) does it: the file itself,
    the files that it includes, the files that these include. Each file counts once. Lists are
    joined, and of anything else the last one counts, whole. A null declares nothing. (1.83.14 takes
    a file twice that is included twice, and never ends in a circle.)

    :param source: An absolute path, or a URL. A file that is only a list is a ``model_list``.
    :param tried: Takes the path or URL of each file that was looked for.
    :raises Refused: One of the files is not there, or cannot be read.
    """
    if source.startswith("sdb://") or not (_URL.match(source) or os.path.isabs(source)):
        raise InvalidInput("source must be a salt:// URL or an absolute path")
    return _Reading(source.removeprefix("file://"), fetch, [] if tried is None else tried).merged()


def model_list(source: str, fetch: Fetch) -> list[Any]:
    """The ``model_list`` of the document in a file; see :func:`read`.

    :raises Refused: It has none.
    """
    found: list[Any] | None = read(source, fetch).get(_MODELS)
    if found is None:
        raise Refused(f"{shown(source.removeprefix('file://'))} has no model_list")
    return found


def shown(place: str) -> str:
    """A file's name for a message: without a login, which a URL may have."""
    if not _URL.match(place) or place.startswith(_SALT):
        return _end(place.removesuffix("?saltenv=base"))
    scheme, mark, rest = place.partition("?")[0].partition("://")
    host, slash, path = rest.partition("/")
    return _end(f"{scheme}{mark}{host.rpartition('@')[2]}{slash}{path}")


def _end(place: str) -> str:
    """The end of a long path, because it has the name of the file."""
    return place if len(place) <= _LONGEST else f"…{place[-_LONGEST:]}"


class _Reading:
    """Reads one source."""

    def __init__(self, root: str, fetch: Fetch, tried: list[str]) -> None:
        self._root, self._fetch, self._tried = root, fetch, tried
        self._seen: set[str] = set()

    def merged(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        waiting = deque([(self._root, "")])  # what is included, and the file that does it
        while waiting:
            place, content = self._first(*waiting.popleft())
            if place in self._seen:
                continue
            if isinstance(content, list) and place == self._root:
                return {_MODELS: content}
            # By its plainer name as well, by which it may be included once more.
            self._seen |= {place, _joined(place, posixpath.basename(place.partition("?")[0]))}
            if len(self._seen) > _MOST_FILES:
                raise Refused(f"{shown(self._root)} includes more than {_MOST_FILES} files")
            if not isinstance(content, dict):
                raise Refused(f"{shown(place)} must be a mapping, as a config.yaml is")
            _merge(place, found, content)
            waiting += [(entry, place) for entry in _includes(place, content)]
        return found

    def _first(self, entry: str, by: str) -> tuple[str, Any]:
        """The place of what a file includes, and what it says unless it was read before.

        A path is relative to the file that includes it. If nothing is there, LiteLLM takes it as
        relative to the first file, as 1.83.14 always does.
        """
        places = [_joined(by, entry) if by else entry]
        with contextlib.suppress(Refused):
            places.append(_joined(self._root, entry) if by else entry)
        for place in dict.fromkeys(places):
            if place in self._seen:
                return place, None
            with contextlib.suppress(_Missing):
                return place, self._content(place)
        if by:
            raise Refused(f"There is no file {shown(places[0])}, which {shown(by)} includes")
        raise Refused(f"There is no file {shown(places[0])}")

    def _content(self, place: str) -> Any:
        self._tried.append(place)
        content = yaml_file.load(shown(place), self._bytes(place))
        if content is None:
            raise Refused(f"{shown(place)} is empty, so it declares nothing")
        return content

    def _bytes(self, place: str) -> bytes:
        path: Any = place
        if _URL.match(place):
            try:
                path = self._fetch(place)
            except Exception as err:  # noqa: BLE001 - whatever a file server's backend may raise
                raise Refused(f"{shown(place)} cannot be fetched: {type(err).__name__}") from None
        if not path:
            raise _Missing
        try:
            return Path(path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            raise _Missing from None
        except (OSError, ValueError) as err:  # a ValueError: a zero byte in the path
            reason = getattr(err, "strerror", None) or type(err).__name__
            raise Refused(f"{shown(place)} cannot be read: {reason}") from None


def _merge(place: str, found: dict[str, Any], content: dict[Any, Any]) -> None:
    """Merge the content of a file into what was found before."""
    for key, value in content.items():
        if key in _LISTS and not isinstance(value, (list, type(None))):
            raise Refused(f"The {key} in {shown(place)} must be a list, not {kind(value)}")
        if key == "include" or value is None:
            continue
        before = found.get(key)
        joins = isinstance(before, list) and isinstance(value, list)
        found[key] = [*before, *value] if joins else value  # type: ignore[misc]


def _includes(place: str, content: Any) -> list[str]:
    """The paths that a file includes."""
    entries = content.get("include", [])
    if not isinstance(entries, list) or not all(isinstance(entry, str) for entry in entries):
        raise Refused(f"The include in {shown(place)} must be a list of paths")
    return entries


def _joined(place: str, entry: str) -> str:
    """The place that an entry means in a file at another place."""
    if _URL.match(entry):
        raise Refused(f"{shown(place)} includes {shown(entry)}, but LiteLLM includes only paths")
    if os.path.isabs(entry):
        return os.path.normpath(entry)
    if not _URL.match(place):
        return os.path.normpath(os.path.join(os.path.dirname(place), entry))
    scheme, mark, rest = place.partition("://")
    is_salt = place.startswith(_SALT)
    path, question, query = rest.partition("?saltenv=" if is_salt else "?")
    found = posixpath.normpath(posixpath.join(posixpath.dirname(path), entry))
    top = "" if is_salt else f"{path.partition('/')[0]}/"
    if f"{found}/".startswith("../") or not found.startswith(top):
        raise Refused(f"{shown(place)} includes {short(entry)}, which leads out of its server")
    return f"{scheme}{mark}{found}" + (f"{question}{query}" if is_salt else "")
