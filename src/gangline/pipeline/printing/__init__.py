"""What a run would do, and why: the jobs of each stage in words."""
