"""A config.yaml is read with all that it includes, as LiteLLM reads it, or not at all."""

import pytest
import yaml

from saltext_litellm.config_yaml import source
from saltext_litellm.errors import InvalidInput, Refused

ROOT = "/etc/litellm/config.yaml"


def entry(name):
    return {"model_name": name, "litellm_params": {"model": "openai/x"}}


def config(*names, **more):
    return yaml.safe_dump({"model_list": [entry(name) for name in names], **more})


class Server:
    """Salt's file server, in a folder."""

    def __init__(self, folder):
        self.folder, self.asked = folder, []

    def write(self, **files):
        for name, text in files.items():
            path = self.folder / name.replace("__", "/").replace("_yaml", ".yaml")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def __call__(self, url):
        self.asked.append(url)
        path = self.folder / url.partition("://")[2].partition("?")[0]
        return str(path) if path.is_file() else ""

    def names(self, url):
        return [one["model_name"] for one in source.model_list(url, self)]

    def refused(self, url="salt://config.yaml"):
        with pytest.raises(Refused) as err:
            source.model_list(url, self)
        return str(err.value)


@pytest.fixture(params=["salt", "path"])
def where(request):
    return request.param


@pytest.fixture
def server(tmp_path):
    return Server(tmp_path)


@pytest.fixture
def place(server, where):
    """A file, as a path or as a URL."""
    return lambda name: f"salt://{name}" if where == "salt" else f"{server.folder}/{name}"


@pytest.fixture
def names(server, place):
    return lambda name="config.yaml": server.names(place(name))


def test_included_lists_are_joined_in_order(server, names):
    server.write(
        config_yaml=config("a", include=["one.yaml", "two.yaml"]),
        one_yaml=config("b", include=["three.yaml"]),
        two_yaml=config("c"),
        three_yaml=config("d"),
    )
    assert names() == ["a", "b", "c", "d"]


def test_a_file_may_have_only_an_include(server, names):
    server.write(config_yaml="include: [one.yaml]\n", one_yaml=config("a"))
    assert names() == ["a"]
    server.write(config_yaml="include: [one.yaml]\nmodel_list:\n")
    assert names() == ["a"]


def test_an_included_file_need_not_have_models(server, names):
    server.write(
        config_yaml=config("a", include=["settings.yaml", "none.yaml"]),
        settings_yaml="litellm_settings: {drop_params: true}\nmodel_list:\n",
        none_yaml="{}\n",
    )
    assert names() == ["a"]


def test_a_path_is_relative_to_the_file_that_has_it(server, names):
    server.write(
        config_yaml="include: [models/index.yaml]\n",
        models__index_yaml="include: [eu/a.yaml, ./b.yaml, ../c.yaml]\n",
        models__eu__a_yaml=config("a"),
        models__b_yaml=config("b"),
        c_yaml=config("c"),
    )
    assert names() == ["a", "b", "c"]


def test_else_it_is_relative_to_the_first_file(server, names):
    server.write(
        config_yaml="include: [models/index.yaml]\n",
        models__index_yaml="include: [a.yaml, models/b.yaml]\n",
        a_yaml=config("beside the first"),
        models__b_yaml=config("b"),
    )
    assert names() == ["beside the first", "b"]
    server.write(models__a_yaml=config("beside the other"))
    assert names() == ["beside the other", "b"]


def test_each_file_counts_once(server, names):
    server.write(
        config_yaml=config("a", include=["one.yaml", "./one.yaml", "two.yaml", "config.yaml"]),
        one_yaml=config("b", include=["two.yaml", "one.yaml", "config.yaml"]),
        two_yaml=config("c", include=["config.yaml", "one.yaml"]),
    )
    assert names() == ["a", "b", "c"]
    assert names("./config.yaml") == ["a", "b", "c"]


def test_a_hundred_files_deep(server, names):
    server.write(
        **{f"f{n}_yaml": config(f"m{n}", include=[f"f{n + 1}.yaml"]) for n in range(100)},
        f100_yaml=config("last"),
    )
    assert len(names("f0.yaml")) == 101


