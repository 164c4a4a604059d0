"""Words in the picture: shortened to what fits, and the sentence that a screen reader says."""

import unicodedata
from collections.abc import Sequence

_WIDTHS = {
    **dict.fromkeys(" ijlI|.,:;'!", 0.32),
    **dict.fromkeys('frt()[]-/\\"`{}', 0.42),
    **dict.fromkeys("csvxyzkJLF_?*", 0.58),
    **dict.fromkeys("ABCDGHKNOQRUVXYZ&+<=>~#", 0.76),
    **dict.fromkeys("mwMW@%", 0.96),
}
"""In parts of the font's size: as in DejaVu Sans, the widest of the fonts that a system is likely to take."""

_OTHERWISE, _ACCENTED, _BROAD, _ELLIPSIS = 0.64, 0.76, 1.04, "…"
_INVISIBLE = {"Mn", "Me", "Cf"}
_MOST_NAMED = 3


def plain(text: str) -> str:
    """A text on one line, without characters that cannot be seen but turn what stands beside them."""
    if text.isprintable():
        return " ".join(text.split())
    kept = "".join(char if unicodedata.category(char) not in {"Cc", "Cs"} else " " for char in text)
    return " ".join(kept.translate(_TURNING).split())


_TURNING = dict.fromkeys([0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)])


def width_of(char: str) -> float:
    """The width of a character, in parts of the font's size."""
    if char.isascii():
        return _WIDTHS.get(char, _OTHERWISE)
    if unicodedata.category(char) in _INVISIBLE:
        return 0.0
    return _BROAD if unicodedata.east_asian_width(char) in "WF" else _ACCENTED


def shortened(text: str, width: float, size: float) -> str:
    """The text, or as much of its beginning as fits into ``width`` with an ellipsis behind."""
    room, taken, fitting = width / size, 0.0, 0
    for place, char in enumerate(text):
        taken += width_of(char)
        if taken > room:
            return text[:fitting].rstrip() + _ELLIPSIS
        if taken <= room - 1:  # the ellipsis is as wide as the font is high
            fitting = place + 1
    return text


def listed(names: Sequence[str]) -> str:
    """``a, b and c``; of more than four, the first three and how many more there are."""
    most = _MOST_NAMED + 1
    shown = list(names) if len(names) <= most else [*names[:_MOST_NAMED], f"{len(names) - _MOST_NAMED} more"]
    return " and ".join([part for part in (", ".join(shown[:-1]), shown[-1]) if part])
