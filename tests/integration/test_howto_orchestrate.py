"""docs/howto/orchestrate.md with a master, a minion and two gateways; see functional/test_howto."""

import pytest

from .site import running_page


@pytest.mark.long
def test_the_page(salt_factories, gateway, second_gateway):
    with running_page(salt_factories, gateway, second_gateway, "orchestrate.md") as found:
        site, page, limits = found
        site.follow(page)
        assert limits() == {"dev": 100, "prod": 5000}
        _, again = site.run("salt-run state.orchestrate everywhere")
        assert again.count("No changes made to gateway-admin.") == 2, again
