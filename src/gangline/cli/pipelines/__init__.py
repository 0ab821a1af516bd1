"""Commands about file pipelines: each loads the user's program, or reads the record of its runs."""
