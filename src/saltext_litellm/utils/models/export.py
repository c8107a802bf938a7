"""Pure: from the rows of a gateway to states that would make it so again."""

from __future__ import annotations

import contextlib
import json
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..litellm import checks
from ..litellm.errors import InvalidInput, NotAllowed
from ..litellm.quote import line, quoted
from ..litellm.secrets import holds_secret, is_shown
from ..litellm.trees import Path, leaves
from . import fields
from .desired import desired
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
        path = "".join(
            f"[{json.dumps(part, ensure_ascii=False)}]" for part in (pillar, self.name, self.key)
        )
        return f"{{{{ pillar{path} | tojson }}}}"


@dataclass(frozen=True)
class Export:
    """What the rows of a gateway's database are as states.

    :param states: The arguments of ``present``, by the name of their state.
    :param left_out: Why a row is not among them, by its id.
    :param unasked: The states of which the gateway does not say which secrets they have.
    :param may_ask: Whether the api_key may see which secrets there are at all.
    """

    states: Mapping[str, Arguments]
    left_out: Mapping[str, str]
    unasked: tuple[str, ...]
    may_ask: bool


def export(
    rows: Iterable[Row], ask: Callable[[Row], Masks | None], cost_map: Mapping[str, Any]
) -> Export:
    """The states of the rows of a gateway.

    :param ask: Asks for the masks of the secrets that reads leave out. ``None`` where the gateway
        does not say, :class:`~..litellm.errors.NotAllowed` where it says nothing of any.
    :param cost_map: LiteLLM's own, whose values need not be declared.
    """
    found: dict[str, Arguments] = {}
    left_out: dict[str, str] = {}
    unasked: list[str] = []
    may_ask = True
    for row in sorted(rows, key=lambda row: (row.model_name, row.model_id)):
        if not row.from_database:
            continue
        masks: Masks | None = None
        if may_ask:
            try:
                masks = ask(row)
            except NotAllowed:
                may_ask = False
        name = _name(row, found)
        try:
            arguments = _arguments(name, row, masks or {}, cost_map)
            _check(name, arguments)
        except InvalidInput as err:
            left_out[row.model_id] = f"{quoted(row.model_name)}: {err}"
            continue
        found[name] = arguments
        if masks is None:
            unasked.append(name)
    return Export(found, left_out, tuple(unasked), may_ask)


def _check(name: str, arguments: Arguments) -> None:
    """Whether a state with these arguments would be taken.

    :raises InvalidInput: It would not.
    """
    desired({**_filled_in(arguments), "name": name}, lambda value: value)


def _filled_in(value: Any) -> Any:
    """Data with something that may stand for a secret in the place of each."""
    if isinstance(value, Secret):
        return "filled-in"
    if isinstance(value, Mapping):
        return {key: _filled_in(item) for key, item in value.items()}
    return value


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
    if MODEL not in values:
        raise InvalidInput("LiteLLM shows no model of it")
    if values[MODEL] == fields.derived_model(values):
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


def sls(found: Export, pillar: str, dump: Callable[[Any], str], url: str) -> str:
    """An SLS file, with the pillar that it needs in a comment.

    :param dump: Writes data as YAML.
    """
    references: dict[str, str] = {}

    def marked(value: Any) -> Any:
        if isinstance(value, Secret):
            mark = f"secret-{uuid.uuid4().hex}"
            references[mark] = value.reference(pillar)
            return mark
        if isinstance(value, Mapping):
            return {key: marked(item) for key, item in value.items()}
        return value

    high = {}
    for name, arguments in found.states.items():
        named = {} if _is_id(name) else {"name": name}
        declared = [{key: marked(item)} for key, item in {**named, **arguments}.items()]
        high[f"model {name}" if named else name] = {"litellm_model.present": declared}
    text = "\n".join(_head(found, pillar, dump, url)) + "\n\n" + dump(high)
    for jinja in ("{{", "{%", "{#"):  # in this order, as each brings the first
        text = text.replace(jinja, f"{{{{ '{jinja}' }}}}")
    for mark, reference in references.items():
        text = text.replace(mark, reference)
    return text


def _is_id(name: str) -> bool:
    """Whether a name can be the id of a state: it means nothing else to Salt in that place."""
    return name not in ("include", "exclude", "extend") and not name.startswith(("__", "."))


def _head(found: Export, pillar: str, dump: Callable[[Any], str], url: str) -> Iterable[str]:
    """The comment at the head of an SLS file, line by line."""
    yield f"# The deployments of {url}, exported by litellm_model.export."
    for model_id, reason in found.left_out.items():
        yield f"# Left out: {line(f'{model_id}, {reason}')}"
    if not found.may_ask:
        yield "# The api_key may not see which secrets they have, so the file lacks those that"
        yield "# LiteLLM hides. Export with a proxy-admin key to have them all."
    elif found.unasked:
        yield "# LiteLLM does not say which secrets these have, so the file lacks those it hides:"
        yield f"# {line(', '.join(found.unasked))}"
    wanted: dict[str, dict[str, str]] = {}
    for secret in secrets(found.states):
        wanted.setdefault(secret.name, {})[secret.key] = "…"
    if wanted:
        yield "#"
        yield "# Secrets are not printed. Fill them in, in pillar:"
        yield "#"
        yield from (f"#   {text}".rstrip() for text in dump({pillar: wanted}).splitlines())
