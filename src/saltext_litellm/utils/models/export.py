"""Pure: from the rows of a gateway to states that would make it so again."""

from __future__ import annotations

import contextlib
import json
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..litellm import checks
from ..litellm.errors import InvalidInput
from ..litellm.secrets import holds_secret, is_shown
from ..litellm.trees import Path, leaves
from . import fields
from .fields import BLOCKED, INFO, MODEL, PARAMS
from .row import Row, is_set, known_info, left_out, own_info

Arguments = dict[str, Any]
Masks = Mapping[str, Any]


@dataclass(frozen=True)
class Secret:
    """A secret that the gateway has and does not give, or that is not to be printed: to be filled
    in from pillar."""

    name: str
    key: str

    def reference(self, pillar: str) -> str:
        """What stands for it in an SLS file; as JSON, so that any secret is one YAML string."""
        path = "".join(f"[{json.dumps(part)}]" for part in (pillar, self.name, self.key))
        return f"{{{{ pillar{path} | tojson }}}}"


def states(
    rows: Iterable[Row], masks: Callable[[Row], Masks | None], cost_map: Mapping[str, Any]
) -> dict[str, Arguments]:
    """The arguments of ``present`` for each row of the database, by the name of their state.

    :param masks: Asks for the masks of the secrets that reads leave out.
    :param cost_map: LiteLLM's own, whose values need not be declared.
    """
    found: dict[str, Arguments] = {}
    for row in sorted(rows, key=lambda row: (row.model_name, row.model_id)):
        if row.from_database:
            name = _name(row, found)
            found[name] = _arguments(name, row, masks(row) or {}, cost_map)
    return found


def _name(row: Row, taken: Mapping[str, Any]) -> str:
    name = row.marker.name if row.marker and row.marker.set is None else row.model_name
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name} #{number}"
    return free


def _arguments(name: str, row: Row, masks: Masks, cost_map: Mapping[str, Any]) -> Arguments:
    arguments: Arguments = {} if row.model_name == name else {"model_name": row.model_name}
    with contextlib.suppress(InvalidInput):  # an id that cannot stand in a URL is left out
        arguments["model_id"] = checks.identifier("model_id", row.model_id)
    values = dict(_values(row, masks, cost_map))
    if values.get(MODEL) == fields.derived_model(values):
        del values[MODEL]
    for path, value in values.items():
        _declare(arguments, path, _spoken(name, path, value))
    if "tier" not in arguments:
        arguments["tier"] = None  # else it would be free by default
    return arguments


def _values(row: Row, masks: Masks, cost_map: Mapping[str, Any]) -> Iterable[tuple[Path, Any]]:
    """What is set in a row, by path. A secret is there by its mask."""
    params = dict(row.data.get(PARAMS) or {})
    params |= left_out(masks)
    for key, value in params.items():
        if value is not None and is_set(value, (PARAMS, key)):
            yield from leaves((PARAMS, key), value)
    for key, value in own_info(row, known_info(row, cost_map)):
        yield from leaves((INFO, key), value)
    if row.get(BLOCKED):
        yield BLOCKED, True


def _spoken(name: str, path: Path, value: Any) -> Any:
    """A value in the user's words; a secret as what stands for it."""
    if fields.is_hidden_at(path) or holds_secret("", value) or not is_shown("", value):
        return Secret(name, fields.word(path))
    return checks.per_million(value) if path in fields.COSTS else value


def _declare(arguments: Arguments, path: Path, value: Any) -> None:
    argument = fields.argument_at(path)
    if argument is not None:
        arguments[argument] = value
        return
    for key in path[:-1]:
        arguments = arguments.setdefault(key, {})
    arguments[path[-1]] = value


def referring(value: Any, pillar: str) -> Any:
    """Data with every secret replaced by the reference that stands for it."""
    if isinstance(value, Secret):
        return value.reference(pillar)
    if isinstance(value, Mapping):
        return {key: referring(item, pillar) for key, item in value.items()}
    return value


def secrets(value: Any) -> Iterable[Secret]:
    """Every secret in the data."""
    if isinstance(value, Secret):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from secrets(item)


def sls(found: Mapping[str, Arguments], pillar: str, dump: Callable[[Any], str], url: str) -> str:
    """An SLS file, with the pillar that it needs in a comment.

    :param dump: Writes data as YAML.
    """
    wanted: dict[str, dict[str, str]] = {}
    for secret in secrets(found):
        wanted.setdefault(secret.name, {})[secret.key] = "…"
    head = [f"# The deployments of {url}, exported by litellm_model.export.", "#"]
    if wanted:
        head += ["# Secrets are not printed. Fill them in, in pillar:", "#"]
        head += [f"#   {line}".rstrip() for line in dump({pillar: wanted}).splitlines()]
    references: dict[str, str] = {}

    def marked(value: Any) -> Any:
        if isinstance(value, Secret):
            mark = f"secret-{uuid.uuid4().hex}"
            references[mark] = value.reference(pillar)
            return mark
        if isinstance(value, Mapping):
            return {key: marked(item) for key, item in value.items()}
        return value

    high = {
        name: {"litellm_model.present": [{key: marked(item)} for key, item in arguments.items()]}
        for name, arguments in found.items()
    }
    text = "\n".join(head) + "\n\n" + dump(high)
    for jinja in ("{{", "{%", "{#"):  # in this order, as each brings the first
        text = text.replace(jinja, f"{{{{ '{jinja}' }}}}")
    for mark, reference in references.items():
        text = text.replace(mark, reference)
    return text
