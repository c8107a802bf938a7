"""Credentials on a model of LiteLLM: when it is looked closer, and what must not be deleted."""

from types import SimpleNamespace

import pytest

from saltext_litellm.credentials.credentials import Credentials
from saltext_litellm.errors import GatewayError, Refused, WrongGateway
from saltext_litellm.models.versions import by_version
from saltext_litellm.objects.marker import KEY, Marker
from saltext_litellm.objects.outcome import Options
from tests.support.build import FINGERPRINTER, credential, model_row
from tests.support.credential_cluster import CredentialCluster

SECRET, NEXT = "sk-0123456789", "sk-9876543210"
OLD, NEW = "1.83.14", "1.106.2"
NOT_REFRESHED = "LiteLLM may not have shown what was changed in the last half minute"


class Models:
    """What credentials ask of the models of a gateway.

    :ivar using: The names of the models that name a credential, by its name.
    """

    def __init__(self, client, version, using):
        self._client, self._using = client, using
        self.versions = SimpleNamespace(of_version=lambda: by_version(version))
        self.reloads = 0

    def reload_worker(self):
        self.reloads += 1
        return self._client.refresh()

    def naming(self, name, **_):
        return [model_row(f"id-{one}", model_name=one) for one in self._using.get(name, ())]


class Gateway:
    """A gateway with one worker, or with another one that has not read the database."""

    def __init__(self, version=NEW, workers=1, config=(), using=None):
        self.cluster = CredentialCluster(version, workers, config)
        self._version, self._using = version, using or {}

    def credentials(self, worker=0, names=()):
        client = self.cluster.client(worker)
        self.models = Models(client, self._version, self._using)
        return Credentials(client, self.models, FINGERPRINTER, names)

    def apply(self, *wanted, worker=0, names=(), **options):
        return self.credentials(worker, names).apply(wanted, Options(**options))

    def stored(self):
        return {name: row["credential_values"] for name, row in self.cluster.table.items()}

    def written_by_hand(self, name, values, info=None):
        body = {"credential_name": name, "credential_values": values}
        self.cluster.client().create({**body, "credential_info": info or {}})


@pytest.fixture(params=[OLD, NEW, "1.110.2"])
def gateway(request):
    return Gateway(request.param)


def wanted(name="a", values=None, **more):
    tree = {"credential_values": {"api_key": SECRET} if values is None else values}
    return credential(name, tree, **more)


def told(outcomes):
    return {one.name: one.status for one in outcomes}


# ---------------------------------------------------------------- as declared


def test_a_credential_is_made_changed_and_then_as_declared(gateway):
    assert told(gateway.apply(wanted())) == {"a": "created"}
    assert told(gateway.apply(wanted())) == {"a": "as_declared"}
    assert told(gateway.apply(wanted(values={"api_key": NEXT}))) == {"a": "updated"}
    assert gateway.stored() == {"a": {"api_key": NEXT}}
    # A change replaces the marker, so that is read anew before, where LiteLLM can.
    assert gateway.models.reloads == (gateway.cluster.version != OLD)


def test_a_value_goes_where_litellm_deletes_it_or_the_credential_is_made_anew(gateway):
    gateway.apply(wanted(values={"api_key": SECRET, "region": "eu"}))
    (outcome,) = gateway.apply(wanted())
    assert (outcome.status, outcome.failure) == ("updated", None)
    assert outcome.replaces is (gateway.cluster.version == OLD)
    assert gateway.stored() == {"a": {"api_key": SECRET}}
    assert told(gateway.apply(wanted())) == {"a": "as_declared"}


@pytest.mark.parametrize("test", [True, False])
def test_the_name_of_the_gateway_stands_in_the_marker(gateway, test):
    (outcome,) = gateway.apply(wanted(), names=("prod",), test=test)
    assert outcome.status == "created"
    if not test:
        assert gateway.cluster.table["a"]["credential_info"][KEY]["gateway"] == "prod"
        with pytest.raises(WrongGateway, match="is the gateway 'prod'"):
            gateway.apply(wanted(), names=("dev",))


