"""Reads and changes nested mappings by path."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

# The place of a value in an object: ("litellm_params", "extra_headers", "X-Team").
Path = tuple[str, ...]


@lru_cache(4096)
def spell(path: Path) -> str:
    """A path as one string, in the form of a JSON pointer."""
    return "/".join(part.replace("~", "~0").replace("/", "~1") for part in path)


@lru_cache(4096)
def parse(spelt: str) -> Path:
    """The path of a string that :func:`spell` has made."""
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in spelt.split("/"))


def leaves(path: Path, value: Any) -> Iterator[tuple[Path, Any]]:
    """The values in a mapping, with their paths. A null declares nothing, so it is left out."""
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from leaves((*path, key), item)
    elif value is not None:
        yield path, value


def put(tree: dict[str, Any], keys: Path, value: Any) -> None:
    """Set a value. What is not a mapping on the way to it becomes one."""
    for key in keys[:-1]:
        if not isinstance(tree.get(key), dict):
            tree[key] = {}
        tree = tree[key]
    if value != {} or not isinstance(tree.get(keys[-1]), dict):
        tree[keys[-1]] = value


def drop(tree: dict[str, Any], keys: Path) -> None:
    """Remove a key, and the mappings that it leaves empty."""
    if len(keys) > 1:
        inner = tree.get(keys[0])
        if not isinstance(inner, dict):
            return
        drop(inner, keys[1:])
        if inner:
            return
    if keys:
        tree.pop(keys[0], None)


def nested(values: Mapping[Path, Any]) -> dict[str, Any]:
    """The mapping that holds values by path."""
    tree: dict[str, Any] = {}
    for path, value in values.items():
        put(tree, path, value)
    return tree
