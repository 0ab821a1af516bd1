"""Which jobs have something to do, and why: times, history, checksums, contents."""
