"""What a list shows only as a mask or as ciphertext is never written back."""

import pytest

from saltext_litellm.errors import Refused
from tests.support import properties
from tests.support.credential_cluster import CredentialCluster, open_credentials
from tests.support.properties import VERSIONS

NAME = "name"
SINCE_106 = VERSIONS[1:]


def apply(cluster, values, **options):
    objects = open_credentials(cluster.client(), cluster.version)
    wanted = properties.credential(NAME, {"credential_values": values})
    return properties.apply(objects, wanted, **options)


def stored(cluster):
    return cluster.table[NAME]["credential_values"]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_text_of_ours_in_a_mapping_is_sent_with_its_neighbour(version):
    """LiteLLM masks `keyboard` in a mapping whose own name has `key` in it."""
    cluster = CredentialCluster(version)
    for name in ("first", "second"):
        declared = {"monkeys": {"keyboard": "qwerty-0123", "name": name}}
        assert apply(cluster, declared).failure is None
        assert stored(cluster) == declared
    assert apply(cluster, declared).changes == {}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("test", [True, False])
def test_a_text_of_others_in_a_mapping_that_must_be_written_whole(version, test):
    cluster = CredentialCluster(version)
    apply(cluster, {"monkeys": {"name": "first"}})
    theirs = {"monkeys": {"name": "first", "keyboard": "qwerty-0123"}}
    cluster.client().update(NAME, {"credential_values": theirs})
    assert apply(cluster, {"monkeys": {"name": "first"}}, test=test).changes == {}
    with pytest.raises(Refused, match="credential_values:monkeys:keyboard is not declared and"):
        apply(cluster, {"monkeys": {"name": "second"}}, test=test)
    assert stored(cluster) == theirs
    both = {"monkeys": {"name": "second", "keyboard": "other-0123"}}
    assert apply(cluster, both).failure is None
    assert stored(cluster) == both


@pytest.mark.parametrize("version", VERSIONS)
def test_what_is_no_text_is_shown_and_written_back(version):
    """LiteLLM masks no numbers and no lists, and nothing in a mapping with another name."""
    cluster = CredentialCluster(version)
    apply(cluster, {"api_base": "one", "x": "1"})
    theirs = {"max_tokens": 5, "keys": ["a"], "headers": {"X-Token": "plain", "deep": {"key": "k"}}}
    cluster.client().update(NAME, {"credential_values": theirs})
    assert apply(cluster, {"api_base": "one"}).failure is None
    assert stored(cluster) == {"api_base": "one", **theirs}


UNREADABLE = {
    "a secret": ({"their_secret": "sk-theirs-0123"}, "their_secret"),
    "a secret in a mapping": ({"keys": {"token": "theirs-0123"}}, "keys:token"),
    "an empty text": ({"organization": ""}, "organization"),
}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("what", UNREADABLE)
@pytest.mark.parametrize("test", [True, False])
def test_a_text_of_others_where_a_value_is_removed(version, what, test):
    """Since 1.106 that is done in place. 1.83 shows an empty text as ciphertext."""
    values, place = UNREADABLE[what]
    cluster = CredentialCluster(version)
    apply(cluster, {"api_base": "one", "x": "1"})
    cluster.client().update(NAME, {"credential_values": values})
    cluster.poll(0)
    if version in SINCE_106:
        assert apply(cluster, {"api_base": "one"}, test=test).failure is None
    else:
        with pytest.raises(Refused, match=f"credential_values:{place}, which is not declared"):
            apply(cluster, {"api_base": "one"}, test=test)
    left = {"x": "1"} if test or version not in SINCE_106 else {}
    assert stored(cluster) == {"api_base": "one", **left, **values}


@pytest.mark.parametrize("version", VERSIONS)
def test_another_salt_key(version):
    """What is declared is written again; what others have set stays as it is."""
    cluster = CredentialCluster(version)
    declared = {"api_key": "sk-0123456789", "api_base": "one", "azure_ad_token": "abc"}
    apply(cluster, declared)
    cluster.client().update(NAME, {"credential_values": {"theirs": "a text of theirs"}})
    cluster.change_key()
    lost = stored(cluster)["theirs"]
    done = apply(cluster, declared)
    assert (done.failure, set(done.changes)) == (
        None,
        {f"credential_values:{key}" for key in declared},
    )
    assert stored(cluster) == {**declared, "theirs": lost}
    assert apply(cluster, declared).changes == {}
