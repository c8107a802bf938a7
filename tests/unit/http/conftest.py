"""What the tests of HTTP share: a session with a server of the test's own, and how a call fails."""

import pytest

from saltext_litellm.errors import GatewayError
from saltext_litellm.http.profile import Profile
from saltext_litellm.http.session import Session
from tests.support import certificates

KEY = "sk-ADMIN-0123456789"


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    return certificates.make(tmp_path_factory.mktemp("tls"), "localhost", hosts=("127.0.0.1",))


def session(url, **more):
    settings = {"timeout": 5.0, "retries": 0, **more}
    return Session(Profile("given profile", url, KEY, **settings))


def failure(url, method="GET", body=None, **more):
    """The one sentence that a call ends in."""
    with pytest.raises(GatewayError) as err:
        session(url, **more).call(method, "/x", body)
    said = str(err.value)
    assert "\n" not in said
    assert len(said) < 700
    assert KEY not in said
    return err.value
