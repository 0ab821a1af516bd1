"""The record: what ran, when, how it ended and why, in one SQLite file that survives whatever happens to the run."""
