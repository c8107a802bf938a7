"""The marker in a row's ``model_info``: who owns the row, and which of its values we manage.

People see it in LiteLLM's UI, so it is small and easy to read::

    saltext_litellm:
      version: 1
      name: gpt-4-proxy
      id: 8ef3b055-53ef-5700-ac48-ae2612ce89d6
      keys: [blocked, litellm_params/api_key, model_info/tier]
      secrets: {litellm_params/api_key: 3f0c6d…}
      key_id: a7
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .trees import Path, parse, spell

KEY = "saltext_litellm"
VERSION = 1


@dataclass(frozen=True)
class Marker:
    """The owner of a row, and the places in it that we manage.

    :param name: The name of the state that owns the row.
    :param set: The name of the ``managed`` state that it belongs to, if any.
    :param gateway: The name of the gateway that it was written to, if the profile has one.
    :param id: The id of the row that it was written for. In another row it is a copy.
    :param keys: The places that we manage. All other places belong to somebody else.
    :param secrets: A fingerprint for each managed value that cannot be read back.
    :param key_id: The id of the key that the fingerprints were made with.
    :param replaces: The id of the row that this row replaces, until that row is deleted.
    :param tentative: Whether the row was created while nobody could see which rows exist. It is
        deleted if its owner has another row.
    :param unserved: Whether LiteLLM could not serve the row after its last write.
    :param version: The version of the marker's form. We do not touch a row with a newer version.
    """

    name: str
    set: str | None = None
    gateway: str | None = None
    id: str | None = None
    keys: frozenset[Path] = frozenset()
    secrets: Mapping[Path, str] = field(default_factory=dict)
    key_id: str | None = None
    replaces: str | None = None
    tentative: bool = False
    unserved: bool = False
    version: int = VERSION

    @property
    def owner(self) -> str:
        """The owner of the row, as people read it."""
        return self.name if self.set is None else f"{self.name} in {self.set}"

    def says_same(self, stored: Marker | None) -> bool:
        """Whether this marker need not be written, because the stored one says the same."""
        return stored is not None and self == replace(stored, tentative=self.tentative)

    def dropped(self, declared: Mapping[Path, Any]) -> frozenset[Path]:
        """The places that we have set and that are not declared any more."""
        left = self.keys - declared.keys()
        if not left:
            return left
        above = {path[:length] for path in declared for length in range(1, len(path))}
        return frozenset(
            path
            for path in left - above
            if not any(declared.get(path[:length], {}) != {} for length in range(1, len(path)))
        )

    def keeping(self, before: Marker, paths: frozenset[Path]) -> Marker:
        """This marker, which also manages some places of an older marker of the row."""
        kept = {path: mark for path, mark in before.secrets.items() if path in paths}
        key_id = self.key_id or (before.key_id if kept else None)
        secrets = {**kept, **self.secrets}
        return replace(self, keys=self.keys | paths, secrets=secrets, key_id=key_id)

    def dump(self) -> dict[str, Any]:
        """The marker as it is stored. Equal markers are stored as equal text."""
        stored: dict[str, Any] = {"version": self.version, "name": self.name}
        stored |= {
            key: value
            for key in ("set", "gateway", "id", "replaces")
            if (value := getattr(self, key)) is not None
        }
        stored |= {key: True for key in ("tentative", "unserved") if getattr(self, key)}
        stored["keys"] = sorted(spell(path) for path in self.keys)
        if self.secrets:
            stored["secrets"] = {spell(path): self.secrets[path] for path in sorted(self.secrets)}
            stored["key_id"] = self.key_id
        return stored

    @classmethod
    def load(cls, stored: Any) -> Marker | None:
        """Read a stored marker; ``None`` if it is not one.

        Somebody may have edited it, so parts that make no sense are ignored.
        """
        if not isinstance(stored, Mapping) or not _is_text(stored.get("name")):
            return None
        if not _is_text(stored.get("set", "")):
            return None
        keys, secrets, version = (stored.get(key) for key in ("keys", "secrets", "version"))
        return cls(
            name=stored["name"],
            set=stored.get("set"),
            gateway=_text_or_none(stored.get("gateway")),
            id=_text_or_none(stored.get("id")),
            keys=frozenset(map(parse, filter(_is_text, keys if isinstance(keys, list) else ()))),
            secrets={
                parse(path): str(mark)
                for path, mark in (secrets if isinstance(secrets, Mapping) else {}).items()
            },
            key_id=stored.get("key_id"),
            replaces=_text_or_none(stored.get("replaces")),
            tentative=stored.get("tentative") is True,
            unserved=stored.get("unserved") is True,
            version=version if isinstance(version, int) else VERSION,
        )


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _text_or_none(value: Any) -> str | None:
    return value if isinstance(value, str) else None
