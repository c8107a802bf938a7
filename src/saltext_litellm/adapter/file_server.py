"""Fetches files of Salt's file server, and says where a file may lie on this machine."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import salt.fileclient
import salt.utils.url


def in_saltenv(url: Any, saltenv: str | None) -> Any:
    """A ``salt://`` URL in an environment, if it names none itself; anything else as it is."""
    names_none = isinstance(url, str) and url.startswith("salt://") and "?saltenv=" not in url
    return f"{url}?saltenv={saltenv}" if names_none and saltenv else url


@contextlib.contextmanager
def fetching(opts: Mapping[str, Any]) -> Iterator[Callable[[str], Any]]:
    """A function that copies what is at a URL to this machine, and returns the path of the copy.

    It is ``cp.cache_file``, which the states of a gateway that is a resource do not have.
    """
    with contextlib.ExitStack() as stack:
        clients: list[Any] = []

        def fetch(url: str) -> Any:
            if not clients:
                clients.append(stack.enter_context(salt.fileclient.get_file_client(dict(opts))))
            path, saltenv = salt.utils.url.split_env(url)
            return clients[0].cache_file(path, saltenv or opts.get("saltenv") or "base")

        yield fetch


def paths_of(place: str, opts: Mapping[str, Any]) -> list[str]:
    """Where a file may lie on this machine, which may be its own file server."""
    found = [place]
    if place.startswith("salt://"):
        path, saltenv = salt.utils.url.parse(place)
        roots = opts.get("file_roots", {}).get(saltenv or "base") or ()
        found = [os.path.join(root, path) for root in roots]
    return [*found, *map(os.path.realpath, found)]