def test_what_an_old_litellm_has_not_is_refused():
    label = credential("a", {"credential_values": {"api_key": SECRET}, "display_name": "Ours"})
    gateway = Gateway(OLD)
    with pytest.raises(Refused, match="too old for display_name"):
        gateway.apply(label)
    assert gateway.stored() == {}
    assert told(Gateway(NEW).apply(label)) == {"a": "created"}


def test_a_credential_without_a_value_is_refused_with_the_others():
    gateway = Gateway()
    with pytest.raises(Refused) as err:
        gateway.apply(wanted("a", {}), wanted("b"), wanted("c", {}), set="s")
    assert [one.partition(":")[0] for one in err.value.mistakes] == ["a", "c"]
    assert gateway.stored() == {}


# ---------------------------------------------------------------- a memory that is old


def test_a_create_meets_a_credential_that_this_worker_does_not_know():
    """It belongs to nobody, so it is adopted; its other values stay."""
    gateway = Gateway(workers=2)
    gateway.written_by_hand("a", {"api_key": NEXT, "region": "eu"})
    (outcome,) = gateway.apply(wanted(), worker=1)
    assert (outcome.status, outcome.failure) == ("adopted", None)
    assert gateway.stored() == {"a": {"api_key": SECRET, "region": "eu"}}


def test_a_create_meets_a_credential_that_nobody_can_show():
    gateway = Gateway(OLD, workers=2)
    gateway.written_by_hand("a", {"api_key": NEXT})
    (outcome,) = gateway.apply(wanted(), worker=1)
    assert (outcome.status, outcome.unknown) == ("failed", False)
    assert "shows only after half a minute what is in it" in outcome.failure
    assert gateway.stored() == {"a": {"api_key": NEXT}}


def test_what_is_not_listed_after_a_reload_is_looked_for_through_another_worker():
    gateway = Gateway(workers=2)
    credentials = gateway.credentials(worker=1)
    gateway.models.reload_worker = lambda: True  # which has reached another worker
    gateway.written_by_hand("a", {"api_key": NEXT})
    (outcome,) = credentials.apply([wanted()], Options())
    assert (outcome.status, outcome.unknown) == ("adopted", False)


def test_what_another_state_has_made_meanwhile_is_left_alone():
    gateway = Gateway(workers=2)
    gateway.written_by_hand("a", {"api_key": NEXT}, {KEY: Marker("b", id="a").dump()})
    (outcome,) = gateway.apply(wanted(), worker=1)
    assert outcome.failure == "a belongs to 'b', and is left alone"
    assert gateway.stored() == {"a": {"api_key": NEXT}}


@pytest.mark.parametrize(
    ("there", "options", "looks"),
    [
        pytest.param([], {}, 0, id="a new one"),
        pytest.param(["ours"], {}, 1, id="a change"),
        pytest.param(["theirs"], {}, 1, id="an adoption"),
        pytest.param(["ours"], {"verify_secrets": True}, 1, id="secrets are verified"),
        pytest.param(["ours"], {"verify_secrets": True, "test": True}, 0, id="not with test"),
        pytest.param(["theirs"], {"test": True}, 0, id="nor an adoption"),
        pytest.param(["undeclared"], {"set": "s", "prune": True}, 1, id="a set prunes"),
        pytest.param(["undeclared"], {"set": "s"}, 0, id="a set does not prune"),
    ],
)
def test_it_is_looked_closer_only_where_that_matters(there, options, looks):
    gateway = Gateway()
    set_ = options.get("set")
    if "ours" in there:
        gateway.apply(wanted(values={"api_key": NEXT}))
    if "theirs" in there:
        gateway.written_by_hand("a", {"api_key": NEXT})
    if "undeclared" in there:
        gateway.apply(wanted("b", set=set_), set=set_)
    gateway.apply(wanted(set=set_), **options)
    assert gateway.models.reloads == looks


