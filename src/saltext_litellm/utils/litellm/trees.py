"""Nested mappings by path: what an object of LiteLLM holds, value by value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

# Where a value stands in an object: ("litellm_params", "extra_headers", "X-Team").
Path = tuple[str, ...]


@lru_cache(4096)
def spell(path: Path) -> str:
    """A path as one string, in the way of JSON pointers."""
    return "/".join(part.replace("~", "~0").replace("/", "~1") for part in path)


@lru_cache(4096)
def parse(spelt: str) -> Path:
    """The path that :func:`spell` has spelt."""
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in spelt.split("/"))


def leaves(path: Path, value: Any) -> Iterator[tuple[Path, Any]]:
    """The values in a mapping by path. A null says nothing, as it does in an argument."""
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from leaves((*path, key), item)
    elif value is not None:
        yield path, value


def put(tree: dict[str, Any], keys: Path, value: Any) -> None:
    """Set a value; what is no mapping on the way to it becomes one."""
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
