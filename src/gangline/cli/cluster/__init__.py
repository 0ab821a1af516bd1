"""`gangline cluster`: engines on many hosts, for many runs."""
