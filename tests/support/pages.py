"""Reads the pages of docs as files and commands, and runs the commands."""

from __future__ import annotations

import gc
import logging
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import salt.cli.call
import salt.scripts

_FRESH = "% Another gateway."
_BLOCK = re.compile(
    rf"^(?:{re.escape(_FRESH)}|```(?P<kind>[^\n]*)\n(?P<text>.*?)^```)$", re.DOTALL | re.MULTILINE
)
_CAPTION = re.compile(r":caption: (?P<added>added to )?(?P<path>/\S+)\n+")
_ELLIPSIS = "…"
_EXAMPLE = "https://litellm.example.com"
_GATEWAY = re.compile(r"https://litellm[\w-]*\.example\.com")
_BINARIES = Path(sys.executable).parent
# Blocks that are neither a file nor a command.
_BESIDE = ("hcl", "text", "yaml", "{toctree}", "{index}")


@dataclass(frozen=True)
class File:
    """A file that the reader writes, or adds to."""

    path: str
    text: str
    added: bool


@dataclass(frozen=True)
class Command:
    """A command that the reader runs, and the output that the page shows."""

    line: str
    shown: str


@dataclass(frozen=True)
class Fresh:
    """From here on, the page is about another gateway."""


def blocks(page: Path) -> Iterator[File | Command | Fresh]:
    """The files and commands of a page, in their order."""
    for match in _BLOCK.finditer(page.read_text(encoding="utf-8")):
        kind, text = match["kind"], match["text"]
        if kind is None:
            yield Fresh()
        elif kind.startswith(("{code-block}", "{literalinclude}")):
            caption = _CAPTION.match(text)
            assert caption, f"{page.name}: a file without a path in its caption: {kind} {text}"
            shown, included = text[caption.end() :], kind.partition("{literalinclude}")[2].strip()
            if included:
                shown = (page.parent / included).read_text(encoding="utf-8")
            yield File(caption["path"], shown, bool(caption["added"]))
        elif kind == "console":
            yield from _commands(text)
        else:
            assert kind.startswith(_BESIDE), f"{page.name}: a block of the unknown kind {kind!r}"


def _commands(text: str) -> Iterator[Command]:
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        line, _, shown = part.replace("\\\n", "").partition("\n")
        yield Command(line, shown)


def timeless(text: str) -> str:
    """The output, without what differs from run to run."""
    text = re.sub(r"\d\d:\d\d:\d\d\.\d+", "TIME", text)
    text = re.sub(r"\s+[\d.]+ m?s$", " DURATION", text, flags=re.MULTILINE)
    return "\n".join(line.rstrip() for line in text.strip().splitlines()) + "\n"


def is_shown(shown: str, printed: str) -> bool:
    """Whether the output is as the page shows it.

    A line with only an ellipsis stands for any lines. An ellipsis at the end of a line stands for
    the rest of the line.
    """
    pattern = "".join(
        r"(?:.*\n)*?" if line == f"{_ELLIPSIS}\n" else _pattern(line)
        for line in timeless(shown).splitlines(keepends=True)
    )
    return re.fullmatch(pattern, timeless(printed)) is not None


def _pattern(line: str) -> str:
    return re.escape(line).replace(_ELLIPSIS, ".*")


class Machine:
    """The reader's machine: a minion without a master, with its own /srv and /etc in a folder.

    :param url: The URL of the gateway, which replaces the one on the pages.
    :param others: URLs of other gateways, by the URLs on the pages that they replace.
    """

    def __init__(self, root: Path, url: str, others: Mapping[str, str] | None = None) -> None:
        self.root, self.url, self._others = root, url, others or {}
        self._exported: dict[str, str] = {}
        self.config = root / "etc/salt"
        (self.config / "minion.d").mkdir(parents=True)
        (root / "srv/salt").mkdir(parents=True)
        (self.config / "minion").write_text(
            f"root_dir: {root}/var\nid: minion\nfile_client: local\n"
            "grains_cache: True\n"  # to collect grains takes longer than a state run
            f"file_roots: {{base: [{root}/srv/salt]}}\n"
            f"pillar_roots: {{base: [{root}/srv/pillar]}}\n"
        )
        programs = root / "programs"
        programs.mkdir()
        self.path = f"{programs}:{_BINARIES}:{os.environ['PATH']}"
        (programs / "salt-call").write_text(
            f'#!/bin/sh\nexec {_BINARIES}/salt-call --config-dir={self.config} "$@"\n'
        )
        (programs / "salt-call").chmod(0o755)

    def here(self, text: str) -> str:
        """A text in which the page's gateway and folders are replaced by those of this machine."""
        text = _GATEWAY.sub(lambda found: self._others.get(found[0], self.url), text)
        return re.sub(r"(?<![\w.}])/(srv|etc)/", rf"{self.root}/\1/", text)

    def write(self, file: File) -> None:
        """Write a file of a page, or add to it."""
        path = self.root / file.path.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        before = path.read_text(encoding="utf-8") if file.added else ""
        path.write_text(before + self.here(file.text), encoding="utf-8")

    def run(self, line: str) -> tuple[int, str]:
        """Run a command of a page. Returns its exit code and its output, in the page's words.

        What it exports, the next commands have in their environment.
        """
        if line.startswith("export "):
            name = line.removeprefix("export ").partition("=")[0]
            code, printed = self._run(f'{self.here(line)} && printf %s "${name}"')
            self._exported[name] = printed
            return code, ""
        code, printed = self._run(self.here(line))
        return code, printed.replace(str(self.root), "").replace(self.url, _EXAMPLE)

    def _run(self, line: str) -> tuple[int, str]:
        if line.startswith("salt-call ") and not re.search(r"[|;&><$`]", line):
            return self._salt_call(shlex.split(line)[1:])
        done = subprocess.run(
            ["sh", "-c", line],
            cwd=self.root,
            env={**os.environ, **self._exported, "PATH": self.path},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        return done.returncode, done.stdout

    def _salt_call(self, arguments: list[str]) -> tuple[int, str]:
        """Run `salt-call` in a fork of this process: to import Salt takes longer than to run.

        So this file imports what `salt-call` does when it begins.
        """
        printed = self.root / "printed"
        child = os.fork()
        if child == 0:
            self._be_salt_call(printed, arguments)
        _, status = os.waitpid(child, 0)
        return os.waitstatus_to_exitcode(status), printed.read_text(encoding="utf-8")

    def _be_salt_call(self, printed: Path, arguments: list[str]) -> None:
        code: Any = 1
        gc.freeze()  # else a collection would walk through, and so copy, all that the parent has
        try:
            output = os.open(printed, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            os.dup2(output, 1)
            os.dup2(output, 2)
            sys.stdout = os.fdopen(1, "w", encoding="utf-8")
            sys.stderr = os.fdopen(2, "w", encoding="utf-8")
            os.chdir(self.root)
            os.environ.update(self._exported)
            if "-l" in arguments:  # then the page shows what is logged
                logging.disable(logging.NOTSET)
            sys.argv = ["salt-call", f"--config-dir={self.config}", *arguments]
            salt.scripts.salt_call()
            code = 0
        except SystemExit as err:
            code = err.code
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code if isinstance(code, int) else bool(code))
