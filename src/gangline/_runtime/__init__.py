"""The loop between the core and the world: it owns the clock, the threads and the signals, and no policy."""
