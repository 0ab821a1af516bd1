"""Pictures of a pipeline: its stages, what each builds on, and which of them would run."""
