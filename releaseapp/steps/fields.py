"""Kinds of text that several configs have."""

from typing import Annotated

from msgspec import Meta

Text = Annotated[str, Meta(min_length=1, max_length=20_000, pattern=r"\S")]
Reference = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"\S")]
