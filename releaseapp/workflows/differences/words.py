"""What is different between two texts: line by line, and word by word within the lines that are not the same."""

import re
from collections import Counter
from itertools import groupby

from releaseapp.workflows.differences.effort import Effort
from releaseapp.workflows.differences.lines import LINES, line_runs
from releaseapp.workflows.differences.models import Piece, PieceKind

# Signs of scripts that put no space between words stand for themselves; other words go as far as spaces and signs do.
_IDEOGRAPHS = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_SIGNS = r"!-/:-@\[-^`{-~"
_TOKENS = re.compile(rf"\n|[^\S\n]+|[{_SIGNS}{_IDEOGRAPHS}]|[^\s{_SIGNS}{_IDEOGRAPHS}]+")
_LEAST_ALIKE = 0.3
"""Texts with less in common than this are told whole: words shared by chance only confuse."""

_LONGEST_GLUE = 2


def pieces(before: str, after: str, effort: Effort) -> list[Piece]:
    """The parts that are the same, removed and added, in order; joined they give both texts back."""
    if before == after:
        return [Piece("same", before)] if before else []
    start = _same_lines_first(before, after)
    end = _same_lines_last(before[start:], after[start:])
    middle = _by_lines(before[start : len(before) - end], after[start : len(after) - end], effort)
    return _tidied([Piece("same", before[:start]), *middle, Piece("same", before[len(before) - end :])])


def _by_lines(before: str, after: str, effort: Effort) -> list[Piece]:
    lines, others = LINES.findall(before), LINES.findall(after)
    if min(len(lines), len(others)) <= 1:
        return _by_words(before, after, effort)
    found: list[Piece] = []
    for same, start, end, other_start, other_end in line_runs(lines, others, effort):
        text = "".join(lines[start:end])
        if same:
            found.append(Piece("same", text))
        else:
            found.extend(_by_words(text, "".join(others[other_start:other_end]), effort))
    return found


def _by_words(before: str, after: str, effort: Effort) -> list[Piece]:
    whole = [Piece("removed", before), Piece("added", after)]
    if not before or not after:
        return whole
    words, others = _TOKENS.findall(before), _TOKENS.findall(after)
    runs = effort.runs(words, others) if _may_be_alike(words, others) else None
    if runs is None:
        return whole
    found: list[Piece] = []
    for same, start, end, other_start, other_end in runs:
        text = "".join(words[start:end])
        if same:
            found.append(Piece("same", text))
        else:
            found.extend([Piece("removed", text), Piece("added", "".join(others[other_start:other_end]))])
    found = _without_glue(found)
    alike = sum(len(piece.text.strip()) for piece in found if piece.kind == "same")
    return found if alike * 2 >= _LEAST_ALIKE * (len(before) + len(after)) else whole


def _may_be_alike(words: list[str], others: list[str]) -> bool:
    """Whether enough words are in both, wherever they stand; cheap, and mostly the answer."""
    common = sum(len(word) * count for word, count in (Counter(words) & Counter(others)).items())
    return common * 2 >= _LEAST_ALIKE * (sum(map(len, words)) + sum(map(len, others)))


def _without_glue(found: list[Piece]) -> list[Piece]:
    """Spaces and signs alone between two changes belong to them: what is read is one change, not crumbs."""
    kept: list[Piece] = []
    for number, piece in enumerate(found):
        between = piece.kind == "same" and 0 < number < len(found) - 1
        if between and len(piece.text) <= _LONGEST_GLUE and "\n" not in piece.text and not _has_word(piece.text):
            kept.extend([Piece("removed", piece.text), Piece("added", piece.text)])
        else:
            kept.append(piece)
    return kept


def _has_word(text: str) -> bool:
    return any(sign.isalnum() for sign in text)


def _tidied(found: list[Piece]) -> list[Piece]:
    """Without empty pieces; between two that are the same, all that is removed stands before all that is added."""
    tidied: list[Piece] = []
    for same, run in groupby((piece for piece in found if piece.text), key=lambda piece: piece.kind == "same"):
        texts: dict[PieceKind, list[str]] = {"same": [], "removed": [], "added": []}
        for piece in run:
            texts[piece.kind].append(piece.text)
        kinds: tuple[PieceKind, ...] = ("same",) if same else ("removed", "added")
        tidied.extend(Piece(kind, "".join(texts[kind])) for kind in kinds if texts[kind])
    return tidied


def _same_lines_first(before: str, after: str) -> int:
    """How far both begin with the same whole lines; cheap, and most texts differ in few places."""
    low, high = 0, min(len(before), len(after))
    while low < high:
        half = (low + high + 1) // 2
        low, high = (half, high) if before.startswith(after[:half]) else (low, half - 1)
    return before.rfind("\n", 0, low) + 1


def _same_lines_last(before: str, after: str) -> int:
    low, high = 0, min(len(before), len(after))
    while low < high:
        half = (low + high + 1) // 2
        low, high = (half, high) if before.endswith(after[len(after) - half :]) else (low, half - 1)
    first = before.find("\n", len(before) - low)
    return len(before) - first - 1 if first >= 0 else 0
