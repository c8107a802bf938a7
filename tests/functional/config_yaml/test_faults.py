"""A fault at each write of a document: what is said is so, and the next run does the rest."""

import itertools

import pytest

from .conftest import KEY

FAULTS = {
    "lost answer": {"lose_response": True},
    "never arrived": {"drop": True},
    "refused": {"status": 403, "json": {"error": {"message": "no"}}},
    "overload": {"status": 503, "json": {"error": {"message": "later"}}},
}
CREATED = ("created", "updated")


class Nth:
    """Whether a request is the nth write of a run, but for one that changes nothing."""

    def __init__(self, number):
        self.number, self.seen = number, 0

    def __call__(self, record):
        if record.method == "GET" or not record.json or record.path.startswith("/fallback/"):
            return False
        self.seen += 1
        return self.seen == self.number


def is_there(whole, kind, name):
    """Whether the gateway has an object as the document declares it, by plain requests."""
    if kind == "credentials":
        return name in whole.credentials()
    if kind == "models":
        return name in {row["model_name"] for row in whole.models()}
    if kind == "fallbacks":
        of, _, model = name.partition("/")
        return model in whole.rules()[of]
    return whole.settings(name)[name] in (4, 45)


@pytest.mark.long
@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_said_is_so_and_the_next_run_does_the_rest(
    managed,
    whole,
    recorded,
    document,
    call,
    fault,
    name,
    caplog,
):
    parts = ("credentials", "models", "fallbacks", "router_settings")
    for number in itertools.count(1):
        nth = Nth(number)
        recorded.fault(when=nth, times=1, **FAULTS[fault])
        found = call("manage", f"set-{name}", document=document())
        recorded.mend()
        whole_again = managed(document())
        assert (whole_again["result"], KEY in str([found, whole_again])) == (True, False)
        done = {
            (kind, one)
            for kind in parts
            for status in CREATED
            for one in found.get(kind, {}).get(status, ())
        }
        failed = {(kind, one) for kind in parts for one in found.get(kind, {}).get("failures", ())}
        later = {(kind, one) for kind, changes in whole_again["changes"].items() for one in changes}
        # What was said to be done is not done again, and what is done now was not said to be.
        assert not done & later, (fault, number, found, whole_again)
        assert all(is_there(whole, kind, one) for kind, one in done | later)
        assert managed(document())["changes"] == {}
        whole.empty()
        if nth.seen < number:
            assert not failed
            break
        if fault == "refused":
            assert failed, (fault, number)
    assert number > 6
    assert KEY not in caplog.text


def test_a_gateway_that_goes_away_in_the_middle(managed, whole, recorded, document):
    recorded.fault(when=lambda record: record.path == "/fallback", leave=60, times=1)
    result = managed(document())
    assert result["result"] is False
    assert result["comment"].startswith("1 credential was created. All 3 models were created. ")
    assert "router settings were not tried" in result["comment"] or not whole.has_settings()
    recorded.come_back()
    assert managed(document())["result"] is True
