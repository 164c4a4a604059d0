"""The state machine of runs: what comes next, who may say so, what is written when. See ``docs/runs.md``."""
