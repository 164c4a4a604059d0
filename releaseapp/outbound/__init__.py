"""The one way out to other servers by HTTP: guarded, bounded in time and size. ``docs/outbound.md`` says how."""

from releaseapp.outbound.client import Answer, Outbound, open_outbound
from releaseapp.outbound.errors import OutboundError

__all__ = ["Answer", "Outbound", "OutboundError", "open_outbound"]
