"""Who did what in a release, by the name that people read, even when the account is gone."""

STATEMENTS = [
    "ALTER TABLE releases ADD COLUMN who TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE release_entries ADD COLUMN who TEXT NOT NULL DEFAULT ''",
]
