"""What one client reaches: its costs measured here, and the scheduler at work on simulated engines at those costs.

`python -m benchmarks.scale` measures, simulates, and writes `docs/scale.json`, `docs/scale.svg` and the tables of
`docs/scale.md`.
"""
