-- What the tasks of pipelines have done. Each entry is a JSON text under a digest of it.

-- name: create_tasks
CREATE TABLE IF NOT EXISTS tasks (
    pipeline TEXT NOT NULL, task TEXT NOT NULL, entry TEXT NOT NULL, digest TEXT NOT NULL,
    PRIMARY KEY (pipeline, task)
) WITHOUT ROWID;

-- name: create_jobs
CREATE TABLE IF NOT EXISTS jobs (
    pipeline TEXT NOT NULL, task TEXT NOT NULL, job TEXT NOT NULL, entry TEXT NOT NULL, digest TEXT NOT NULL,
    PRIMARY KEY (pipeline, task, job)
) WITHOUT ROWID;

-- name: list_tasks
SELECT task, entry, digest FROM tasks WHERE pipeline = ?;

-- name: put_task
INSERT OR REPLACE INTO tasks (pipeline, task, entry, digest) VALUES (?, ?, ?, ?);

-- name: list_jobs
SELECT job, entry, digest FROM jobs WHERE pipeline = ? AND task = ?;

-- name: put_job
INSERT OR REPLACE INTO jobs (pipeline, task, job, entry, digest) VALUES (?, ?, ?, ?, ?);

-- name: drop_task
DELETE FROM tasks WHERE pipeline = ? AND task = ?;

-- name: drop_jobs
DELETE FROM jobs WHERE pipeline = ? AND task = ?;

-- name: drop_job
DELETE FROM jobs WHERE pipeline = ? AND task = ? AND job = ?;
