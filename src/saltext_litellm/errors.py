"""The errors of this package: wrong input, a gateway that refuses, and answers that were lost."""

_MOST_MISTAKES = 20  # in one message; the others are only counted
_MOST_CHARACTERS = 3000  # in one message
_LONGEST_MISTAKE = 1000  # characters; a longer one is cut


class LiteLLMError(Exception):
    """The base of all errors here. Each message is one sentence that a person can act on."""


class InvalidInput(LiteLLMError):
    """What the user declared cannot be sent. Nothing was sent.

    :param mistakes: A clause for each mistake. The message has all of them, if it stays readable.
    :param example: Lines that show the right way.
    """

    def __init__(self, *mistakes: str, example: tuple[str, ...] = ()) -> None:
        shown: list[str] = []
        for mistake in mistakes:
            if len(shown) == _MOST_MISTAKES or sum(map(len, shown)) > _MOST_CHARACTERS:
                shown.append(f"and {len(mistakes) - len(shown)} more")
                break
            whole = len(mistake) <= _LONGEST_MISTAKE
            shown.append(mistake if whole else f"{mistake[:_LONGEST_MISTAKE]}…")
        super().__init__("; ".join(shown))
        self.mistakes = mistakes
        self.example = example


class Refused(InvalidInput):
    """The input is correct, but does not fit what exists. Nothing was sent.

    For example, something is not there, belongs to somebody else or exists already, or LiteLLM is
    too old.
    """


class NothingThere(Refused):
    """There is nothing under an ``sdb://`` reference."""


class NothingKept(NothingThere):
    """Nor would a value last that is put there, because it is a variable of this process."""


class Ambiguous(Refused):
    """Several rows fit, and nothing says which one is meant.

    :ivar temporary: Another client is about to delete one of them, so a later look may find one.
    """

    def __init__(self, *mistakes: str, temporary: bool) -> None:
        super().__init__(*mistakes)
        self.temporary = temporary


class GatewayError(LiteLLMError):
    """The gateway refused, failed or could not be reached.

    :ivar status: The HTTP status, ``None`` if there was no answer.
    """

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class WrongGateway(GatewayError):
    """The gateway is another one than the profile is for. Nothing more is sent to it."""


class TrialFailed(LiteLLMError):
    """A deployment was tried before it was written, and the provider did not answer."""


class OutcomeUnknown(GatewayError):
    """A write may or may not have happened: its answer was lost, or was a server error."""


class NotSeen(OutcomeUnknown):
    """A write may or may not have happened, and a read cannot show which.

    The gateway cannot be reached, does not show its rows, or may still be working on the write.
    """


class NotDone(GatewayError):
    """The answer of a write was lost, and a read has shown that the write was not done."""


class AlreadyThere(GatewayError):
    """A create failed in LiteLLM's database, usually because the id exists already."""


class NameTaken(AlreadyThere):
    """A create was not done, because the database has a row of that name."""


class NotInDatabase(GatewayError):
    """The database does not have the row to change: it was deleted, or it is in the config file.

    A worker that has not noticed a deletion yet reports the row as one of its config file.
    """


class Unchangeable(GatewayError):
    """LiteLLM cannot change the row: its URL cannot hold the id, such as one with a slash."""


class NotAllowed(GatewayError):
    """The api_key may not see something, but may see other things."""


class NotServed(GatewayError):
    """LiteLLM saved a write, but cannot serve the row."""


class ServesLess(GatewayError):
    """LiteLLM saved a write and serves the row, but has stopped serving other rows."""
