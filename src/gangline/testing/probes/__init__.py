"""What the tasks of the conformance suite do. Light to import, since each engine does so anew."""
