"""Reads YAML as LiteLLM does, and says what is wrong with it without quoting values."""

from __future__ import annotations

import re
from typing import Any

import yaml
from yaml.reader import Reader

from ..errors import Refused
from .quote import short

# What PyYAML (6.0) says, and what it means. Its own words may have a value in them.
_REASONS = (
    (r"character '\\t'", "a tab cannot indent a line: use spaces"),
    (r"character '[%@`]'", "a value that begins with %, @ or ` needs quotes"),
    (r"undefined alias|an alias", "there is no anchor of that name; a value with a * needs quotes"),
    (r"second occurrence", "the anchor (&) stands there a second time"),
    (r"\btag\b", "LiteLLM knows no such tag; a value that begins with ! needs quotes"),
    (r"an anchor", "a value that begins with & needs quotes"),
    (r"unknown escape", "a \\ in double quotes begins nothing that YAML knows: use single quotes"),
    (r"unhashable key", "a mapping or a list stands in the place of a key"),
    (r"are not allowed here", "a colon or a dash stands where none can; a value may need quotes"),
    (r"expected ':'", "a key has no colon after it"),
    (r"a quoted scalar", "a quote is opened there, and not closed"),
    (r"a flow ", "a bracket is opened there, and not closed"),
    (r"another document", "a second document begins there, and LiteLLM reads only one"),
    (r"for merging", "only a mapping, or a list of mappings, can be merged"),
    (r"a block ", "the line does not fit those above it: look at quotes and spaces"),
)
# Of these, PyYAML names the end of the file.
_AT_THE_BEGINNING = re.compile(r"a quoted scalar|a flow |a simple key")
_TEMPLATE = re.compile(r"\{\{|\{%")
_MERGE = "tag:yaml.org,2002:merge"
_NO_SUCH_VALUE = "the value cannot be read as what it looks like; it may need quotes"


class _Reading:
    """What the two loaders below have in common."""

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep=deep)  # type: ignore[misc]
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            # PyYAML lets the errors of Python through: for a !!int, a number of 5,000 digits.
            raise yaml.MarkedYAMLError(None, None, _NO_SUCH_VALUE, node.start_mark) from None


class _Loader(_Reading, yaml.SafeLoader):
    """The loader that LiteLLM uses."""


class _FastLoader(_Reading, getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """The same in C: ten times as fast, but it says less of what is wrong."""


for _loader in (_Loader, _FastLoader):
    # A date stays as it is written: LiteLLM's API takes JSON, which has none.
    _loader.add_constructor("tag:yaml.org,2002:timestamp", _loader.construct_scalar)


def load(shown: str, data: bytes) -> Any:
    """The content of a file; ``None`` if it is empty.

    :param shown: The file's name for a message.
    :raises Refused: It is no YAML that LiteLLM can read, or has a key twice.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as err:
        line = data[: err.start].count(b"\n") + 1
        raise Refused(f"{shown} is not UTF-8 text, see line {line}: save it as UTF-8") from None
    if strange := Reader.NON_PRINTABLE.search(text):
        line = text.count("\n", 0, strange.start()) + 1
        reason = f"the character U+{ord(strange.group()):04X} cannot stand in YAML"
        raise Refused(f"{shown} cannot be read as YAML in line {line}: {reason}")
    try:
        try:
            return _loaded(shown, text, _FastLoader)
        except yaml.YAMLError:
            return _loaded(shown, text, _Loader)
    except yaml.MarkedYAMLError as err:
        line, reason = _explained(err, text)
        raise Refused(f"{shown} cannot be read as YAML in line {line}: {reason}") from None
    except (yaml.YAMLError, RecursionError):
        raise Refused(f"{shown} cannot be read as YAML: it is nested too deeply") from None


def _loaded(shown: str, text: str, loader_class: type[Any]) -> Any:
    loader = loader_class(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        _refuse_repeated_keys(shown, node)
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _refuse_repeated_keys(shown: str, top: yaml.Node) -> None:
    """Refuse a key that a mapping has twice: LiteLLM takes the last one and says nothing.

    A key that an anchor brings by ``<<`` as well is not repeated: its own value counts. So this
    looks at the nodes as they are written. PyYAML merges them when it makes values of them.
    """
    waiting, seen = [top], set()
    while waiting:
        node = waiting.pop()
        if id(node) in seen or isinstance(node, yaml.ScalarNode):
            continue
        seen.add(id(node))
        inside: list[yaml.Node] = list(node.value)
        lines: dict[tuple[str, str], int] = {}
        if isinstance(node, yaml.MappingNode):
            inside = [one for pair in node.value for one in pair]
            for key, _ in node.value:
                spelt, line = (key.tag, str(key.value)), key.start_mark.line + 1
                if spelt in lines and key.tag != _MERGE:
                    raise Refused(
                        f"{shown} cannot be read: the key {short(str(key.value))} stands twice, "
                        f"in line {line} and in line {lines[spelt]} before it"
                    )
                lines[spelt] = line
        waiting += reversed(inside)


def _explained(err: yaml.MarkedYAMLError, text: str) -> tuple[int, str]:
    """The line of an error, and what is wrong there if that is known."""
    said = f"{err.context} {err.problem}"
    mark = err.problem_mark or err.context_mark
    if err.context_mark is not None and _AT_THE_BEGINNING.search(said):
        mark = err.context_mark
    number = mark.line if mark else 0
    lines = text.splitlines()
    if number < len(lines) and _TEMPLATE.search(lines[number]):
        return number + 1, "a template stands there, and a source is not rendered"
    if err.problem == _NO_SUCH_VALUE:
        return number + 1, _NO_SUCH_VALUE
    reasons = (reason for words, reason in _REASONS if re.search(words, said))
    return number + 1, next(reasons, "that is no YAML")
