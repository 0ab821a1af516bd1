"""Commands of a pipeline's jobs: run here, run through a batch system, or only pretended to be run."""
