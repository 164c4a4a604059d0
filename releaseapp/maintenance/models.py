"""What maintenance is."""

import msgspec

LONGEST_WHY = 300
LONGEST_DAYS = 7


class Maintenance(msgspec.Struct, frozen=True):
    """``why`` in a sentence for everybody; ``until`` when it ends by itself, None when somebody must end it.

    ``by`` is an account's id, None for the command line and the server itself; ``at`` when it began.
    """

    why: str
    until: str | None
    by: str | None
    at: str
