"""What is looked at before a release, and at any time: each check a small function with a sentence and a cure."""
