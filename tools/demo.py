"""Shows the main job as a user does it: two gateways, one SLS and salt-call.

It prints every command before it runs it, so you can read it like a tutorial. ``make demo`` runs
it. It fails if a command does not do what it should.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from tests.support.gateway import Gateway, running_gateway
from tests.support.processes import tell_what_is_done
from tools.command import run_tool

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"


def say(text: str) -> None:
    print(f"\n\033[1m# {text}\033[0m" if sys.stdout.isatty() else f"\n# {text}", flush=True)


def run(command: str, directory: Path, environment: dict[str, str], expected: str) -> None:
    """Print a command, run it, print its output, and check that it has the expected text."""
    print("$", command, flush=True)
    words = shlex.split(command)
    if words[0] == "salt-call" and sys.stdout.isatty():  # as Salt itself would print it here
        words.insert(1, "--force-color")
    done = subprocess.run(
        words,
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    print(done.stdout + done.stderr, flush=True)
    if done.returncode or expected not in done.stdout:
        raise SystemExit(f"This should have said {expected!r}.")


def show(dev: Gateway, prod: Gateway, directory: Path) -> None:
    """Show the job itself, in a directory that has the examples."""
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "LITELLM_DEV_URL": dev.url,
        "LITELLM_DEV_KEY": dev.key,
        "LITELLM_PROD_URL": prod.url,
        "LITELLM_PROD_KEY": prod.key,
    }

    def shell(command: str, expected: str) -> None:
        run(command, directory, environment, expected)

    def salt(minion: str, call: str, expected: str) -> None:
        shell(f"salt-call --local --config-dir=examples --id={minion} {call}", expected)

    say("Two gateways are running, without a single model. One SLS file declares two models:")
    shell("cat examples/states/models.sls", "litellm_model.present")
    say("What would change on dev? Nothing is written.")
    salt("dev", "state.apply models test=True", "gpt-4-proxy would be created")
    say("Apply it.")
    salt("dev", "state.apply models", "gpt-4-proxy was created")
    say("Apply it again: nothing to do, and one request to the gateway.")
    salt("dev", "state.apply models", "gpt-4-proxy is as declared")
    say("A changed rate limit changes that and nothing else.")
    salt("dev", "state.apply models pillar='{rpm: 200}'", "gpt-4-proxy was updated")
    say("The same SLS on prod: another pillar, so another gateway, other keys, other limits.")
    salt("prod", "state.apply models", "gpt-4-proxy was created")
    salt("prod", "litellm_model.list", "owner")
    question = {"model": "hello", "messages": [{"role": "user", "content": "Hello?"}]}
    say("The new model on dev answers a chat completion:")
    print(f"POST {dev.url}/chat/completions {json.dumps(question)}", flush=True)
    answer = dev.request("POST", "/chat/completions", json=question, timeout=60)
    answer.raise_for_status()
    print(answer.json()["choices"][0]["message"]["content"])
    say("Take both away again.")
    shell("cat examples/states/retired.sls", "litellm_model.absent")
    salt("dev", "state.apply retired", "hello was deleted")


def main() -> None:
    """Start both gateways at once, show the job, and stop them."""
    tell_what_is_done()
    say("Setting up two real LiteLLM gateways, dev and prod (the first time: three minutes)")
    with ExitStack() as stack, tempfile.TemporaryDirectory(prefix="litellm-demo-") as directory:
        with ThreadPoolExecutor() as pool:
            gateways = [pool.submit(stack.enter_context, running_gateway()) for _ in range(2)]
        dev, prod = (started.result() for started in gateways)
        shutil.copytree(EXAMPLES, Path(directory, "examples"))
        show(dev, prod, Path(directory))
    say("Done. The gateways are stopped, and nothing is left behind.")


if __name__ == "__main__":
    run_tool(main)
