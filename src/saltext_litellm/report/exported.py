"""Writes an export as the text of an SLS file or of a pillar file. Pure."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from textwrap import indent, wrap
from typing import Any

import yaml

from ..objects.export import Arguments, Export, Secret, replaced, secrets
from ..values.quote import line, quoted
from ..values.secrets import REDACTED

_WIDTH = 94  # characters of an item's line in the head


def has_secrets(found: Export) -> bool:
    """Whether there are secrets to fill in. Those of a document are written already, as masks."""
    return found.is_document or any(True for _ in secrets(found.states))


def data(found: Export, pillar: str) -> Mapping[str, Arguments]:
    """The arguments by name, with the same in the place of each secret as in a file."""
    if found.set is not None:
        return {name: _in_set(arguments) for name, arguments in found.states.items()}
    return {
        name: replaced(arguments, lambda secret: secret.reference(pillar))
        for name, arguments in found.states.items()
    }


def text(found: Export, pillar: str, url: str, profile: str | None = None) -> str:
    """An SLS file of states, a pillar file of the models of a set, or a whole document.

    :param pillar: The pillar key of the secrets of states, or of the models of a set.
    :param profile: The profile, if the states must name it.
    """
    if found.is_document:
        steps = _steps_of_document(found, profile)
        return f"{_head(found, url, steps)}\n{dump(found.states)}"
    write = _states_text if found.set is None else _models_text
    return write(found, pillar, url, profile)


def _states_text(found: Export, pillar: str, url: str, profile: str | None) -> str:
    """An SLS file with a ``present`` state for each row; its head has the pillar that it needs."""
    references: dict[str, str] = {}

    def mark(secret: Secret) -> str:
        marked = f"secret-{uuid.uuid4().hex}"
        references[marked] = secret.reference(pillar)
        return marked

    head = _head(found, url, _steps_of_states(found, pillar))
    written = [
        dump(_state(found, "present", name, replaced(arguments, mark), profile))
        for name, arguments in found.states.items()
    ]
    text = _escaped("\n".join([head, *written]))
    for marked, reference in references.items():
        text = text.replace(marked, reference)
    return text


def _models_text(found: Export, pillar: str, url: str, profile: str | None) -> str:
    """A pillar file with the models of a set; its head has the SLS file that goes with it.

    Each secret is null, which declares nothing, or a mask, which Salt refuses, until somebody fills
    it in.
    """
    head = _head(found, url, _steps_of_set(found, pillar, profile))
    declared = {name: _in_set(_unless_default(found, one)) for name, one in found.states.items()}
    keys = pillar.split(":")
    above = "".join(
        indent(dump({key: None}).removesuffix(" null\n") + "\n", "  " * depth)
        for depth, key in enumerate(keys)
    )
    written = "\n".join(dump({name: arguments}) for name, arguments in declared.items())
    below = indent(written or dump({}), "  " * len(keys))
    return _escaped(f"{head}\n{above}{below}")


def _in_set(arguments: Arguments) -> Arguments:
    """The arguments of a model of a set, with null or a mask in the place of each secret."""
    filled: Arguments = replaced(arguments, lambda secret: secret.stand_in)
    return filled


def _unless_default(found: Export, arguments: Arguments) -> Arguments:
    """The arguments without those that the defaults of the set have already."""
    defaults = found.defaults.items()
    return {key: value for key, value in arguments.items() if (key, value) not in defaults}


def _state(
    found: Export, function: str, name: str, arguments: Arguments, profile: str | None
) -> dict[str, Any]:
    """A state. If Salt gives its name another meaning, the state has another id."""
    given = {**({} if _is_id(name) else {"name": name}), **arguments}
    if profile is not None:
        given["profile"] = profile
    declared = [{key: value} for key, value in given.items()]
    state_id = name if _is_id(name) else f"{found.noun} {name}"
    return {state_id: {f"{found.module}.{function}": declared}}


def _is_id(name: str) -> bool:
    """Whether a name can be the id of a state, because Salt gives it no other meaning."""
    return name not in ("include", "exclude", "extend") and not name.startswith(("__", "."))


def _escaped(text: str) -> str:
    """A text that Jinja renders to the given text."""
    for jinja in ("{{", "{%", "{#"):  # in this order, because each replacement adds a `{{`
        text = text.replace(jinja, f"{{{{ '{jinja}' }}}}")
    return text


# ---------------------------------------------------------------- the head


def _head(found: Export, url: str, steps: Iterable[str]) -> str:
    """The comment at the head of a file."""
    lines = [f"The {found.noun}s of {url}, exported by {found.module}.export.", "", *steps]
    owned = [f"{name}: {quoted(owner)}" for name, owner in found.owners.items()]
    for title, items in (
        ("These have an owner in Salt already, so Salt refuses them here:", owned),
        ("Not in this file, and left as it is on the gateway:", list(_missing(found))),
    ):
        if items:
            lines += ["", title, *chain.from_iterable(map(_item, items))]
    return "".join(f"# {line(one)}".rstrip() + "\n" for one in lines)


def _item(text: str) -> list[str]:
    """An item of a list, in lines that are not too long."""
    first, *others = wrap(line(text), _WIDTH, break_long_words=False, break_on_hyphens=False)
    return [f"- {first}", *(f"  {one}" for one in others)]


def _steps_of_states(found: Export, pillar: str) -> Iterator[str]:
    name = f"{found.noun}s.sls"
    yield f"1. Save this file in a folder of file_roots, for example as /srv/salt/{name}."
    wanted: dict[str, dict[str, str]] = {}
    for secret in secrets(found.states):
        wanted.setdefault(secret.name, {})[secret.key] = "…"
    if wanted:
        yield "2. Secrets are not printed. Put this into the pillar, with each … replaced by the"
        yield f"   secret. {found.hint}".rstrip()
        yield ""
        yield from (f"     {one}" for one in dump({pillar: wanted}).splitlines())
        yield ""
    else:
        yield _NO_SECRETS.format(2)
    yield from _try_it(found, 3)


def _steps_of_set(found: Export, pillar: str, profile: str | None) -> Iterator[str]:
    arguments = {"pillar": pillar, **({"defaults": found.defaults} if found.defaults else {})}
    name = f"{found.noun}s.sls"
    yield f"1. Save this file in a folder of pillar_roots, for example as /srv/pillar/{name}."
    yield "   Give it to the minion in the pillar's top.sls."
    yield f"2. Save this in a folder of file_roots, for example as /srv/salt/{name}:"
    yield ""
    state = _state(found, "managed", str(found.set), arguments, profile)
    yield from (f"     {one}" for one in dump(state).splitlines())
    yield ""
    stand_ins = {secret.stand_in is None for secret in secrets(found.states)}
    if stand_ins:
        yield "3. Secrets are not printed. Fill them in below."
        if True in stand_ins:
            yield "   While one is null, the secret on the gateway stays as it is."
        if False in stand_ins:
            yield f"   Salt has set each {REDACTED}. It would remove what is not declared any more,"
            yield "   so it refuses the set until they are filled in."
        yield from [f"   {found.hint}"] if found.hint else []
    else:
        yield _NO_SECRETS.format(3)
    yield from _try_it(found, 4)


def _steps_of_document(found: Export, profile: str | None) -> Iterator[str]:
    yield "1. Save this file in a folder of file_roots, as /srv/salt/litellm/config.yaml."
    yield "2. Save this in a folder of file_roots, for example as /srv/salt/objects.sls:"
    yield ""
    given = {"source": "salt://litellm/config.yaml"}
    state = _state(found, "managed", str(found.set), given, profile)
    yield from (f"     {one}" for one in dump(state).splitlines())
    yield ""
    yield "3. Secrets are not printed. Salt refuses the file until each of them is filled in below:"
    yield f"   each {REDACTED}, with an sdb:// reference or the value."
    yield from [f"   {found.hint}"] if found.hint else []
    yield from _try_it(found, 4)


_NO_SECRETS = "{}. There are no secrets to fill in."


def _try_it(found: Export, number: int) -> Iterator[str]:
    file, noun = f"{found.noun}s", found.noun
    becomes = "would be adopted" if found.is_owned else "is as declared"
    yield f"{number}. Run `salt-call state.apply {file} test=True`. Each {noun} {becomes}."
    if found.is_owned:
        hidden = ", and its secrets, which the gateway does not show" if has_secrets(found) else ""
        yield f"   Only its owner changes{hidden}."
    yield f"{number + 1}. Run `salt-call state.apply {file}`."
    label = found.id_label
    if any(label in arguments for arguments in found.states.values()):
        yield ""
        yield f"A {label} says which {noun} of this gateway is meant. For another gateway, delete"
        yield f"every line with {label}."


def _missing(found: Export) -> Iterator[str]:
    """What a file lacks, in a line for each reason."""
    for model_id, reason in found.left_out.items():
        yield f"{model_id}, {reason}"
    yield from found.lacking


# ---------------------------------------------------------------- YAML


class _Dumper(yaml.SafeDumper):
    """Indents the entries of a list more than its key, as people do."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002 - PyYAML passes it
        return super().increase_indent(flow, False)


def dump(data: Any) -> str:
    """Data as YAML, in the way in which people write it."""

    def dumped(allow_unicode: bool) -> str:
        return yaml.dump(
            data,
            Dumper=_Dumper,
            default_flow_style=False,
            allow_unicode=allow_unicode,
            sort_keys=False,
            width=10_000,
        )

    text = dumped(allow_unicode=True)
    # PyYAML (6.0.4) writes these as line breaks, and reads another text back.
    return dumped(allow_unicode=False) if re.search("[\x85\u2028\u2029]", text) else text
