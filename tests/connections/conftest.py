from databases import postgres, target  # noqa: F401 - fixtures
