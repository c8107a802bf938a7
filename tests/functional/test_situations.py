"""The situations in docs, made on a real gateway: what Salt prints is what they show.

`UPDATE_DOCS=1 pytest tests/functional/test_situations.py` writes what is printed into the pages. A
situation without an SLS has that of the first one. `Changes: …` stands for any changes, and an
ellipsis among the changes for any lines of them.
"""

import itertools
import os
import re

import pytest
import salt.output
from salt.version import __saltstack_version__ as salt_version

from tests.conftest import REPO_ROOT
from tests.support import certificates
from tests.support.install import DEFAULT_VERSION
from tests.support.recorder import Recorder

from .conftest import Api, make_loaders

PAGES = [REPO_ROOT / f"docs/{name}.md" for name in ("situations", "more-situations")]
SECTION = re.compile(
    r"^## (?P<title>[^\n]*)\n(?:(?!^## ).)*?(?:```(?:yaml|sls)\n(?P<sls>.*?)```\n\n)?"
    r"```text\n(?P<shown>.*?)```",
    re.DOTALL | re.MULTILINE,
)
ANY_CHANGES = "     Changes: …\n"
SOME = "              …\n"


def sections(page):
    return {match["title"]: match for match in SECTION.finditer(page.read_text())}


SITUATIONS = {title: match for page in PAGES for title, match in sections(page).items()}
ONE = SITUATIONS["A model is made"]["sls"]
SET = SITUATIONS["A set owns more than it declares"]["sls"]
WITH_SPARE = """
production:
  litellm_model.managed:
    - defaults: {custom_llm_provider: openai}
    - models:
        chat: {base_model: gpt-4, rpm: 100}
        small: {base_model: gpt-4o-mini}
        spare: {base_model: gpt-4}
"""
SPARE = """
production:
  litellm_model.managed:
    - models: {spare: {custom_llm_provider: openai, base_model: gpt-4}}
"""
# What was applied before.
BEFORE = {
    "There is nothing to do": ONE,
    "What would be changed": ONE,
    "A key is rotated": ONE,
    "Somebody has written another key": ONE,
    "You drop a setting": ONE,
    "Another state has the model name": ONE,
    "Absent, but another owner's": SET,
    "A model of a set fails": SPARE,
    "A set owns more than it declares": WITH_SPARE,
    "A set is pruned": WITH_SPARE,
}
SALT, LITELLM = 3008, "1.106.2"  # whose output the page shows
KEY, FORMER_KEY = "sk-the-key-of-openai", "sk-the-key-before"
OUT_OF_REACH = "http://127.0.0.1:1"  # nobody listens there


@pytest.fixture
def gateway(configured_gateway):
    return configured_gateway


@pytest.fixture
def api(gateway):
    """The API; deletes every row of the database."""
    api = Api(gateway)
    yield api
    for row in api.rows():
        if row["model_info"]["db_model"]:
            api.delete(row["model_info"]["id"])


@pytest.fixture
def tls(gateway, tmp_path):
    authority = certificates.make(tmp_path, "authority")
    own = certificates.make(tmp_path, "gateway", signed_by=authority, hosts=("127.0.0.1",))
    with Recorder(gateway.url, tls=own.server()) as server:
        yield server


@pytest.fixture
def apply(gateway, recorder, tls, tmp_path):
    """Apply the text of an SLS, with the profiles of the page; returns what Salt prints."""
    own = {"url": recorder.url, "api_key": gateway.key, "retries": 0}
    profiles = {
        "litellm": own,
        "wrong-key": {**own, "api_key": "sk-wrong"},
        "out-of-reach": {**own, "url": OUT_OF_REACH},
        "own-ca": {**own, "url": tls.url},
    }

    runs = itertools.count()

    def applied(sls, test=False, key=KEY):
        root = tmp_path / f"salt-{next(runs)}"
        root.mkdir()
        loaders = make_loaders(root, {**profiles, "keys": {"openai": key}}, test=test)
        returned = loaders.modules.state.template_str(sls)
        opts = {**loaders.opts, "color": False, "state_output": "full", "state_verbose": True}
        return salt.output.out_format({"local": returned.raw}, "highstate", opts)

    return applied


def by_hand(title, api, recorder):
    """What somebody has done before, and what the gateway is made to do."""
    ui = {"id": "made-in-the-ui"}
    if "from the UI" in title:
        api.create("gpt-4", {"api_key": "sk-of-the-ui", "rpm": 50}, ui)
    elif title == "Several models have the name":
        api.create("gpt-4", info=ui)
        api.create("gpt-4", {"model": "azure/gpt-4"}, {"id": "made-later"})
    elif title == "Somebody has written another key":
        model_id = api.one("gpt-4")["model_info"]["id"]
        api.patch(model_id, litellm_params={"api_key": "sk-of-somebody"})
    elif title == "A model of a set fails":
        recorder.fault(
            path="/model/new",
            when=lambda record: record.json["model_name"] == "small",
            status=400,
            json={"error": {"message": "no more models today"}},
        )


def printed(text, *urls):
    """What is said of a state, without what differs from run to run."""
    for url in urls:
        text = text.replace(url, "https://litellm.example.com")
    text = re.sub(r"^ +(Started|Duration): .*\n", "", text, flags=re.MULTILINE)
    text = text.partition("----------\n")[2].partition("\nSummary for local")[0]
    return "".join(f"{line.rstrip()}\n" for line in text.strip("\n").splitlines())


@pytest.mark.skipif(
    salt_version.info[0] < SALT or DEFAULT_VERSION != LITELLM,
    reason="the page shows what other versions print",
)
@pytest.mark.parametrize("title", SITUATIONS)
def test_what_salt_prints(title, api, recorder, tls, apply):
    sls = SITUATIONS[title]["sls"] or ONE
    if title in BEFORE:
        apply(BEFORE[title], key=FORMER_KEY if title == "A key is rotated" else KEY)
    by_hand(title, api, recorder)
    text = apply(sls, test="would" in title)
    shown = printed(text, recorder.url, tls.url, OUT_OF_REACH)
    assert "sk-" not in shown
    on_page = SITUATIONS[title]["shown"].splitlines(keepends=True)
    if ANY_CHANGES in on_page:
        shown = re.sub(r"     Changes:\n( {14}.*\n)+", ANY_CHANGES, shown)
    if SOME in on_page:
        parts = map(re.escape, SITUATIONS[title]["shown"].split(SOME))
        if re.fullmatch(r"( {14}.*\n)+?".join(parts), shown):
            shown = SITUATIONS[title]["shown"]
    if os.environ.get("UPDATE_DOCS"):
        (page,) = [page for page in PAGES if title in sections(page)]
        text = page.read_text()
        start, end = sections(page)[title].span("shown")
        page.write_text(text[:start] + shown + text[end:])
    else:
        assert shown == SITUATIONS[title]["shown"]
