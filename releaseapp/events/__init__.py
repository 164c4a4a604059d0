"""Everything that happened, in order: the one truth behind activity log, audit and live channel."""
