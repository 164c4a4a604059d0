"""``python -m releaseapp.cli`` is the ``releaseapp`` command."""

from releaseapp.cli import main

main()
