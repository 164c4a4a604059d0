"""Operations that are done by a command: written into the journal, and told on the terminal while they go on."""

import click

from releaseapp.db.api import Database
from releaseapp.operations import service as operations
from releaseapp.operations.models import Kind, Operation
from releaseapp.operations.service import Report


def perform(db: Database, kind: Kind, work: operations.Work) -> Operation:
    """As :func:`releaseapp.operations.service.perform`, for nobody in particular; how far it is goes to stderr."""
    return operations.perform(db, kind, None, lambda report: work(_Told(db, report.operation)))


def tell(sentence: str, progress: float | None) -> None:
    """Says on stderr how far something is; ``progress`` from 0 to 1."""
    click.echo(f"{'' if progress is None else f'{progress:4.0%} '}{sentence}", err=True)


class _Told(Report):
    """A report that is said on the terminal, too."""

    def tell(self, sentence: str, progress: float | None = None) -> None:
        """See :class:`Report`."""
        tell(sentence, progress)
        super().tell(sentence, progress)
