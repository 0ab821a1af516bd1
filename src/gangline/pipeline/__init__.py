"""File pipelines: stages that make files from files, run when something is out of date."""
