-- What is said in the same words to both databases. Each file of a store holds what only that one understands.
--
-- :name is a parameter, :now the database's clock; IN_LIST(x) is a test whether the value before it is among a list.
-- LOCKED holds the rows until the transaction ends, LOCKED_OR_LEFT the same, leaving out those that others hold. SQLite, where
-- one writes at a time, needs neither.

-- name: job_columns
SELECT j.id, l.name, l.workers, l.python, l.folder, l.force, l.max_parallel, l.max_parallel_total, j.args, j.digest, j.state,
    j.journaled, j.priority, j.trial, j.attempts, j.attempts_left, j.properties, j.enqueued_at, j.enqueued_host,
    j.enqueued_user, j.parent, j.query_at, j.started_at, j.finished_at, j.runtime_s, coalesce(w.name, '') AS worker,
    coalesce(w.host, '') AS host, w.pid, j.lease_until, j.heartbeat, j.progress, j.message, j.result, j.sources, j.lost,
    j.first_deferred_at, j.wall_at, j.zombie_at, j.inactive_at, j.killed_at, j.removed_at, j.tag, j.author, j.hidden,
    j.is_unique, j.place, j.failures

-- name: job_tables
FROM jobs j JOIN lanes l ON l.id = j.lane LEFT JOIN workers w ON w.id = j.worker

-- name: get_job
{job_columns} {job_tables} WHERE j.id = :job;

-- name: find_place
SELECT place, :now FROM jobs WHERE id = :job;

-- name: read_clock
SELECT :now;

-- name: list_errors
SELECT e.job, e.trial, e.at, e.error, coalesce(w.name, ''), coalesce(w.host, '')
FROM errors e LEFT JOIN workers w ON w.id = e.worker
WHERE e.job IN_LIST(:jobs)
ORDER BY e.job, e.number;

-- name: list_needs
SELECT job, needed, class FROM needs WHERE job IN_LIST(:jobs) ORDER BY job, needed NULLS LAST, class;

-- name: list_output
SELECT number, trial, stream, at, text FROM output WHERE job = :job AND number > :after ORDER BY number LIMIT :limit;

-- name: find_job
SELECT state, journaled, place, fence, killing, removing, trial, lost, attempts, worker FROM jobs WHERE id = :job LOCKED;

-- name: existing_jobs
SELECT id, state, journaled FROM jobs WHERE id IN_LIST(:jobs);

-- name: newest_of_class
SELECT id, state FROM jobs WHERE lane IN (SELECT id FROM lanes WHERE name = :name) ORDER BY id DESC LIMIT 1;

-- name: list_lanes
SELECT id, name, workers, python, folder, force, max_parallel, max_parallel_total FROM lanes WHERE id IN_LIST(:lanes);

-- name: find_lanes
SELECT key, id FROM lanes WHERE key IN_LIST(:keys);

-- name: add_lane
INSERT INTO lanes (key, name, workers, python, folder, force, max_parallel, max_parallel_total)
VALUES (:key, :name, :workers, :python, :folder, :force, :max_parallel, :max_parallel_total)
ON CONFLICT (key) DO NOTHING;

-- name: add_need
INSERT INTO needs (job, needed, class) VALUES (:job, :needed, :class);

-- name: add_error
INSERT INTO errors (job, number, trial, at, worker, error)
SELECT :job, coalesce(max(number), 0) + 1, :trial, :now, :worker, :error FROM errors WHERE job = :job;

-- name: count_failure
UPDATE jobs SET failures = failures + 1 WHERE id = :job;

-- name: last_output
SELECT coalesce(max(number), 0) FROM output WHERE job = :job;

-- name: add_output
INSERT INTO output (job, number, trial, stream, at, text) VALUES (:job, :number, :trial, :stream, :at, :text);

-- name: find_sources
SELECT sources FROM jobs WHERE id = :job;

-- name: set_sources
UPDATE jobs SET sources = :sources WHERE id = :job;

-- name: drop_needs
DELETE FROM needs WHERE job = :job;

-- name: move_needs
UPDATE needs SET needed = :new WHERE needed = :old;

-- name: kill_waiting
UPDATE jobs SET state = 'killed', place = NULL, unique_key = NULL, finished_at = :now, killed_at = :now WHERE id = :job;

-- name: order_kill
UPDATE jobs SET killing = TRUE WHERE id = :job;

-- name: order_removal
UPDATE jobs SET removing = TRUE WHERE id = :job;

-- name: journal_job
UPDATE jobs SET journaled = TRUE, removed_at = :now WHERE id = :job;

