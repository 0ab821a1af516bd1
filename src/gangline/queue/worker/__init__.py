"""The daemon that takes jobs from a queue and has them run on this host."""
