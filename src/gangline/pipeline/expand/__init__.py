"""From the declaration of a stage and the files that there are to the stage's jobs: pure generators."""
