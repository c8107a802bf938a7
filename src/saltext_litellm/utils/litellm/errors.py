"""What can go wrong: the input, the gateway, or an answer that never came."""

_MOST_MISTAKES = 20  # that are told; what is there more is counted
_MOST_CHARACTERS = 3000  # likewise
_LONGEST_MISTAKE = 1000  # characters


class LiteLLMError(Exception):
    """Base of the errors of this package; each is one sentence a person can act on."""


class InvalidInput(LiteLLMError):
    """What the user declared cannot be sent. Nothing was sent.

    :param mistakes: A clause each. All are told at once, but so that a person can read them.
    :param example: Lines that show how it is done.
    """

    def __init__(self, *mistakes: str, example: tuple[str, ...] = ()) -> None:
        told: list[str] = []
        for mistake in mistakes:
            if len(told) == _MOST_MISTAKES or sum(map(len, told)) > _MOST_CHARACTERS:
                told.append(f"and {len(mistakes) - len(told)} more")
                break
            whole = len(mistake) <= _LONGEST_MISTAKE
            told.append(mistake if whole else f"{mistake[:_LONGEST_MISTAKE]}…")
        super().__init__("; ".join(told))
        self.mistakes = mistakes
        self.example = example


class Refused(InvalidInput):
    """What is declared could be sent, but what there is does not allow it. Nothing was sent.

    It is not found, is somebody else's, is there already, or LiteLLM is too old for it.
    """


class Ambiguous(Refused):
    """It cannot be told which of several rows is meant.

    :ivar passing: Another client is about to delete one of them, so that a later look may tell.
    """

    def __init__(self, *mistakes: str, passing: bool) -> None:
        super().__init__(*mistakes)
        self.passing = passing


class GatewayError(LiteLLMError):
    """The gateway refused, failed or could not be reached.

    ``status`` is the HTTP status, ``None`` when there was no answer.
    """

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class WrongGateway(GatewayError):
    """The gateway is another one than the profile is for. No request to it goes on from there."""


class TrialFailed(LiteLLMError):
    """A deployment was tried out before it was to be written, and does not answer."""


class OutcomeUnknown(GatewayError):
    """A write may or may not have happened: its answer was lost, or was a server error."""


class NotSeen(OutcomeUnknown):
    """A write may or may not have happened, and looking does not tell.

    The gateway cannot be asked, does not show what is there, or may still be at work.
    """


class AlreadyThere(GatewayError):
    """A create failed in LiteLLM's database: as a rule because the id is taken."""


class NotInDatabase(GatewayError):
    """A change of a row that the database does not hold: deleted meanwhile, or a config-file row.

    A worker that has not yet noticed the deletion takes the row for one of its config file.
    """


class NotAllowed(GatewayError):
    """The api_key is not allowed to see something, though it may see the rest."""


class NotServed(GatewayError):
    """A write was saved to the database, but LiteLLM cannot serve the row."""


class ServesLess(GatewayError):
    """A write was saved and its row is served, but LiteLLM has stopped serving other rows."""
