"""The log of a release as Markdown."""

import re

from releaseapp.releases.log import Block, Form, Log

# Within a line; an entity, and an underscore at the edge of a word.
_MARKS = re.compile(r"[\\`*\[~]|&(?=#|\w+;)|(?<!\w)_|_(?!\w)")
# At its beginning; a point of a list is left to whoever typed it.
_BEGINNING = re.compile(r"^(?=[#>=|:]|-(?! ))")


def as_markdown(log: Log) -> str:
    """The text of the log; what people typed is shown as they typed it, and makes no HTML and no new lines."""
    parts = [f"# {plain_text(log.title)}", _block(log.facts)]
    for section in log.sections:
        parts.append(f"## {section.title}")
        parts += [_block(one) for one in section.blocks]
    return "\n\n".join(parts) + "\n"


def _block(block: Block) -> str:
    match block.form:
        case Form.FACTS:
            return "\n".join(f"- **{plain_text(name)}:** {plain_text(value)}" for name, value in block.rows)
        case Form.TABLE:
            head = [block.head, ["---"] * len(block.head)]
            return "\n".join(_row(row) for row in [*head, *block.rows])
        case Form.LINES:
            return "\n".join(f"- {plain_text(row[0])}" for row in block.rows)
        case Form.QUOTE:
            return "\n".join(f"> {_BEGINNING.sub(chr(92) * 2, plain_text(row[0]))}".rstrip() for row in block.rows)
        case Form.COMMANDS:
            return "\n".join(["```sh", *(row[0] for row in block.rows), "```"])
        case Form.TEXT:
            return "\n".join(plain_text(row[0]) for row in block.rows)


def plain_text(text: str) -> str:
    """The text in one line, in which nothing means anything to Markdown."""
    return _MARKS.sub(r"\\\g<0>", " ".join(text.split())).replace("<", "&lt;")


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(plain_text(cell).replace('|', chr(92) + '|') for cell in cells)} |"