-- name: hasten
UPDATE jobs
SET place = CASE WHEN EXISTS (SELECT 1 FROM needs n WHERE n.job = jobs.id) THEN 'held' ELSE 'ready' END, query_at = :now
WHERE id = :job;

-- name: find_equal
SELECT id FROM jobs WHERE unique_key = (SELECT digest FROM jobs WHERE id = :job) AND state <> 'complete';

-- name: free_key
UPDATE jobs SET unique_key = NULL WHERE unique_key = (SELECT digest FROM jobs WHERE id = :job) AND state = 'complete';

-- name: copy_job
INSERT INTO jobs (
    lane, state, place, priority, attempts, attempts_left, enqueued_at, parent, digest, is_unique, unique_key, hidden,
    enqueued_host, enqueued_user, tag, author, properties, args
)
SELECT lane, 'pending', 'ready', priority, attempts, attempts, :now, id, digest, is_unique,
    CASE WHEN is_unique THEN digest END, hidden, enqueued_host, enqueued_user, tag, author, properties, args
FROM jobs WHERE id = :job
RETURNING id;

-- name: give_back
UPDATE jobs
SET state = 'pending', place = 'ready', worker = NULL, lease_until = NULL, fence = fence + 1, trial = trial - 1,
    lost = lost + :lost
WHERE id = :job;

-- name: end_lost
UPDATE jobs
SET state = :state, place = NULL, unique_key = NULL, lease_until = NULL, fence = fence + 1, lost = lost + 1, killing = FALSE,
    removing = FALSE, finished_at = :now, journaled = :journaled,
    killed_at = CASE WHEN :state = 'killed' THEN :now ELSE killed_at END,
    removed_at = CASE WHEN :journaled THEN :now ELSE removed_at END
WHERE id = :job;

-- name: find_expired
SELECT id, killing, removing, trial, lost, worker FROM jobs
WHERE state = 'running' AND place IS NULL AND NOT journaled AND lease_until < :now
LOCKED_OR_LEFT;

-- name: find_held
SELECT id, killing, removing, trial, lost, worker FROM jobs
WHERE state = 'running' AND place IS NULL AND NOT journaled AND worker = :worker
LOCKED;

-- name: renew_leases
UPDATE jobs SET lease_until = :now + :lease_s
WHERE state = 'running' AND place IS NULL AND NOT journaled AND worker = :worker AND id IN_LIST(:jobs)
RETURNING id, fence;

-- name: complete_claims
SELECT id, fence FROM jobs WHERE state = 'complete' AND id IN_LIST(:jobs);

-- name: tell_progress
UPDATE jobs
SET heartbeat = :now, progress = coalesce(:progress, progress), message = coalesce(:message, message),
    wall_at = CASE WHEN :flag = 'wall' THEN :now ELSE wall_at END,
    zombie_at = CASE WHEN :flag = 'zombie' THEN :now ELSE zombie_at END
WHERE id = :job AND fence = :fence AND state = 'running'
RETURNING trial;

-- name: flag_job
UPDATE jobs
SET wall_at = CASE WHEN :flag = 'wall' THEN :now ELSE wall_at END,
    zombie_at = CASE WHEN :flag = 'zombie' THEN :now ELSE zombie_at END
WHERE id = :job AND fence = :fence AND state = 'running'
RETURNING trial;

-- name: list_orders
SELECT id, fence FROM jobs WHERE killing AND worker = :worker ORDER BY id;

-- name: add_worker
INSERT INTO workers (id, name, host, pid, slots, lease_s, started_at, heartbeat)
VALUES (:id, :name, :host, :pid, :slots, :lease_s, :now, :now);

-- name: find_namesakes
SELECT host, pid FROM workers WHERE gone_at IS NULL AND name = :name AND heartbeat + lease_s >= :now;

-- name: find_worker
SELECT lease_s, halting FROM workers WHERE id = :worker AND gone_at IS NULL;

-- name: renew_worker
UPDATE workers SET heartbeat = :now WHERE id = :worker AND gone_at IS NULL RETURNING lease_s, halting;

-- name: forget_worker
UPDATE workers SET gone_at = :now WHERE id = :worker AND gone_at IS NULL;

-- name: forget_dead_workers
UPDATE workers SET gone_at = :now WHERE gone_at IS NULL AND heartbeat + lease_s < :now - 3600;

-- name: halt_worker
UPDATE workers SET halting = TRUE WHERE gone_at IS NULL AND name = :name AND heartbeat + lease_s >= :now RETURNING id;

