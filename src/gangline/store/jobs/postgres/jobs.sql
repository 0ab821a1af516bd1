-- What only the PostgreSQL store says.

-- name: in_queue
NOT j.journaled

-- name: turn
SELECT turn(:worker, :completed::text::jsonb, :endings::text::jsonb, :room, :ahead::text::jsonb, :forced_only, :hasty);

-- name: find_expired
SELECT * FROM claims_of(NULL);

-- name: find_held
SELECT * FROM claims_of(:worker);

-- name: hold_claim
SELECT 1 FROM jobs WHERE id = :job AND fence = :fence AND state = 'running' FOR UPDATE;

-- name: end_within
SELECT lost IS NULL FROM end_jobs(:completed::text::jsonb, :endings::text::jsonb);

-- name: outlast
SELECT pg_logical_emit_message(TRUE, 'gangline', '');

-- name: confirm
SELECT pg_logical_emit_message(TRUE, 'gangline', ''), lost_of(CAST(:jobs AS bigint[]), CAST(:fences AS bigint[]));

-- name: enter_one
CALL enter_one(
    :lane::bigint, :args, :digest, :is_unique, :priority::bigint, :attempts::bigint, :properties, :wait_s, :parent::bigint,
    :host, :user, :tag, :author, :hidden, NULL
);

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
