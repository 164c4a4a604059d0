"""The request, with the few things that every view may reach for."""

import re
import secrets
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from pyramid.request import Request as PyramidRequest

from releaseapp.errors import Malformed
from releaseapp.web.negotiation import choose

if TYPE_CHECKING:
    from releaseapp.db.api import Database
    from releaseapp.settings import Settings
    from releaseapp.web.negotiation import Representation

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")


class Request(PyramidRequest):
    """A subclass instead of request methods: Pyramid makes a new class per request for those."""

    view_label = "none"
    """The view that answers, by module and function; for the figures."""
    body_limit: int | None = None
    """How large a body this view takes; None before the view is known, for which ``max_body_bytes`` holds."""

    @property
    def db(self) -> "Database":
        """The database of this server."""
        return cast("Database", self.registry.db)

    @property
    def settings(self) -> "Settings":
        """The settings of this server."""
        return cast("Settings", self.registry.app_settings)

    @cached_property
    def representation(self) -> "Representation | None":
        """What the caller wants back: a page or JSON; None when it accepts neither."""
        return choose(self.environ.get("HTTP_ACCEPT"))

    @cached_property
    def id(self) -> str:
        """Names this request in answers and in the log: the id that a proxy gave it, or a new one."""
        given = self.environ.get("HTTP_X_REQUEST_ID", "")
        return given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)

    @property
    def cookies(self) -> Any:
        """The cookies. One that is not UTF-8 (another application's on this host) counts as none sent at all."""
        cookies = super().cookies
        try:
            len(cookies)  # Reads them all; what was read is kept with the environ.
        except UnicodeDecodeError:
            self.environ.pop("HTTP_COOKIE")
        return cookies

    @property
    def POST(self) -> Any:  # noqa: N802 - WebOb's name
        """The fields of the form; raises Malformed when it is none, so that nobody hears of the server's own fault."""
        try:
            return super().POST
        except (ValueError, LookupError, DeprecationWarning) as error:
            raise Malformed("The form cannot be read: its boundary or its charset is wrong.") from error

    @property
    def bearer(self) -> str | None:
        """The token of an ``Authorization: Bearer`` header (RFC 6750), None without one."""
        scheme, _, token = self.environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else None
