"""Rules of file names: pure functions from names and patterns to names; no file system is touched."""
