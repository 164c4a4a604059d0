"""What comes next in a release: the one thing to do, in a sentence, with its command."""

import msgspec

from releaseapp.operations.models import Operation
from releaseapp.releases.machine import Verb
from releaseapp.releases.models import Entry, EntryKind, Release, Status

_COMMANDS = {
    Verb.START: "release start",
    Verb.CONFIRM: "release confirm-roles",
    Verb.PROMOTE: "release promote",
    Verb.FINISH: "release finish",
    Verb.ROLLBACK: "release rollback",
}


_STOPPED = {
    Status.STARTING: (Verb.START, "{said} Start again when it is corrected, or give a reason to go on despite it."),
    Status.STARTED: (Verb.PROMOTE, "{said} Promote again when it is cured, or roll back."),
    Status.PROMOTED: (Verb.FINISH, "{said} Finish when it is cured, or roll back."),
}
"""After a verb that said no."""
_NEXT = {
    Status.STARTING: (Verb.START, "The start stopped in the middle, after: {said} Start again; it goes on there."),
    Status.STARTED: (Verb.PROMOTE, "Start version {version} on the server, then promote it."),
    Status.PROMOTED: (Verb.FINISH, "Watch it for a while. Finish when all is well, or roll back."),
    Status.ROLLING_BACK: (
        Verb.ROLLBACK,
        "The rollback did not come to its end. Roll back again: that is safe.",
    ),
}
_CONFIRM = (Verb.CONFIRM, "The role matrix differs from the one at the start. Look at the difference, and confirm it.")
_START = (Verb.START, "Nothing is being released. Start when there is something to release.")


class Advice(msgspec.Struct, frozen=True):
    """What comes next: a verb (None while one is at work), the sentence that says why, and the command for it.

    ``stopped`` says that the verb was tried and said no, so that a reason may be given to go on.
    """

    verb: Verb | None
    sentence: str
    command: str
    stopped: bool = False


def advise(release: Release | None, entries: list[Entry], at_work: Operation | None, *, unconfirmed: bool) -> Advice:
    """What to do now. ``unconfirmed`` says that the role matrix differs from the start's and nobody has seen it."""
    if at_work is not None:
        return Advice(None, at_work.sentence, "releaseapp release status --follow")
    said = [one for one in entries if one.kind is not EntryKind.NOTE]
    stopped = bool(release and said and said[-1].kind is EntryKind.REFUSED and release.status in _STOPPED)
    if release is None or release.is_over:
        verb, sentence = _START
    elif release.status is Status.STARTED and unconfirmed:
        verb, sentence = _CONFIRM
    elif stopped:
        verb, sentence = _STOPPED[release.status]
    else:
        verb, sentence = _NEXT[release.status]
    version = release.to_version if release else ""
    sentence = sentence.format(said=said[-1].sentence if said else "nothing.", version=version)
    return Advice(verb, sentence, f"releaseapp {_COMMANDS[verb]}", stopped and verb is not Verb.CONFIRM)
