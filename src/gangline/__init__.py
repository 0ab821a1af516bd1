"""Gangline: parallel and distributed work in plain Python, from a laptop to a cluster."""
