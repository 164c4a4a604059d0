"""Numbers of things, for people."""


def many(number: int, one: str, several: str = "") -> str:
    """So many of something: ``1 workflow``, ``2,000 workflows``; ``several`` where an s is not enough."""
    return f"{number:,} {one if number == 1 else several or one + 's'}"
