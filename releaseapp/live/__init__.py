"""The live channel: who hears what, as it happens. Greenlets for sockets, native threads for SQL."""
