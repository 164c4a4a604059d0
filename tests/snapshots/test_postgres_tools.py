"""What PostgreSQL's programs are told of a database, and what other accounts of the host can see of it."""

import pytest

from releaseapp.db.postgres_tools import ToolFailed, run_tool

ADDRESS = "postgresql://me:s3cret-w0rd@db.example.com:5433/data"


@pytest.fixture
def told(tmp_path):
    """A folder with a ``pg_dump`` that writes down how it was called, and says no."""
    program = tmp_path / "pg_dump"
    program.write_text(
        f'#!/bin/sh\necho "$@" > {tmp_path}/arguments\necho "$PGPASSWORD" > {tmp_path}/password\nexit 3\n'
    )
    program.chmod(0o700)
    return tmp_path


def test_the_password_is_in_the_environment_and_not_in_the_arguments(told):
    with pytest.raises(ToolFailed, match="pg_dump failed"):
        run_tool([str(told / "pg_dump"), "--format=custom"], ADDRESS, 30)
    arguments = (told / "arguments").read_text()
    assert "s3cret" not in arguments
    assert "host=db.example.com" in arguments
    assert "port=5433" in arguments
    assert (told / "password").read_text().strip() == "s3cret-w0rd"
