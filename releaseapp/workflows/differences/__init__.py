"""The difference between two definitions: by meaning, word by word, and as text.

``compare`` knows no request and reads nothing: pages, programs, the shell, and
whoever has to tell two people that both have changed one draft, use the same.
"""

from releaseapp.workflows.differences.meaning import Surroundings, compare, with_surroundings
from releaseapp.workflows.differences.models import Difference, FieldChange, Piece, StepChange
from releaseapp.workflows.differences.rows import Row, rows_of
from releaseapp.workflows.differences.sentence import summary
from releaseapp.workflows.differences.shown import Entry, Section, ShownField, sections_of
from releaseapp.workflows.differences.text import text_rows, texts_of, unified

__all__ = [
    "Difference",
    "Entry",
    "FieldChange",
    "Piece",
    "Row",
    "Section",
    "ShownField",
    "StepChange",
    "Surroundings",
    "compare",
    "rows_of",
    "sections_of",
    "summary",
    "text_rows",
    "texts_of",
    "unified",
    "with_surroundings",
]
