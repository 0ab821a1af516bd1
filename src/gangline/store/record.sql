-- name: add_run
INSERT INTO runs (id, program, argv, folder, backend, engines, options, host, pid, started_at)
VALUES (:id, :program, :argv, :folder, :backend, :engines, :options, :host, :pid, :started_at);

-- name: end_run
UPDATE runs SET ended_at = ?, outcome = ?, message = ? WHERE id = ?;

-- name: end_tasks_left
UPDATE tasks SET ended_at = ?, outcome = 'cancelled' WHERE run = ? AND outcome IS NULL;

-- name: add_stage
INSERT OR REPLACE INTO stages (run, name, total, fresh, started_at) VALUES (?, ?, ?, ?, ?);

-- name: count_stage
UPDATE stages SET fresh = ? WHERE run = ? AND name = ?;

-- name: grow_stage
UPDATE stages SET total = total + ? WHERE run = ? AND name = ?;

-- name: end_stage
UPDATE stages SET ended_at = ?, outcome = ? WHERE run = ? AND name = ?;

-- name: add_task
INSERT INTO tasks (run, number, stage, job, inputs, outputs, reason, waits_for, added_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: start_task
UPDATE tasks SET started_at = ? WHERE run = ? AND number = ? AND started_at IS NULL;

-- name: end_task
UPDATE tasks SET ended_at = ?, outcome = ? WHERE run = ? AND number = ?;

-- name: add_attempt
INSERT OR REPLACE INTO attempts (
    run, task, number, outcome, started_at, ended_at, engine, host, pid, error_type, error, traceback, exit_code, signal,
    command, stdout, stderr
) VALUES (
    :run, :task, :number, :outcome, :started_at, :ended_at, :engine, :host, :pid, :error_type, :error, :traceback,
    :exit_code, :signal, :command, :stdout, :stderr
);

-- Older runs beyond the newest few are dropped with all that belongs to them.
-- name: prune_runs
DELETE FROM runs WHERE id NOT IN (SELECT id FROM runs ORDER BY started_at DESC LIMIT ?);

-- name: list_runs
SELECT id, program, argv, folder, backend, engines, options, host, pid, started_at, ended_at, outcome, message
FROM runs ORDER BY started_at DESC LIMIT ?;

-- name: find_runs
SELECT id, program, argv, folder, backend, engines, options, host, pid, started_at, ended_at, outcome, message
FROM runs WHERE substr(id, 1, length(?1)) = ?1 ORDER BY started_at DESC;

-- name: list_stages
SELECT name, total, fresh, started_at, ended_at, outcome,
    (SELECT count(*) FROM tasks WHERE tasks.run = stages.run AND tasks.stage = stages.name AND tasks.outcome = 'ok'),
    (SELECT count(*) FROM tasks WHERE tasks.run = stages.run AND tasks.stage = stages.name AND tasks.outcome = 'failed'),
    (SELECT count(*) FROM tasks WHERE tasks.run = stages.run AND tasks.stage = stages.name AND tasks.outcome IS NULL
        AND tasks.started_at IS NOT NULL)
FROM stages WHERE run = ? ORDER BY started_at, rowid;

-- name: list_tasks
SELECT run, number, stage, job, inputs, outputs, reason, waits_for, added_at, started_at, ended_at, outcome
FROM tasks
WHERE run = :run AND (:outcome IS NULL OR outcome = :outcome) AND (:stage IS NULL OR stage = :stage)
ORDER BY number;

-- name: get_task
SELECT run, number, stage, job, inputs, outputs, reason, waits_for, added_at, started_at, ended_at, outcome
FROM tasks WHERE run = ? AND number = ?;

-- name: find_tasks
SELECT run, number, stage, job, inputs, outputs, reason, waits_for, added_at, started_at, ended_at, outcome
FROM tasks
WHERE run = :run AND (stage = :text OR instr(job, :text) OR EXISTS (SELECT 1 FROM json_each(outputs) WHERE value = :text))
ORDER BY number;

-- name: count_tasks
SELECT stage, coalesce(outcome, CASE WHEN started_at IS NULL THEN 'waiting' ELSE 'running' END) AS state, count(*)
FROM tasks WHERE run = ? GROUP BY stage, state;

-- name: list_ended_tasks
SELECT run, number, stage, job, inputs, outputs, reason, waits_for, added_at, started_at, ended_at, outcome
FROM tasks
WHERE run = ? AND ended_at >= ?
ORDER BY ended_at, number;

-- name: list_attempts
SELECT number, outcome, started_at, ended_at, engine, host, pid, error_type, error, traceback, exit_code, signal, command,
    stdout, stderr
FROM attempts WHERE run = ? AND task = ? ORDER BY number;
