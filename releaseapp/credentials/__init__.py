"""The vault: what opens other people's doors, kept encrypted, lent to steps by name, never shown again."""
