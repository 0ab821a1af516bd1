"""The demonstration: the running interpreter's whole standard library, measured, summed up and drawn in parallel."""
