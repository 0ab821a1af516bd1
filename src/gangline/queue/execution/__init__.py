"""Inside an engine: how a job that a worker has claimed is run."""
