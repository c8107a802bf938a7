"""Gives entries of a list that share a model name the rows that they had before. Pure.

Only their order tells entries with the same model name apart, and people insert, remove and move
entries, and rotate keys. So entries are matched with rows by their values: an entry gets the row
that is already as it declares, wherever both stand. The other entries get rows that are most like
them. A row keeps its name, so a row whose entry has only moved needs no write.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain, count
from math import inf
from typing import Any

from ..errors import Refused
from ..objects.plan import needs_fingerprint
from ..objects.row import MISSING
from ..values.compare import key
from ..values.fingerprints import Fingerprinter
from ..values.paths import Path
from . import identity
from .desired import Deployment
from .fields import FIELDS
from .identity import ModelRows
from .row import ModelRow

Shared = tuple[str | None, str | None]  # the model name and the team of a pool
Values = frozenset[int]  # the values of an entry or a row, each as a number


def matched(
    set_: str, deployments: Sequence[Deployment], rows: ModelRows, fingerprint: Fingerprinter
) -> list[Deployment]:
    """The deployments of a set. The entries of a list have the names of their rows.

    :param set_: The name of the set.
    """
    pools: defaultdict[Shared, list[Deployment]] = defaultdict(list)
    for wanted in deployments:
        if wanted.listed:
            pools[wanted.model_name, wanted.team].append(wanted)
    owned: dict[str, Shared] = {}
    for row in rows if pools else ():
        if row.marker and row.marker.set == set_:
            owned[row.marker.name] = (row.model_name, row.team)
    asked = frozenset(one.id for one in deployments if one.id is not None)
    found: dict[str, Deployment] = {}
    for shared, names in _names(pools, owned):
        entries = pools[shared]
        own = [wanted.name for wanted in entries]
        if len(own) > 1 or names != own:
            pool = _Pool(set_, entries, names, rows, asked)
            found.update(zip(own, pool.assigned(fingerprint), strict=True))
    return [found.get(wanted.name, wanted) for wanted in deployments]


def _names(
    pools: Mapping[Shared, Sequence[Deployment]], owned: Mapping[str, Shared]
) -> Iterator[tuple[Shared, list[str]]]:
    """The names that the entries of each pool may get. Each name is only in one pool.

    :param owned: The names of the rows of the set, each with what its row shares with others.
    """
    names: dict[Shared, dict[str, None]] = {shared: {} for shared in pools}
    for name, shared in owned.items():
        if shared in names:
            names[shared][name] = None
    for shared, entries in pools.items():
        for wanted in entries:
            if owned.get(wanted.name) not in names:  # else the row's pool has the name
                names[shared][wanted.name] = None
    reserved = {*owned, *(wanted.name for entries in pools.values() for wanted in entries)}
    for shared, entries in pools.items():
        numbered = (f"{shared[0]} #{number}" for number in count(2))
        while len(names[shared]) < len(entries):
            name = next(name for name in numbered if name not in reserved)
            reserved.add(name)
            names[shared][name] = None
        yield shared, list(names[shared])


class _Pool:
    """The entries of a list that share a model name and a team, and the rows that they may get.

    :param names: The names that the entries may get. Rows of the set may have them.
    :param asked: The ids that entries ask for.
    """

    def __init__(
        self,
        set_: str,
        entries: Sequence[Deployment],
        names: Iterable[str],
        rows: ModelRows,
        asked: frozenset[str],
    ) -> None:
        self._set, self._entries, self._known = set_, entries, rows
        # The names that entries may get, with their rows:
        self._owned: dict[str, ModelRow] = {}  # the set has the row
        self._adoptable: dict[str, ModelRow] = {}  # a row that the set would adopt
        self._unclear: dict[str, None] = {}  # several rows fit
        self._unused: dict[str, None] = {}  # no row fits
        seen: set[str] = set()
        for name in sorted(names, key=lambda one: (_place(one, entries[0].model_name), one)):
            try:
                row = identity.find(replace(entries[0], name=name, id=None), rows, asked)
            except Refused:
                self._unclear[name] = None
                continue
            if row is None or row.id in seen:
                self._unused[name] = None
                continue
            seen.add(row.id)
            is_owned = row.marker is not None and row.marker.set == set_
            (self._owned if is_owned else self._adoptable)[name] = row

    def assigned(self, fingerprint: Fingerprinter) -> list[Deployment]:
        """The entries, each with the name of its row, or with a name that no row has."""
        found: dict[int, Deployment] = {}
        searching = []
        for number, wanted in enumerate(self._entries):
            row = self._known.get(wanted.id)
            if row is None:
                searching.append(number)
            elif row.marker and row.marker.set == self._set and self._drop(row.marker.name):
                found[number] = replace(wanted, name=row.marker.name)
        for number, name, _ in self._nearest(searching, self._owned, fingerprint):
            found[number] = replace(self._entries[number], name=name)
        left = [number for number in searching if number not in found]
        adopting = [number for number in left if self._entries[number].id is None]
        for number, name, row in self._nearest(adopting, self._adoptable, fingerprint):
            # Other names fit the row as well, so its id says which entry it is for.
            found[number] = replace(self._entries[number], name=name, id=row.id)
        # If several rows fit a name, the plan of the entry that gets the name says so.
        kinds: list[dict[str, Any]] = [self._unclear, self._unused, self._adoptable, self._owned]
        for number, wanted in enumerate(self._entries):
            if number not in found:
                name = _take(wanted.name, kinds if number in left else [*kinds[1:], kinds[0]])
                found[number] = replace(wanted, name=name)
        return [found[number] for number in range(len(self._entries))]

    def _nearest(
        self, numbers: Sequence[int], rows: dict[str, ModelRow], fingerprint: Fingerprinter
    ) -> Iterator[tuple[int, str, ModelRow]]:
        """Take rows for entries: the number of each entry, the name of its row, and the row."""
        entries, names = [self._entries[number] for number in numbers], list(rows)
        values = _Values(entries, fingerprint)
        places = {name: place for place, name in enumerate(names)}
        start = [places.get(one.name, place) for place, one in enumerate(entries)]
        if len(names) == len(entries):
            start = list(range(len(names)))
        declared = [values.declared(wanted) for wanted in entries]
        stored = [values.stored(row) for row in rows.values()]
        moved = [wanted.id is not None for wanted in entries]
        for index, place in pairs(declared, stored, start, moved).items():
            yield numbers[index], names[place], rows.pop(names[place])

    def _drop(self, name: str) -> bool:
        """Let no other entry have a name. Returns whether it was there."""
        kinds: list[dict[str, Any]] = [self._owned, self._adoptable, self._unclear, self._unused]
        return any(kind.pop(name, self) is not self for kind in kinds)


def _take(name: str, kinds: Iterable[dict[str, Any]]) -> str:
    """Take a name of the first kind that has any; this one, if it is among them."""
    kind = next(kind for kind in kinds if kind)
    name = name if name in kind else next(iter(kind))
    del kind[name]
    return name


def _place(name: str, model_name: str | None) -> float:
    """The place in the list of the entry that a name was made for."""
    base, _, number = name.rpartition(" #")
    if base == model_name and number.isdecimal():
        return int(number)
    return 1 if name == model_name else inf


class _Values:
    """Turns entries and rows into sets of numbers: equal numbers mean equal values.

    A secret has no value in a row, only a fingerprint, which is different in each row. So it is
    compared with the secrets that entries declare.
    """

    def __init__(self, entries: Sequence[Deployment], fingerprint: Fingerprinter) -> None:
        self._fingerprint, self._key_id = fingerprint, fingerprint.key_id()
        self._numbers: dict[tuple[Path, str | None], int] = {}
        self._next: defaultdict[Path, int] = defaultdict(int)
        secrets: defaultdict[Path, dict[str, Any]] = defaultdict(dict)
        for wanted in entries:
            for path, value in wanted.values.items():
                if needs_fingerprint(FIELDS, path, value):
                    secrets[path].setdefault(_secret_key(value), value)
        self._secrets: defaultdict[Path, list[tuple[str, Any]]] = defaultdict(list)
        self._secrets.update((path, list(values.items())) for path, values in secrets.items())
        self._paths = sorted({path for wanted in entries for path in wanted.values})

    def declared(self, wanted: Deployment) -> Values:
        """The values of an entry. What it does not declare counts too."""

        def spelt(path: Path) -> str | None:
            if path not in wanted.values:
                return None
            value = wanted.values[path]
            hidden = needs_fingerprint(FIELDS, path, value)
            return _secret_key(value) if hidden else _readable_key(path, value)

        return frozenset(self._number(path, spelt(path)) for path in self._paths)

    def stored(self, row: ModelRow) -> Values:
        """The values of a row. What we do not manage in a row of ours counts as not declared."""

        def spelt(path: Path) -> str | None:
            shown = row.get(path)
            if row.marker is not None:
                if path not in row.marker.keys:
                    return None
                if path in row.marker.secrets:
                    return self._secret(path, row)
            return None if shown is MISSING else _readable_key(path, shown)

        return frozenset(self._number(path, spelt(path)) for path in self._paths)

    def _number(self, path: Path, spelt: str | None) -> int:
        return self._numbers.setdefault((path, spelt), len(self._numbers))

    def _secret(self, path: Path, row: ModelRow) -> str:
        """The key of the secret that a row has, if an entry declares it.

        The secret of the next row is probably that of the next entry, so that is tried first.
        """
        marker, declared = row.marker, self._secrets[path]
        if marker is None or marker.key_id != self._key_id:
            return "an unknown secret"
        begin = self._next[path]
        for number in chain(range(begin, len(declared)), range(begin)):
            spelt, value = declared[number]
            if self._fingerprint(row.id, path, value) == marker.secrets[path]:
                self._next[path] = number + 1
                return spelt
        return "an unknown secret"


def _secret_key(value: Any) -> str:
    return f"secret {json.dumps(value, sort_keys=True)}"


def _readable_key(path: Path, value: Any) -> str:
    if isinstance(value, Mapping):
        return "{}"  # its values have places of their own
    how = FIELDS.meaning(path)
    return key(value, ordered=how.ordered, coerced=how.coerced)


# ---------------------------------------------------------------- which entry gets which row


def pairs(
    entries: Sequence[Values], rows: Sequence[Values], start: Sequence[int], moved: Sequence[bool]
) -> dict[int, int]:
    """Give as many entries as possible a row. Rows that are as declared come first.

    This goes by how many values an entry declares that no row has. So an entry whose key was
    rotated waits until the entries whose keys are there have their rows.

    :param start: The place of each entry's row, if nothing is known of its neighbours.
    :param moved: Whether an entry asks for an id that no row has.
    """
    pairing = _Pairing(entries, rows)
    levels: defaultdict[int, list[int]] = defaultdict(list)
    for index, entry in enumerate(entries):
        levels[len(entry - pairing.known[index]) + moved[index]].append(index)
    for _, members in sorted(levels.items()):
        pairing.give_fitting(members, _expected(pairing.found, start))
    pairing.give_nearest(_expected(pairing.found, start))
    return pairing.found


def _expected(found: Mapping[int, int], start: Sequence[int]) -> list[int]:
    """The place of each entry's row, if it stands beside the rows of the entry's neighbours."""
    if not found:
        return list(start)
    last, expected = min(found), []
    for index in range(len(start)):
        last = index if index in found else last
        expected.append(found[last] + index - last)
    return expected


class _Pairing:
    """Entries and the rows that they get.

    :ivar known: The values of each entry that some row has.
    :ivar found: The place of each entry's row.
    """

    def __init__(self, entries: Sequence[Values], rows: Sequence[Values]) -> None:
        self._entries, self._rows = entries, rows
        self._free = dict.fromkeys(range(len(rows)))
        self._having: defaultdict[int, dict[int, None]] = defaultdict(dict)  # free rows by value
        for place, row in enumerate(rows):
            for value in row:
                self._having[value][place] = None
        self.known = [frozenset(filter(self._having.__contains__, entry)) for entry in entries]
        self.found: dict[int, int] = {}

    def give_fitting(self, members: Iterable[int], expected: Sequence[int]) -> None:
        """Give entries rows that have all their known values.

        If there are several, an entry gets the one nearest to its expected place.
        """
        for index in members:
            place = expected[index]
            if place in self._free and self.known[index] <= self._rows[place]:
                self._give(index, place)
        for index in members:
            if index in self.found:
                continue
            known = self.known[index]
            few = min((self._having[value] for value in known), key=len, default=self._free)
            fitting = [place for place in few if known <= self._rows[place]]
            if fitting:
                self._give(index, min(fitting, key=partial(_distance, expected[index])))

    def give_nearest(self, expected: Sequence[int]) -> None:
        """Give the other entries the rows that differ least, as long as there are any."""

        def differs(index: int, place: int) -> tuple[int, int]:
            different = self._entries[index] - self._rows[place]
            return len(different), _distance(expected[index], place)

        for index in range(len(self._entries)):
            if index not in self.found and self._free:
                self._give(index, min(self._free, key=partial(differs, index)))

    def _give(self, index: int, place: int) -> None:
        self.found[index] = place
        del self._free[place]
        for value in self._rows[place]:
            del self._having[value][place]


def _distance(one: int, other: int) -> int:
    return abs(one - other)