-- name: list_workers
SELECT w.id, w.name, w.host, w.pid, w.slots, w.started_at, w.heartbeat, w.lease_s, w.heartbeat + w.lease_s >= :now, w.halting,
    (SELECT count(*) FROM jobs j WHERE j.state = 'running' AND j.place IS NULL AND NOT j.journaled AND j.worker = w.id)
FROM workers w
WHERE w.gone_at IS NULL AND w.heartbeat + w.lease_s >= :now - 3600
ORDER BY w.name, w.started_at;

-- name: add_pause
INSERT INTO pauses (scope, name, since, reason) VALUES (:scope, :name, :now, :reason) ON CONFLICT (scope, name) DO NOTHING;

-- name: drop_pause
DELETE FROM pauses WHERE scope = :scope AND name = :name RETURNING name;

-- name: list_pauses
SELECT scope, name, since, reason FROM pauses ORDER BY scope, name;

-- name: count_running
SELECT w.host, count(*)
FROM jobs j JOIN workers w ON w.id = j.worker
WHERE j.state = 'running' AND j.place IS NULL AND NOT j.journaled AND j.lane IN (SELECT id FROM lanes WHERE name = :name)
GROUP BY w.host;

-- name: ready_lanes
WITH RECURSIVE open (lane) AS (
    SELECT (SELECT min(lane) FROM jobs WHERE place = 'ready')
    UNION ALL
    SELECT (SELECT min(j.lane) FROM jobs j WHERE j.place = 'ready' AND j.lane > open.lane) FROM open WHERE open.lane IS NOT NULL
)
SELECT lane FROM open WHERE lane IS NOT NULL;

-- name: count_before
SELECT count(*) FROM jobs WHERE place = 'ready' AND (priority > :priority OR (priority = :priority AND id < :job));

-- name: purge_journal
DELETE FROM jobs WHERE id IN (
    SELECT id FROM jobs WHERE journaled AND finished_at <= :now - :older_than_s AND state IN_LIST(:states) LIMIT :limit
) RETURNING id;

-- name: purge_final
DELETE FROM jobs WHERE id IN (
    SELECT id FROM jobs
    WHERE place IS NULL AND NOT journaled AND state IN_LIST(:states) AND finished_at <= :now - :older_than_s
    LIMIT :limit
) RETURNING id;

-- name: purge_output
DELETE FROM output WHERE job IN_LIST(:jobs);

-- name: purge_errors
DELETE FROM errors WHERE job IN_LIST(:jobs);

-- name: purge_needs
DELETE FROM needs WHERE job IN_LIST(:jobs);

-- name: list_cookie
SELECT key, value FROM cookies WHERE name = :name ORDER BY key;

-- name: find_crumb
SELECT value FROM cookies WHERE name = :name AND key = :key;

-- name: set_crumb
INSERT INTO cookies (name, key, value) VALUES (:name, :key, :value) ON CONFLICT (name, key) DO UPDATE SET value = excluded.value;

-- name: drop_crumb
DELETE FROM cookies WHERE name = :name AND key = :key;

-- name: drop_cookie
DELETE FROM cookies WHERE name = :name;

-- name: find_value
SELECT value FROM shared_values WHERE key = :key;

-- name: set_value
INSERT INTO shared_values (key, value) VALUES (:key, :value) ON CONFLICT (key) DO UPDATE SET value = excluded.value;

-- name: drop_value
DELETE FROM shared_values WHERE key = :key;

-- name: list_keys
SELECT key FROM shared_values WHERE substr(key, 1, length(:prefix)) = :prefix;

-- name: list_schedules
SELECT id, name, line, timezone, missed, job, next_at, last_at FROM schedules ORDER BY id;

-- name: add_schedule
INSERT INTO schedules (name, line, timezone, missed, job, next_at)
VALUES (:name, :line, :timezone, :missed, :job, :next_at)
ON CONFLICT (name) DO UPDATE SET line = excluded.line, timezone = excluded.timezone, missed = excluded.missed,
    job = excluded.job, next_at = CASE
        WHEN schedules.line = excluded.line AND schedules.timezone = excluded.timezone THEN schedules.next_at
        ELSE excluded.next_at
    END
RETURNING id;

-- name: move_schedule
UPDATE schedules SET next_at = :next_at, last_at = :due_at WHERE id = :schedule AND next_at = :due_at RETURNING id;

-- name: drop_schedule
DELETE FROM schedules WHERE id = :schedule RETURNING id;
