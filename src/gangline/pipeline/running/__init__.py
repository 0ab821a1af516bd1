"""Runs of pipelines: what must run is handed to the scheduler, and what becomes of it is noted."""
