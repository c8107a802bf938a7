"""Salt as users run it: `salt-call` in a process of its own, and daemons."""

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPO_ROOT

SALT_CALL = str(Path(sys.executable).with_name("salt-call"))
UV = Path(sys.executable).with_name("uv")


def installing(*arguments):
    """Run uv, with the system's certificates and no Python of its own."""
    environment = {**os.environ, "UV_PYTHON_DOWNLOADS": "never"}
    command = [UV, "--quiet", "--system-certs", *arguments]
    subprocess.run([str(word) for word in command], env=environment, check=True)


@pytest.fixture(scope="session")
def copied():
    """Copies the files of the repository, without git, into a folder, and returns the folder."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=REPO_ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    def copy(folder):
        for name in filter(lambda one: (REPO_ROOT / one).is_file(), listed.stdout.splitlines()):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPO_ROOT / name, folder / name)
        return folder

    return copy


def beside(master, line):
    """A command of a page, `salt` or `salt-run`, as it is run beside a master of the tests."""
    program, *arguments = shlex.split(line)
    assert program in ("salt", "salt-run"), line
    waiting = ["--timeout=60"] if program == "salt" else []
    path = Path(sys.executable).with_name(program)
    return [path, f"--config-dir={master.config_dir}", *waiting, *arguments]


def printed_beside(master, line):
    """What a command of a page prints that succeeds."""
    done = subprocess.run(
        beside(master, line), capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


class SaltCall:
    """`salt-call --local` with a configuration, pillar and states of its own."""

    def __init__(self, root):
        self.root = root
        self.environment = dict(os.environ)
        for folder in ("states", "pillar"):
            (root / folder).mkdir()
        self.configure()

    def configure(self, more=""):
        (self.root / "minion").write_text(
            f"root_dir: {self.root}\nid: minion\nfile_client: local\n"
            "grains_cache: True\n"  # to collect grains takes longer than a state run
            f"file_roots: {{base: [{self.root}/states]}}\n"
            f"pillar_roots: {{base: [{self.root}/pillar]}}\n{more}"
        )

    def pillar(self, data):
        """Pillar as JSON, which is YAML."""
        (self.root / "pillar/top.sls").write_text("base: {'*': [data]}")
        (self.root / "pillar/data.sls").write_text(json.dumps(data))

    def states(self, name, text):
        (self.root / f"states/{name}.sls").write_text(text)

    def start(self, *arguments):
        """The running process, in a session of its own."""
        return subprocess.Popen(
            self._command(arguments),
            env=self.environment,
            cwd=REPO_ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _command(self, arguments):
        return [SALT_CALL, "--local", f"--config-dir={self.root}", *arguments]

    def run(self, *arguments):
        """The finished process."""
        return subprocess.run(
            self._command(arguments),
            env=self.environment,
            cwd=REPO_ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def __call__(self, *arguments):
        """What a call returns."""
        done = self.run("--out=json", *arguments)
        assert done.stdout, done.stderr
        return json.loads(done.stdout)["local"]

    def apply(self, name, *arguments):
        """The results of a state run, in order."""
        returned = self("state.apply", name, *arguments)
        assert isinstance(returned, dict), returned
        return sorted(returned.values(), key=lambda result: result["__run_num__"])


@pytest.fixture
def salt_call(tmp_path):
    return SaltCall(tmp_path)
