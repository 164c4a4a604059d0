"""The log of a release as Markdown."""

from releaseapp.releases.log import Block, Form, Log


def as_markdown(log: Log) -> str:
    """The text of the log; what people typed is shown as they typed it, and makes no HTML and no new lines."""
    parts = [f"# {_plain(log.title)}", _block(log.facts)]
    for section in log.sections:
        parts.append(f"## {section.title}")
        parts += [_block(one) for one in section.blocks]
    return "\n\n".join(parts) + "\n"


def _block(block: Block) -> str:
    match block.form:
        case Form.FACTS:
            return "\n".join(f"- **{_plain(name)}:** {_plain(value)}" for name, value in block.rows)
        case Form.TABLE:
            head = [block.head, ["---"] * len(block.head)]
            return "\n".join(_row(row) for row in [*head, *block.rows])
        case Form.LINES:
            return "\n".join(f"- {_plain(row[0])}" for row in block.rows)
        case Form.QUOTE:
            return "\n".join(f"> {_plain(row[0])}".rstrip() for row in block.rows)
        case Form.COMMANDS:
            return "\n".join(["```sh", *(row[0] for row in block.rows), "```"])
        case Form.TEXT:
            return "\n".join(_plain(row[0]) for row in block.rows)


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(_plain(cell).replace('|', chr(92) + '|') for cell in cells)} |"


def _plain(text: str) -> str:
    return " ".join(text.split()).replace("<", "&lt;")
