"""A logger and a lock that live in one process and are used from others."""
