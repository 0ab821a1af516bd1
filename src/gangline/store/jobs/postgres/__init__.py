"""A queue in PostgreSQL: for many hosts."""
