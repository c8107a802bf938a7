"""The marker in a row's free JSON: who owns the row, and which of its values we manage.

People see it in LiteLLM's UI, so it is small and easy to read::

    saltext_litellm:
      version: 1
      name: gpt-4-proxy
      id: 8ef3b055-53ef-5700-ac48-ae2612ce89d6
      keys: [blocked, litellm_params/api_key, model_info/tier]
      secrets: {litellm_params/api_key: 3f0c6d…}
      key_id: a7
      forms: {model_info/access_windows: 5b1f09…}
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..values.compare import with_offset
from ..values.paths import Path, parse, spell

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
    :param forms: A mark for each managed value that LiteLLM stores in another form than declared,
        made of both forms.
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
    forms: Mapping[Path, str] = field(default_factory=dict)
    replaces: str | None = None
    tentative: bool = False
    unserved: bool = False
    version: int = VERSION

    @property
    def owner(self) -> str:
        """The owner of the row, as people read it."""
        return self.name if self.set is None else f"{self.name} in {self.set}"

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
            stored["secrets"] = _spelt(self.secrets)
            stored["key_id"] = self.key_id
        if self.forms:
            stored["forms"] = _spelt(self.forms)
        return stored

    @classmethod
    def load(cls, stored: Any) -> Marker | None:
        """Read a stored marker; ``None`` if it is not one.

        Somebody may have edited it, so parts that make no sense are ignored.
        """
        if not isinstance(stored, Mapping) or not _is_text(stored.get("name")):
            return None
        if not (stored.get("set") is None or _is_text(stored["set"])):
            return None
        keys, version = stored.get("keys"), stored.get("version")
        return cls(
            name=stored["name"],
            set=stored.get("set"),
            gateway=_text_or_none(stored.get("gateway")),
            id=_text_or_none(stored.get("id")),
            keys=frozenset(map(parse, filter(_is_text, keys if isinstance(keys, list) else ()))),
            secrets=_marks(stored.get("secrets")),
            key_id=stored.get("key_id"),
            forms=_marks(stored.get("forms")),
            replaces=_text_or_none(stored.get("replaces")),
            tentative=stored.get("tentative") is True,
            unserved=stored.get("unserved") is True,
            version=version if isinstance(version, int) else VERSION,
        )


def of_row(stored: Any, row_id: str) -> tuple[Marker | None, str | None]:
    """The marker that was written for a row.

    :param stored: What is stored in the place of a marker.
    :returns: The marker; and, if somebody copied the row with its marker, the owner that it names.
    """
    marker = Marker.load(stored)
    if marker is not None and marker.id not in (None, row_id):
        return None, marker.owner
    return marker, None


def form(declared: Any, stored: Any) -> str:
    """A mark of a declared value and of the form in which LiteLLM stores it."""
    both = f"{_canonical(declared)} {_canonical(stored)}"
    return hashlib.sha256(both.encode()).hexdigest()[:16]


def is_same_form(declared: Any, stored: Any) -> bool:
    """Whether LiteLLM stores a value as it is declared."""
    return _canonical(declared) == _canonical(stored)


def _canonical(value: Any) -> str:
    """A value as text. It is the same for the forms that LiteLLM stores and shows."""
    return json.dumps(_shown(value), sort_keys=True)


def _shown(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _shown(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_shown(item) for item in value]
    if isinstance(value, str):
        return with_offset(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return "None" if value is None else value  # how LiteLLM 1.106.2 shows a null inside a list


def _spelt(marks: Mapping[Path, str]) -> dict[str, str]:
    return {spell(path): marks[path] for path in sorted(marks)}


def _marks(stored: Any) -> dict[Path, str]:
    marks = stored if isinstance(stored, Mapping) else {}
    return {parse(path): str(mark) for path, mark in marks.items()}


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _text_or_none(value: Any) -> str | None:
    return value if isinstance(value, str) else None
