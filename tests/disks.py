"""Disks that are full."""

import pytest


def fill(disk):
    """Takes what room is left on the disk; gives the file that has it."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space"):
        while True:
            file.write(b"x" * 65536)
    return ballast
