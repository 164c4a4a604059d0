"""What is known of a password besides its hash: since when, when it last opened the account, and its mark."""

STATEMENTS = [
    "ALTER TABLE accounts ADD COLUMN password_changed_at TEXT",
    "ALTER TABLE accounts ADD COLUMN password_used_at TEXT",
    "ALTER TABLE accounts ADD COLUMN password_mark TEXT",
]
