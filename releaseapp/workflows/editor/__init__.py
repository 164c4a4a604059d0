"""The editor: a draft in parts, each a form of its own, beside the same draft as YAML."""
