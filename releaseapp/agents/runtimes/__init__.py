"""How agents work: one module a runtime, chosen by the ``type`` of an agent's ``runtime``."""
