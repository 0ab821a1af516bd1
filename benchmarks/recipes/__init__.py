"""Node scripts that benchmarks have run on hosts."""
