"""What may be said of maintenance."""

import msgspec


class MaintenanceForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``until`` is RFC 3339 or a span as ``30m`` or ``2h``; none for until somebody ends it."""

    why: str
    until: str | None = None