@pytest.mark.parametrize(("version", "notes"), [(OLD, (NOT_REFRESHED,)), (NEW, ())])
def test_if_nothing_lets_the_worker_read_that_is_said(version, notes):
    gateway = Gateway(version)
    gateway.written_by_hand("a", {"api_key": SECRET})
    (outcome,) = gateway.apply(wanted())
    assert outcome.status == "adopted"
    assert outcome.notes[1:] == notes


# ---------------------------------------------------------------- lost answers

LOST = "The answer of a write was lost"


@pytest.mark.parametrize("done", [True, False])
@pytest.mark.parametrize("version", [OLD, NEW])
def test_a_create_whose_answer_was_lost_is_found_or_not(version, done):
    gateway = Gateway(version)
    gateway.cluster.lose(1, done)
    (outcome,) = gateway.apply(wanted())
    assert bool(gateway.stored()) is done
    assert (outcome.status, outcome.failure) == (("created", None) if done else ("failed", LOST))


# ---------------------------------------------------------------- what models name

NEEDED = "gpt (id-gpt) names the credential a: change or delete it first"


@pytest.mark.parametrize(
    ("using", "why"),
    [
        ({"a": ["gpt"]}, NEEDED),
        (
            {"a": ["gpt", "claude"]},
            "gpt (id-gpt), claude (id-claude) name the credential a: change or delete them first",
        ),
    ],
)
@pytest.mark.parametrize("test", [True, False])
def test_a_credential_that_models_name_is_not_deleted(using, why, test):
    gateway = Gateway(using=using)
    gateway.apply(wanted("a", set="s"), wanted("b", set="s"), set="s")
    outcomes = gateway.apply(set="s", prune=True, test=test)
    assert told(outcomes) == {"a": "not_deleted", "b": "deleted"}
    assert outcomes[0].failure == why
    assert set(gateway.stored()) == ({"a", "b"} if test else {"a"})
    with pytest.raises(Refused) as err:
        gateway.credentials().remove(wanted("a", set="s"), test=test, any_owner=False)
    assert str(err.value) == why


# ---------------------------------------------------------------- to delete one


@pytest.mark.parametrize("test", [True, False])
@pytest.mark.parametrize(
    ("owner", "any_owner", "refused"),
    [
        pytest.param("a", False, None, id="its state's"),
        pytest.param(None, False, None, id="nobody's"),
        pytest.param("b", False, "a belongs to 'b'", id="another state's"),
        pytest.param("b", True, None, id="another state's, by hand"),
    ],
)
def test_a_credential_is_deleted_by_its_owner_or_by_hand(owner, any_owner, refused, test):
    gateway = Gateway()
    info = {KEY: Marker(owner, id="a").dump()} if owner else {}
    gateway.written_by_hand("a", {"api_key": SECRET}, info)
    remove = gateway.credentials().remove
    if refused:
        with pytest.raises(Refused, match=refused):
            remove(wanted(), test=test, any_owner=any_owner)
        assert "a" in gateway.stored()
        return
    outcome = remove(wanted(), test=test, any_owner=any_owner)
    assert outcome.changes == {"credential_name": {"old": "a", "new": None}}
    assert ("a" in gateway.stored()) is test
    assert gateway.models.reloads == (not test)


def test_what_is_only_predicted_to_be_deleted_is_gone_for_the_states_that_follow():
    gateway = Gateway()
    gateway.apply(wanted())
    credentials = gateway.credentials()
    credentials.remove(wanted(), test=True, any_owner=False)
    (outcome,) = credentials.apply([wanted()], Options(test=True))
    assert outcome.status == "created"


