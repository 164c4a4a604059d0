"""The ways of the web: what every view of every domain stands on. Knows no domain."""
