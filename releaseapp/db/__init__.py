"""The door to SQL; see :mod:`releaseapp.db.api` for what may be asked of it."""