def test_what_others_may_have_changed_is_read_when_it_is_needed():
    gateway = Gateway()
    credentials = gateway.credentials()
    credentials.apply([wanted()], Options())
    gateway.cluster.client().delete("a")
    assert "a" in credentials.store.rows()
    credentials.forget()
    assert "a" not in credentials.store.rows()


@pytest.mark.parametrize("any_owner", [True, False])
def test_a_credential_of_the_config_file_is_never_deleted(any_owner):
    gateway = Gateway(
        config=[{"credential_name": "a", "credential_values": {}, "credential_info": {}}]
    )
    with pytest.raises(Refused, match="belongs to the gateway's config file"):
        gateway.credentials().remove(wanted(), test=False, any_owner=any_owner)


@pytest.mark.parametrize("version", [OLD, NEW])
def test_what_is_not_there_is_no_change_as_the_database_says(version):
    outcome = Gateway(version).credentials().remove(wanted(), test=False, any_owner=False)
    assert (outcome.status, outcome.changes, outcome.notes) == ("as_declared", {}, ())


def test_a_credential_that_this_worker_does_not_know_is_found_and_deleted():
    gateway = Gateway(workers=2)
    gateway.apply(wanted())
    outcome = gateway.credentials(worker=1).remove(wanted(), test=False, any_owner=False)
    assert (outcome.action, gateway.stored()) == ("delete", {})


@pytest.mark.parametrize("done", [True, False])
def test_a_delete_whose_answer_was_lost(done):
    gateway = Gateway()
    gateway.apply(wanted())
    credentials = gateway.credentials()
    gateway.cluster.lose(2, done)  # the first request lets the worker read its database
    if done:
        assert credentials.remove(wanted(), test=False, any_owner=False).action == "delete"
        assert gateway.stored() == {}
        return
    with pytest.raises(GatewayError, match=LOST):
        credentials.remove(wanted(), test=False, any_owner=False)
    assert "a" in gateway.stored()


def test_a_delete_whose_answer_was_lost_was_done_though_an_old_list_shows_the_credential():
    """The database is asked, by an update that changes nothing."""
    gateway = Gateway(OLD, workers=2)
    gateway.apply(wanted())
    gateway.cluster.poll(1)
    gateway.cluster.client(0).delete("a")
    gateway.cluster.lose(1, True)
    credentials = gateway.credentials(worker=1)
    gateway.cluster.delete = lambda *_: False  # the memory of the worker stays as it is
    assert credentials.remove(wanted(), test=False, any_owner=False).action == "delete"


def test_the_database_says_that_a_delete_was_not_done():
    gateway = Gateway(OLD)
    gateway.apply(wanted())
    gateway.cluster.lose(1, False)
    with pytest.raises(GatewayError, match=LOST):
        gateway.credentials().remove(wanted(), test=False, any_owner=False)
    assert "a" in gateway.stored()


# ---------------------------------------------------------------- may a model name it


@pytest.mark.parametrize(
    ("there", "worker", "test", "found", "requests"),
    [
        pytest.param(True, 0, False, True, 0, id="this worker lists it"),
        pytest.param(True, 1, False, True, 1, id="only the database has it"),
        pytest.param(True, 1, True, False, 0, id="with test, nothing is asked"),
        pytest.param(False, 0, False, False, 1, id="it is nowhere"),
        pytest.param(False, 0, True, False, 0, id="it is nowhere, with test"),
    ],
)
def test_whether_a_model_may_name_a_credential(there, worker, test, found, requests):
    gateway = Gateway(workers=2)
    if there:
        gateway.apply(wanted())
    before = gateway.cluster.requests
    assert gateway.credentials(worker).is_there("a", test=test) is found
    assert gateway.cluster.requests - before == requests
    assert gateway.cluster.writes == int(there)


def test_a_credential_that_is_only_predicted_counts_in_a_prediction():
    credentials = Gateway().credentials()
    credentials.apply([wanted()], Options(test=True))
    assert credentials.is_there("a", test=True) is True
    assert credentials.is_there("a", test=False) is False
