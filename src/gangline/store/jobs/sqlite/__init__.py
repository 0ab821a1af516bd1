"""A queue in an SQLite file: for one host."""
