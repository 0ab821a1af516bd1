"""Options of programs that have a pipeline, and what they log."""
