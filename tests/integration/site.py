"""The master and the minion of a page of docs/howto, with the files that the page shows."""

import os
import re
import subprocess
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import salt.utils.event
import salt.utils.yaml
from saltfactories.utils import random_string

from tests.conftest import REPO_ROOT
from tests.functional.conftest import Api
from tests.support.pages import Command, File, blocks, is_shown

from .conftest import beside

MINION = "gateway-admin"  # as the pages call it
GATEWAY = re.compile(r"https://litellm(?:-(?P<name>[\w-]+))?\.example\.com")
PROBE = "salt/beacon/probe/litellm/probe"


class Site:
    """A running master and its minion."""

    def __init__(self, master, minion, here):
        self.master, self.minion = master, minion
        self._here = here

    def run(self, line):
        """Run a command of a page; returns its exit code and what it prints."""
        done = subprocess.run(
            self._command(line), capture_output=True, text=True, check=False, timeout=300
        )
        return done.returncode, done.stdout

    def follow(self, blocks):
        """Run the commands among the blocks of a page, which must print what is shown."""
        for block in blocks:
            if isinstance(block, Command):
                code, printed = self.run(block.line)
                assert code == 0, f"$ {block.line}\n{printed}"
                assert is_shown(block.shown, printed), f"$ {block.line}\n{printed}"

    def _command(self, line):
        line = self._here(line)
        if line.startswith(("salt ", "salt-run ")):
            return beside(self.master, line)
        return ["sh", "-c", line]

    @contextmanager
    def watching(self, line):
        """Run a command of a page that prints events; yields what returns the lines so far."""
        folder = Path(self.master.config["root_dir"])
        with (folder / "events").open("w+") as printed:
            environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
            process = subprocess.Popen(self._command(line), stdout=printed, env=environment)
            try:
                while PROBE not in (folder / "events").read_text():
                    assert process.poll() is None
                    with salt.utils.event.get_master_event(
                        self.master.config, self.master.config["sock_dir"], listen=False
                    ) as bus:
                        bus.fire_event({}, PROBE)
                    time.sleep(0.5)
                yield lambda: [
                    each
                    for each in (folder / "events").read_text().splitlines(keepends=True)
                    if PROBE not in each
                ]
            finally:
                process.terminate()
                process.wait()


FOLDER = REPO_ROOT / "docs/howto"
ENVIRONMENTS = ("dev", "prod")  # of the pages about two gateways


@contextmanager
def running_page(factories, gateway, second_gateway, name):
    """Run the daemons of a page about dev and prod, whose models are deleted at the end.

    Yields the site, the page, and what returns the limit of the model on each gateway.
    """
    gateways = {"dev": gateway, "prod": second_gateway, None: gateway}
    keys = {f"LITELLM_{one.upper()}_KEY": gateways[one].key for one in ENVIRONMENTS}
    keys["OPENAI_API_KEY"] = "sk-openai-0123456789"
    page = list(blocks(FOLDER / name))
    files = [one for one in (*blocks(FOLDER / "index.md"), *page) if isinstance(one, File)]

    def limits():
        rows = {one: Api(gateways[one]).one("gpt-4o") for one in ENVIRONMENTS}
        return {one: row["litellm_params"]["rpm"] for one, row in rows.items()}

    try:
        with running(factories, files, gateways, keys) as site:
            yield site, page, limits
    finally:
        for one in ENVIRONMENTS:
            for row in Api(gateways[one]).named("gpt-4o"):
                Api(gateways[one]).delete(row["model_info"]["id"])


@contextmanager
def running(factories, files, gateways, environment, replaced=None, **settings):
    """Run a master and the minion of a page.

    :param files: The `File` blocks of the page.
    :param gateways: By the names in the page's URLs; `None` is that of the URL without one.
    :param environment: What the minion has in its environment.
    :param replaced: Texts of the page that are others here, such as how often a thing is done.
    :param settings: Settings of the minion beside those of the page.
    """

    def here(text):
        for old, new in (replaced or {}).items():
            text = text.replace(old, new)
        return GATEWAY.sub(lambda found: gateways[found["name"]].url, text)

    def configuration(daemon):
        path = f"/etc/salt/{daemon}.d/litellm.conf"
        return salt.utils.yaml.safe_load(here(texts.pop(path, "{}")))

    texts = {file.path: file.text for file in files}
    master = factories.salt_master_daemon(
        random_string("master-"), overrides=configuration("master")
    )
    # Salt counts the interval of a beacon in loops, which take a second at least. With the 0.05 s
    # of the factories, an interval of 2 s would take 40 s.
    minion = master.salt_minion_daemon(
        MINION, overrides={"loop_interval": 1, **configuration("minion"), **settings}
    )
    minion.environ = {**os.environ, **environment}
    trees = {"/srv/salt": master.state_tree, "/srv/pillar": master.pillar_tree}
    with ExitStack() as stack:
        for path, text in texts.items():
            folder, _, file = path.rpartition("/")
            stack.enter_context(trees[folder].base.temp_file(file, here(text)))
        stack.enter_context(master.started())
        stack.enter_context(minion.started())
        yield Site(master, minion, here)