def test_what_never_ends_is_refused(server):
    """A link to its own folder makes ever longer names."""
    (server.folder / "any").write_text(config("a", include=["x/config.yaml"]))
    with pytest.raises(Refused, match="includes more than 1000 files"):
        source.model_list("salt://config.yaml", lambda _: str(server.folder / "any"))
    (server.folder / "x").symlink_to(".")
    server.write(config_yaml=config("a", include=["x/config.yaml"]))
    assert "cannot be read: Too many levels" in server.refused(f"{server.folder}/config.yaml")


def test_an_absolute_path_stays_one(server, names, tmp_path_factory):
    other = tmp_path_factory.mktemp("other") / "a.yaml"
    other.write_text(config("a", include=["b.yaml"]))
    (other.parent / "b.yaml").write_text(config("b"))
    server.write(config_yaml=f"include: [{other}]\n")
    assert names() == ["a", "b"]


def test_the_environment_goes_with_each_file(server):
    server.write(config_yaml=config("a", include=["x/one.yaml"]), x__one_yaml=config("b"))
    assert server.names("salt://config.yaml?saltenv=dev") == ["a", "b"]
    assert server.asked == [
        "salt://config.yaml?saltenv=dev",
        "salt://x/one.yaml?saltenv=dev",
    ]


@pytest.mark.parametrize(
    "url", ["https://u:hunter2@h.example/c.yaml?token=hunter2", "s3://h.example/c.yaml"]
)
def test_other_urls_have_includes_too(tmp_path, url):
    server = Server(tmp_path)
    login = "u:hunter2@" if "hunter2" in url else ""
    folder = server.folder / f"{login}h.example"
    folder.mkdir()
    (folder / "c.yaml").write_text(config("a", include=["d.yaml"]))
    said = server.refused(url)
    assert "h.example/d.yaml, which " in said
    assert "hunter2" not in said
    (folder / "d.yaml").write_text(config("b"))
    assert server.names(url) == ["a", "b"]
    (folder / "d.yaml").write_text("include: [../other/x.yaml]")
    assert "which leads out of its server" in server.refused(url)


