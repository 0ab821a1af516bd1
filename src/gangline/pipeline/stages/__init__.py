"""Declared stages: what they are, how they hang together, and which of them a run needs."""
