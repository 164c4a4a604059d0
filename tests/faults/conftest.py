"""A disk that is soon full."""

import os
import subprocess

import pytest


@pytest.fixture
def small_disk(tmp_path):
    """Gives a folder on a disk of its own, of that size ("64k"); skips where none can be mounted."""
    disk = tmp_path / "disk"
    disk.mkdir()

    def of_size(size):
        if os.geteuid() != 0:
            pytest.skip("mounting a small disk needs root")
        mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(disk)]
        mounted = subprocess.run(mount, capture_output=True, text=True)
        if mounted.returncode:
            pytest.skip(f"no tmpfs here: {mounted.stderr.strip()}")
        return disk

    yield of_size
    # Lazily: a worker that a test has left may still hold a file.
    if disk.is_mount():
        subprocess.run(["umount", "-l", str(disk)], check=True)
