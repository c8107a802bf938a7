"""Which states of a run would still write the file that a state reads."""

import pytest

from saltext_litellm.adapter.requisites import Run, writers

PATH = "/etc/litellm/config.yaml"
PENDING = {"result": None, "changes": {"newfile": PATH}}
DONE = {"result": True, "changes": {}}


def chunk(state, fun, name, **more):
    return {"state": state, "fun": fun, "name": name, "__id__": name, "__sls__": "x", **more}


def found(other, result=PENDING, paths=(PATH,), **requisites):
    low = chunk("litellm_model", "managed", "proxy", **requisites)
    tag = "_|-".join(other[key] for key in ("state", "__id__", "name", "fun"))
    return writers(Run(low, [other, low], {tag: result} if result else {}), lambda: paths)


FILE = chunk("file", "managed", PATH)
COMMAND = chunk("cmd", "run", "render")


@pytest.mark.parametrize(
    "other",
    [
        FILE,
        chunk("file", "symlink", PATH, target="/srv/x"),
        chunk("file", "append", "/etc/litellm//config.yaml"),
        chunk("file", "recurse", "/etc/litellm"),
        chunk("file", "recurse", "/etc/litellm/"),
        chunk("file", "absent", "/etc/litellm"),
        chunk("file", "directory", "/etc/litellm", clean=True),
        chunk("git", "latest", "https://git.example/x.git", target="/etc/litellm"),
        chunk("archive", "extracted", "/etc/litellm"),
        chunk("cmd", "run", "render", creates=PATH),
        chunk("cmd", "run", "render", creates=["/x", PATH]),
        chunk("cmd", "run", f"render > {PATH}"),
        chunk("cmd", "run", f"render --out={PATH}"),
        chunk("cmd", "run", "render", cwd="/etc/litellm"),
        chunk("cmd", "run", "render", unless=f"test -e {PATH}"),
        chunk("module", "run", "x", **{"file.write": [{"path": PATH}, {"args": ["a"]}]}),
    ],
)
def test_a_state_that_names_the_file_or_a_folder_above(other):
    assert found(other) == [f"{other['state']}: {other['name']}"]
    assert found(other, {"result": True, "changes": {"x": 1}})
    assert found(other, DONE) == []
    assert found(other, {"result": False, "changes": {}}) == []
    assert found(other, None) == []  # it comes later


@pytest.mark.parametrize(
    "other",
    [
        chunk("file", "managed", "/etc/litellm/other.yaml"),
        chunk("file", "managed", "/etc/litellm/config.yaml.d/x"),
        chunk("file", "managed", "/etc/lite"),
        chunk("file", "directory", "/etc/litellm"),
        chunk("file", "managed", "/etc/unit", contents=f"run --config {PATH}", source=PATH),
        chunk("cmd", "run", "true", cwd="/"),
        chunk("cmd", "run", "true", require=[{"file": PATH}], onlyif=f"test -e {PATH}"),
        chunk("pkg", "installed", "litellm"),
        chunk("litellm_model", "present", PATH),
    ],
)
def test_a_state_that_does_not(other):
    assert found(other) == []


@pytest.mark.parametrize(
    "requisite",
    ["require", "require_any", "watch", "watch_any", "onchanges", "onchanges_any", "listen"],
)
@pytest.mark.parametrize("entry", [{"cmd": "render"}, {"cmd": "rend*"}, "render", {"sls": "x"}])
def test_a_requisite_with_changes(requisite, entry):
    assert found(COMMAND, **{requisite: [entry]}) == ["cmd: render"]
    assert found(COMMAND, DONE, **{requisite: [entry]}) == []
    assert found(COMMAND, **{requisite: [{"cmd": "other"}, {"pkg": "render"}, "none"]}) == []


def test_a_requisite_of_which_is_known_what_it_writes():
    other = chunk("file", "managed", "/etc/other")
    assert found(other, require=[{"file": "/etc/other"}]) == []
    ours = chunk("litellm_model", "present", "gpt")
    assert found(ours, require=[{"litellm_model": "gpt"}]) == []


def test_a_requisite_by_its_id():
    other = chunk("cmd", "run", "render --all") | {"__id__": "rendered"}
    assert found(other, require=[{"cmd": "rendered"}]) == ["cmd: rendered"]


def test_a_state_that_waits_for_the_forecast():
    """With `prereq` it runs after the forecast, and before what is forecast."""
    before = {**FILE, "prereq": [{"litellm_model": "proxy"}]}
    assert found(before, None, __prereq__=True) == [f"file: {PATH}"]
    assert found(before, None) == []
    assert found(FILE, None, __prereq__=True) == []
    stop = chunk("service", "dead", "x", prereq=[{"litellm_model": "proxy"}])
    assert found(stop, None, __prereq__=True) == []


def test_no_file_is_looked_for_if_nothing_would_change():
    low = chunk("litellm_model", "managed", "proxy")
    done = {"_|-".join((FILE["state"], PATH, PATH, "managed")): DONE}
    assert writers(Run(low, [FILE, low], done), lambda: pytest.fail("it was looked for")) == []


def test_each_of_the_files_counts():
    assert found(FILE, paths=("/x", PATH))
    assert found(FILE, paths=("/x",)) == []
    assert found(FILE, paths=()) == []
