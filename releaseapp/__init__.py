"""Self-hosted workspace server for teams that run AI agents and workflows."""
