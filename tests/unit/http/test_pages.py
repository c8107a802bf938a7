"""Lists in pages, while rows come and go between two of them."""

import pytest

from saltext_litellm.errors import GatewayError
from saltext_litellm.http.pages import PAGE, read_pages


def rows(*numbers):
    return [{"id": f"row-{number:04}"} for number in numbers]


class Gateway:
    """A gateway whose rows change before some reads.

    :param changes: The numbers of the rows that it has from a read on, by the number of that read.
    """

    def __init__(self, changes):
        self.changes, self.reads = changes, 0
        self.rows = []

    def page(self, number):
        self.rows = self.changes.get(self.reads, self.rows)
        self.reads += 1
        begin = (number - 1) * PAGE
        return rows(*self.rows[begin : begin + PAGE]), len(self.rows)

    def read(self):
        return [int(one[4:]) for one in read_pages("rows", "id", self.page)]


@pytest.mark.parametrize(
    ("count", "reads"), [(0, 1), (1, 1), (PAGE, 1), (PAGE + 1, 2), (10 * PAGE, 10)]
)
def test_one_request_for_each_page(count, reads):
    gateway = Gateway({0: range(count)})
    assert gateway.read() == [*range(count)]
    assert gateway.reads == reads


def test_a_row_that_is_deleted_between_two_pages_hides_no_other_one():
    gateway = Gateway({0: range(2 * PAGE), 1: range(1, 2 * PAGE)})
    assert gateway.read() == [*range(1, 2 * PAGE)]
    assert gateway.reads == 4


def test_a_row_that_comes_between_two_pages_is_seen():
    gateway = Gateway({0: range(1, 2 * PAGE), 1: range(2 * PAGE)})
    assert gateway.read() == [*range(2 * PAGE)]


def test_a_list_that_never_stands_still_is_an_error():
    gateway = Gateway({n: range(n, 2 * PAGE) for n in range(50)})
    with pytest.raises(GatewayError, match=r"lists 1\d\d rows, but says that it has 1\d\d"):
        gateway.read()


@pytest.mark.parametrize("page", [(None, 1), ([], None), ({}, 1), ([], "1")])
def test_what_is_no_page_is_an_error(page):
    with pytest.raises(GatewayError, match="list of rows is not in a form LiteLLM sends"):
        read_pages("rows", "id", lambda _: page)


def test_what_is_no_row_counts_as_missing():
    with pytest.raises(GatewayError, match="lists 1 rows, but says that it has 3"):
        read_pages("rows", "id", lambda _: ([*rows(1), None, {"id": 5}], 3))
