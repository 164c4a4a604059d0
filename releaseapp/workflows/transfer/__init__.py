"""Export and import of workflows: ``service`` is the front door, ``bundle`` is what a file holds."""
