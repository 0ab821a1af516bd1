-- What only the PostgreSQL store says.

-- name: in_queue
NOT j.journaled

-- name: turn
SELECT turn(:worker, :completed::text::jsonb, :endings::text::jsonb, :room, :ahead::text::jsonb, :forced_only);

-- name: hold_claim
SELECT 1 FROM jobs WHERE id = :job AND fence = :fence AND state = 'running' FOR UPDATE;

-- name: end_within
SELECT lost IS NULL FROM end_jobs(:completed::text::jsonb, :endings::text::jsonb);

-- name: enter_one
WITH new AS (
    INSERT INTO jobs (
        lane, state, place, priority, attempts, attempts_left, enqueued_at, query_at, parent, digest, is_unique, unique_key, hidden,
        enqueued_host, enqueued_user, tag, author, properties, args
    )
    SELECT :lane, 'pending', CASE WHEN :wait_s > 0 THEN 'waiting' ELSE 'ready' END, :priority, :attempts, :attempts, clock(),
        CASE WHEN :wait_s > 0 THEN clock() + :wait_s END, :parent, :digest, CAST(:is_unique AS boolean), CASE WHEN :is_unique THEN :digest END, :hidden, :host, :user, :tag,
        :author, :properties, :args
    WHERE :parent::bigint IS NULL OR EXISTS (SELECT 1 FROM jobs WHERE id = :parent)
    ON CONFLICT (unique_key) WHERE unique_key IS NOT NULL DO NOTHING
    RETURNING id
)
SELECT id, tell_changed(TRUE, FALSE) FROM new;

-- name: enter
SELECT enter_jobs(:jobs::text::jsonb, :equal);

-- name: take_numbers
SELECT min(number), max(number), CASE WHEN max(number) - min(number) >= :count THEN array_agg(number) END, :now
FROM (
    SELECT nextval(sequence.name) AS number
    FROM (SELECT pg_get_serial_sequence('jobs', 'id')::regclass AS name OFFSET 0) sequence, generate_series(1, :count)
) taken;

-- name: copy_jobs
COPY jobs (
    id, args, digest, unique_key, lane, state, place, priority, attempts, attempts_left, enqueued_at, query_at, parent, is_unique,
    hidden, enqueued_host, enqueued_user, tag, author, properties
) FROM STDIN;

-- name: find_uniques
SELECT unique_key, id FROM jobs WHERE unique_key = ANY (:digests);
