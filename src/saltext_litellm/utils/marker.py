"""The marker: who owns a row and what of it we manage, kept in the row's own ``model_info``.

A person meets it in LiteLLM's UI, so it is small and says what it means::

    saltext_litellm:
      version: 1
      name: gpt-4-proxy
      keys: [blocked, litellm_params/api_key, model_info/tier]
      secrets: {litellm_params/api_key: 3f0c6d…}
      key_id: a7
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

KEY = "saltext_litellm"
VERSION = 1

# Where a value stands in a row: ("litellm_params", "extra_headers", "X-Team").
Path = tuple[str, ...]


@lru_cache(4096)
def spell(path: Path) -> str:
    """A path as one string, in the way of JSON pointers."""
    return "/".join(part.replace("~", "~0").replace("/", "~1") for part in path)


@lru_cache(4096)
def _parse(spelt: str) -> Path:
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in spelt.split("/"))


@dataclass(frozen=True)
class Marker:
    """Owner and managed keys of a row.

    :param name: The name of the state that owns the row.
    :param set: The name of the ``managed`` state it belongs to, if any.
    :param keys: What we manage; anything else in the row is somebody else's.
    :param secrets: A fingerprint for each managed value that cannot be read back.
    :param key_id: Which key the fingerprints were made with.
    :param version: The form it was stored in. One above ours is not to be touched.
    """

    name: str
    set: str | None = None
    keys: frozenset[Path] = frozenset()
    secrets: Mapping[Path, str] = field(default_factory=dict)
    key_id: str | None = None
    version: int = VERSION

    @property
    def owner(self) -> str:
        """Who owns the row, to be read by a person."""
        return self.name if self.set is None else f"{self.name} in {self.set}"

    def dump(self) -> dict[str, Any]:
        """The marker as it is stored. Stable: equal markers are equal to the letter."""
        stored: dict[str, Any] = {"version": self.version, "name": self.name}
        if self.set is not None:
            stored["set"] = self.set
        stored["keys"] = sorted(spell(path) for path in self.keys)
        if self.secrets:
            stored["secrets"] = {spell(path): self.secrets[path] for path in sorted(self.secrets)}
            stored["key_id"] = self.key_id
        return stored

    @classmethod
    def load(cls, stored: Any) -> Marker | None:
        """Read a stored marker; ``None`` where there is none that makes sense.

        Somebody may have edited it: what makes no sense in it counts as not being there.
        """
        if not isinstance(stored, Mapping) or not isinstance(stored.get("name"), str):
            return None
        if not isinstance(stored.get("set", ""), str):
            return None
        keys, secrets, version = (stored.get(key) for key in ("keys", "secrets", "version"))
        return cls(
            name=stored["name"],
            set=stored.get("set"),
            keys=frozenset(map(_parse, filter(_is_text, keys if isinstance(keys, list) else ()))),
            secrets={
                _parse(path): str(mark)
                for path, mark in (secrets if isinstance(secrets, Mapping) else {}).items()
            },
            key_id=stored.get("key_id"),
            version=version if isinstance(version, int) else VERSION,
        )


def _is_text(value: Any) -> bool:
    return isinstance(value, str)
