"""Gangline against its peers: fixed scenarios, measured in one run on the same work. `make bench` prints the table."""