def test_a_file_url_is_a_path(server):
    server.write(config_yaml=config("a", include=["b.yaml"]), b_yaml=config("b"))
    assert server.names(f"file://{server.folder}/config.yaml") == ["a", "b"]
    assert server.asked == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("include: one.yaml\n", "The include in {} must be a list of paths"),
        ("include:\n", "The include in {} must be a list of paths"),
        ("include: {a: b}\n", "The include in {} must be a list of paths"),
        ("include: [{a: b}]\n", "The include in {} must be a list of paths"),
        ("include: [5]\n", "The include in {} must be a list of paths"),
        ("model_list: {}\n", "The model_list in {} must be a list, not a mapping"),
        ("model_list: x\n", "The model_list in {} must be a list, not a string"),
        ("other: 1\n", "{} has no model_list"),
        ("model_list:\n", "{} has no model_list"),
        ("include: []\n", "{} has no model_list"),
        ("text\n", "{} must be a mapping, as a config.yaml is"),
        ("", "{} is empty, so it declares nothing"),
        ("# nothing\n", "{} is empty, so it declares nothing"),
        ("---\n", "{} is empty, so it declares nothing"),
        ("include: [s3://x.yaml]\n", "{} includes s3://x.yaml, but LiteLLM includes only paths"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_named(server, place, text, words):
    path = place("config.yaml")
    server.write(config_yaml=text)
    assert server.refused(path) == words.format(path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "There is no file {}, which {root} includes"),
        ("a: [1", "{} cannot be read as YAML in line 1: "),
        ("a: 1\na: 2\n", "{} cannot be read: the key a stands twice"),
        ("model_list: 5\n", "The model_list in {} must be a list, not a number"),
        ("- model_name: x\n", "{} must be a mapping, as a config.yaml is"),
        ("", "{} is empty, so it declares nothing"),
        ("include: x\n", "The include in {} must be a list of paths"),
        ("include: [gone.yaml]\n", "gone.yaml, which {} includes"),
        (b"a: \xe4", "{} is not UTF-8 text"),
    ],
)
def test_nothing_is_read_in_part(server, place, text, words):
    server.write(config_yaml=config("a", include=["good.yaml", "bad.yaml"]), good_yaml=config("b"))
    if text is not None:
        (server.folder / "bad.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    root = place("config.yaml")
    assert words.format(place("bad.yaml"), root=root) in server.refused(root)


def test_what_leads_out_of_the_file_server_is_refused(server):
    server.write(x__config_yaml="include: [../../etc/passwd]\n")
    assert server.refused("salt://x/config.yaml") == (
        "salt://x/config.yaml includes ../../etc/passwd, which leads out of its server"
    )


def test_only_what_is_taken_leads_somewhere(server):
    """The place beside the first file does not count where there is one beside the other."""
    server.write(
        config_yaml="include: [x/y/a.yaml]\n",
        x__y__a_yaml="include: [../b.yaml]\n",
        x__b_yaml=config("b"),
    )
    assert server.names("salt://config.yaml") == ["b"]


def test_a_file_that_is_only_a_list(server, names):
    server.write(config_yaml=yaml.safe_dump([entry("a")]))
    assert names() == ["a"]


@pytest.mark.parametrize("value", ["config.yaml", "./config.yaml", "sdb://x/y", "~/config.yaml"])
def test_source_is_a_url_or_an_absolute_path(server, value):
    with pytest.raises(InvalidInput, match="source must be a salt:// URL or an absolute path"):
        source.model_list(value, server)


def test_what_cannot_be_fetched_is_named(server):
    def failing(url):
        raise ConnectionError(f"the password hunter2 of {url}")

    with pytest.raises(Refused) as err:
        source.model_list("salt://config.yaml?saltenv=base", failing)
    assert str(err.value) == "salt://config.yaml cannot be fetched: ConnectionError"


def test_what_cannot_be_opened_is_named(server, place):
    (server.folder / "folder.yaml").mkdir()
    server.write(config_yaml="include: [folder.yaml]\n")
    told = server.refused(f"{server.folder}/config.yaml")
    assert told == f"{server.folder}/folder.yaml cannot be read: Is a directory"
    server.write(config_yaml='include: ["a\\0b"]\n')
    assert "cannot be read: ValueError" in server.refused(f"{server.folder}/config.yaml")


def test_what_was_looked_for_is_told(server):
    server.write(config_yaml=config("a", include=["one.yaml", "gone.yaml"]), one_yaml=config("b"))
    tried: list[str] = []
    with pytest.raises(Refused):
        source.read("salt://config.yaml", server, tried)
    assert tried == ["salt://config.yaml", "salt://one.yaml", "salt://gone.yaml"]


def test_of_what_is_no_list_the_last_file_counts_whole(server):
    server.write(
        config_yaml=yaml.safe_dump(
            {
                "include": ["one.yaml", "two.yaml"],
                "router_settings": {"num_retries": 1, "timeout": 5},
                "litellm_settings": {"drop_params": True},
                "credential_list": [{"credential_name": "a"}],
            }
        ),
        one_yaml="router_settings: {num_retries: 2}\ncredential_list: [{credential_name: b}]\n",
        two_yaml="litellm_settings:\ncredential_list:\n",
    )
    assert source.read("salt://config.yaml", server) == {
        "router_settings": {"num_retries": 2},
        "litellm_settings": {"drop_params": True},
        "credential_list": [{"credential_name": "a"}, {"credential_name": "b"}],
    }


def test_a_list_of_credentials_is_a_list(server, place):
    server.write(config_yaml="credential_list: {a: 1}\n")
    assert server.refused(place("config.yaml")) == (
        f"The credential_list in {place('config.yaml')} must be a list, not a mapping"
    )
