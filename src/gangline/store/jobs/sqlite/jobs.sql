-- What only the SQLite store says. In turns it is alone in the file, and decides in Python.
--
-- A job that is complete keeps its unique_key until an equal one comes: to take a hundred of them out of the index would
-- change a hundred pages of it, since equal jobs are rare and digests lie anywhere.

-- name: in_queue
j.id IN (
    SELECT id FROM jobs WHERE place = 'ready' UNION ALL SELECT id FROM jobs WHERE place = 'waiting'
    UNION ALL SELECT id FROM jobs WHERE place = 'held' UNION ALL SELECT id FROM jobs WHERE place IS NULL AND NOT journaled
)

-- name: add_job
INSERT INTO jobs (
    id, lane, state, place, priority, attempts, attempts_left, enqueued_at, query_at, parent, digest, is_unique, unique_key,
    hidden, enqueued_host, enqueued_user, tag, author, properties, args
)
VALUES (
    ?1, ?2, 'pending', ?3, ?4, ?5, ?5, ?6, ?7, ?8, ?9, ?10, CASE WHEN ?10 THEN ?9 END, ?11, ?12, ?13, ?14, ?15, ?16, ?17
);

-- name: add_alike
INSERT OR FAIL INTO jobs (
    id, lane, state, place, priority, attempts, attempts_left, enqueued_at, query_at, parent, digest, is_unique, unique_key,
    hidden, enqueued_host, enqueued_user, tag, author, properties, args
)
SELECT :first + key, :lane, 'pending', :place, :priority, :attempts, :attempts, :now, :query_at, :parent,
    substr(:digests, 1 + :size * key, :size), :is_unique, CASE WHEN :is_unique THEN substr(:digests, 1 + :size * key, :size) END,
    :hidden, :host, :user, :tag, :author, :properties, value
FROM json_each(:args);

-- name: last_id
SELECT max(last, coalesce((SELECT max(id) FROM jobs), 0)) FROM numbers;

-- name: copy_job
INSERT INTO jobs (
    id, lane, state, place, priority, attempts, attempts_left, enqueued_at, parent, digest, is_unique, unique_key, hidden,
    enqueued_host, enqueued_user, tag, author, properties, args
)
SELECT (SELECT 1 + max(last, (SELECT max(id) FROM jobs)) FROM numbers), lane, 'pending', 'ready', priority, attempts, attempts,
    :now, id, digest, is_unique, CASE WHEN is_unique THEN digest END, hidden, enqueued_host, enqueued_user, tag, author,
    properties, args
FROM jobs WHERE id = :job
RETURNING id;

-- name: find_unique
SELECT id FROM jobs WHERE unique_key = ? AND state <> 'complete';

-- name: free_keys
UPDATE jobs SET unique_key = NULL WHERE unique_key = ? AND state = 'complete';

-- name: look
SELECT w.name, w.host, w.lease_s, w.halting,
    (SELECT min(query_at) FROM jobs WHERE place = 'waiting'),
    (SELECT min(next_at) FROM schedules),
    (SELECT count(*) FROM pauses),
    EXISTS (SELECT 1 FROM jobs WHERE killing AND worker = w.id),
    (SELECT min(lane) FROM jobs WHERE place = 'ready'),
    (SELECT max(lane) FROM jobs WHERE place = 'ready')
FROM workers w WHERE w.id = ? AND w.gone_at IS NULL;

-- name: promote
UPDATE jobs SET place = CASE WHEN EXISTS (SELECT 1 FROM needs n WHERE n.job = jobs.id) THEN 'held' ELSE 'ready' END
WHERE place = 'waiting' AND query_at <= ?;

-- name: head_of_lane
SELECT priority, id FROM jobs WHERE place = 'ready' AND lane = ? ORDER BY priority DESC, id LIMIT ?;

-- name: claim_head
UPDATE jobs
SET state = 'running', place = NULL, fence = fence + 1, trial = trial + 1, worker = ?, started_at = ?, lease_until = ?,
    heartbeat = NULL, progress = NULL, wall_at = NULL, zombie_at = NULL
WHERE id IN (SELECT id FROM jobs WHERE place = 'ready' AND lane = ? ORDER BY priority DESC, id LIMIT ?)
RETURNING id, fence, lane, args, properties, priority, trial, attempts_left, enqueued_at, parent;

-- name: claim_job
UPDATE jobs
SET state = 'running', place = NULL, fence = fence + 1, trial = trial + 1, worker = ?, started_at = ?, lease_until = ?,
    heartbeat = NULL, progress = NULL, wall_at = NULL, zombie_at = NULL
WHERE id = ?
RETURNING id, fence, lane, args, properties, priority, trial, attempts_left, enqueued_at, parent;

-- name: complete_job
UPDATE jobs
SET state = 'complete', journaled = 1, lease_until = NULL, finished_at = ?1, runtime_s = ?2,
    message = CASE WHEN ?3 = '' THEN message ELSE ?3 END, result = ?4, killing = 0, removing = 0,
    removed_at = CASE WHEN removing THEN ?1 END
WHERE id = ?5 AND fence = ?6 AND state = 'running';

-- name: find_claim
SELECT state, fence, killing, removing, trial, attempts_left, first_deferred_at, worker FROM jobs WHERE id = ?;

-- name: end_job
UPDATE jobs
SET state = :state, place = :place, journaled = :journaled, unique_key = CASE WHEN :final THEN NULL ELSE unique_key END,
    lease_until = NULL, killing = 0, removing = 0, trial = :trial, attempts_left = :attempts_left,
    failures = failures + :failed, query_at = coalesce(:query_at, query_at), first_deferred_at = :first_deferred_at,
    runtime_s = :runtime_s, message = CASE WHEN :message = '' THEN message ELSE :message END,
    result = :result, finished_at = CASE WHEN :final THEN :now END,
    killed_at = CASE WHEN :state = 'killed' THEN :now ELSE killed_at END,
    inactive_at = CASE WHEN :state = 'inactive' THEN :now ELSE inactive_at END,
    removed_at = CASE WHEN :removed THEN :now ELSE removed_at END
WHERE id = :job;

-- name: any_need
SELECT EXISTS (SELECT 1 FROM needs);

-- name: answer_needs
DELETE FROM needs WHERE needed = ? RETURNING job;

-- name: answer_class_needs
DELETE FROM needs
WHERE class = (SELECT l.name FROM jobs j JOIN lanes l ON l.id = j.lane WHERE j.id = ?1)
    AND ?1 = (SELECT j.id FROM jobs j WHERE j.lane IN (SELECT id FROM lanes WHERE name = class) ORDER BY j.id DESC LIMIT 1)
RETURNING job;

-- name: release_held
UPDATE jobs SET place = 'ready'
WHERE id = ? AND place = 'held' AND NOT EXISTS (SELECT 1 FROM needs n WHERE n.job = jobs.id);
