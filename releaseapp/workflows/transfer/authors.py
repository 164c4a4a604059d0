"""Who did something, where accounts differ: a person who is unknown here stays known by name, in the text."""

import msgspec

_BY = "— by "


class Author(msgspec.Struct, frozen=True):
    """A person as a file names them, and the account of a member here, if there is one."""

    name: str | None
    account_id: str | None

    def told(self, summary: str) -> str:
        """What is said of the deed; with the person's name, when no account here stands for it."""
        if self.name is None or self.account_id is not None:
            return summary
        return f"{summary} {_BY}{self.name}" if summary else f"{_BY}{self.name}"


def taken_apart(summary: str) -> tuple[str, str | None]:
    """The opposite of :meth:`Author.told`: the summary, and the name that it ends with."""
    before, sign, name = f" {summary}".rpartition(f" {_BY}")
    return (before.removeprefix(" "), name) if sign and name else (summary, None)
