-- What a worker's turn does on the server, so that it takes one round trip. The words and the rules are those of port.py.
--
-- `turn` and `end_jobs` are what is called from outside; the others see the settings of these. The settings keep the planner
-- from scanning, sorting or joining whole tables, whatever it believes of tables that were never analysed. It may have
-- planned while there was nothing in them; so statements are such that no other way is open, or all are good.

CREATE FUNCTION hex(bytea) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT encode($1, 'hex') $$;

-- JSON that can be looked into; NULL for what PostgreSQL cannot hold (halves of surrogate pairs).
CREATE FUNCTION document(json_text text) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN replace(json_text, '\u0000', '\ufffd')::jsonb;
EXCEPTION WHEN data_exception THEN
    RETURN NULL;
END $$;

CREATE FUNCTION clock() RETURNS double precision LANGUAGE sql VOLATILE AS
$$ SELECT extract(epoch FROM clock_timestamp())::double precision $$;

-- Wakes those who wait: workers, or those who wait for the end of jobs. These hold a lock while they do; while nobody holds
-- it, nobody is told.
CREATE FUNCTION tell_changed(workers boolean, ends boolean) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF workers THEN
        PERFORM pg_notify('gangline_' || current_schema(), '');
    END IF;
    IF ends AND NOT pg_try_advisory_xact_lock(hashtextextended('gangline ends ' || current_schema(), 0)) THEN
        PERFORM pg_notify('gangline_ends_' || current_schema(), '');
    END IF;
END $$;

-- Enters one job that needs no other: its id, or NULL if there is an equal one, or not the one that it names as what it comes
-- from. Who waits is told of it before it is on the disk, so that it is on its way meanwhile; whoever enters it goes on when it
-- is there, and so does a worker that claims it, for that is written behind it.
CREATE PROCEDURE enter_one(
    lane bigint, args text, digest bytea, is_unique boolean, priority bigint, attempts bigint, properties text,
    wait_s double precision, parent bigint, host text, "user" text, tag text, author text, hidden boolean, INOUT number bigint
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    now_s double precision := clock();
    said text := set_config('synchronous_commit', 'off', TRUE);
    written_at pg_lsn;
BEGIN
    -- Without a condition in the statement, it is planned once.
    IF parent IS NULL OR EXISTS (SELECT 1 FROM jobs WHERE id = enter_one.parent) THEN
        INSERT INTO jobs (
            lane, state, place, priority, attempts, attempts_left, enqueued_at, query_at, parent, digest, is_unique,
            unique_key, hidden, enqueued_host, enqueued_user, tag, author, properties, args
        ) VALUES (
            enter_one.lane, 'pending', CASE WHEN wait_s > 0 THEN 'waiting' ELSE 'ready' END, enter_one.priority,
            enter_one.attempts, enter_one.attempts, now_s, CASE WHEN wait_s > 0 THEN now_s + wait_s END, enter_one.parent,
            enter_one.digest, enter_one.is_unique, CASE WHEN enter_one.is_unique THEN enter_one.digest END, enter_one.hidden,
            host, "user", enter_one.tag, enter_one.author, enter_one.properties, enter_one.args
        ) ON CONFLICT (unique_key) WHERE unique_key IS NOT NULL DO NOTHING RETURNING id INTO number;
    END IF;
    IF number IS NOT NULL THEN
        said := pg_notify('gangline_' || current_schema(), '');
    END IF;
    COMMIT;
    written_at := pg_logical_emit_message(TRUE, 'gangline', '');
END $$;

-- Enters jobs, in their order. `equal` says what becomes of one that is equal to one that is not final: "refused" (then
-- nothing is entered), "entered" all the same, or "left out".
CREATE FUNCTION enter_jobs(new_jobs jsonb, equal text) RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
    item record;
    number bigint;
    other bigint;
    newest record;
    class_name text;
    waits boolean;
    ids bigint[] := '{}';
    now_s double precision := clock();
BEGIN
    FOR item IN SELECT * FROM jsonb_to_recordset(new_jobs) AS one (
        lane bigint, args text, digest text, is_unique boolean, priority bigint, attempts bigint, properties text,
        wait_s double precision, parent bigint, needs bigint[], classes text[], host text, "user" text, tag text, author text,
        hidden boolean
    ) LOOP
        IF item.parent IS NOT NULL AND NOT EXISTS (SELECT 1 FROM jobs WHERE id = item.parent) THEN
            RAISE EXCEPTION USING ERRCODE = 'GL002', MESSAGE = item.parent::text;
        END IF;
        number := NULL;
        WHILE number IS NULL LOOP
            INSERT INTO jobs (
                lane, state, place, priority, attempts, attempts_left, enqueued_at, query_at, parent, digest, is_unique,
                unique_key, hidden, enqueued_host, enqueued_user, tag, author, properties, args
            ) VALUES (
                item.lane, 'pending', CASE WHEN item.wait_s > 0 THEN 'waiting' ELSE 'ready' END, item.priority, item.attempts,
                item.attempts, now_s, CASE WHEN item.wait_s > 0 THEN now_s + item.wait_s END, item.parent,
                decode(item.digest, 'hex'), item.is_unique, CASE WHEN item.is_unique THEN decode(item.digest, 'hex') END,
                item.hidden, item.host, item."user", item.tag, item.author, item.properties, item.args
            ) ON CONFLICT (unique_key) WHERE unique_key IS NOT NULL DO NOTHING RETURNING id INTO number;
            IF number IS NULL AND equal = 'left out' THEN
                EXIT;
            ELSIF number IS NULL AND equal = 'entered' THEN
                item.is_unique := FALSE;
            ELSIF number IS NULL THEN
                SELECT id INTO other FROM jobs WHERE unique_key = decode(item.digest, 'hex');
                IF FOUND THEN
                    RAISE EXCEPTION USING ERRCODE = 'GL001', MESSAGE = other::text;
                END IF;  -- else it has ended meanwhile
            END IF;
        END LOOP;
        IF number IS NULL THEN
            CONTINUE;
        END IF;
        ids := ids || number;
        waits := FALSE;
        -- What is needed is held until this transaction ends, so that its own end sees that it is waited for.
        FOREACH other IN ARRAY coalesce(item.needs, '{}') LOOP
            SELECT id, state INTO newest FROM jobs WHERE id = other FOR SHARE;
            IF NOT FOUND THEN
                RAISE EXCEPTION USING ERRCODE = 'GL002', MESSAGE = other::text;
            ELSIF newest.state <> 'complete' THEN
                INSERT INTO needs (job, needed) VALUES (number, other);
                waits := TRUE;
            END IF;
        END LOOP;
        FOREACH class_name IN ARRAY coalesce(item.classes, '{}') LOOP
            SELECT id, state INTO newest FROM jobs
            WHERE lane IN (SELECT id FROM lanes WHERE name = class_name) AND id <> number ORDER BY id DESC LIMIT 1 FOR SHARE;
            IF NOT FOUND OR newest.state <> 'complete' THEN
                INSERT INTO needs (job, class) VALUES (number, class_name);
                waits := TRUE;
            END IF;
        END LOOP;
        IF waits THEN
            UPDATE jobs SET place = 'held' WHERE id = number AND place = 'ready';
        END IF;
    END LOOP;
    PERFORM tell_changed(cardinality(ids) > 0, FALSE);
    RETURN ids;
END $$;

-- Lets go what waited for jobs that are complete now. Rows are held before they are looked at: two jobs that end at the same
-- time would each see the other as missing yet.
CREATE FUNCTION answer_needs(complete bigint[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    waiting bigint[];
BEGIN
    IF NOT EXISTS (SELECT 1 FROM needs) THEN
        RETURN;
    END IF;
    WITH answered AS (
        DELETE FROM needs n
        WHERE n.needed = ANY (complete) OR n.class IN (
            SELECT l.name FROM jobs j JOIN lanes l ON l.id = j.lane
            WHERE j.id = ANY (complete) AND EXISTS (SELECT 1 FROM needs c WHERE c.class = l.name) AND j.id = (
                SELECT k.id FROM jobs k WHERE k.lane IN (SELECT m.id FROM lanes m WHERE m.name = l.name)
                ORDER BY k.id DESC LIMIT 1
            )
        )
        RETURNING n.job
    )
    SELECT array_agg(DISTINCT job) INTO waiting FROM answered;
    PERFORM 1 FROM jobs WHERE id = ANY (waiting) ORDER BY id FOR UPDATE;
    UPDATE jobs SET place = 'ready'
    WHERE id = ANY (waiting) AND place = 'held' AND NOT EXISTS (SELECT 1 FROM needs n WHERE n.job = jobs.id);
    PERFORM tell_changed(FOUND, FALSE);
END $$;

-- Writes what became of claims; returns those that were not held, and whether a job of a limited class has ended. `completed`
-- is for the many that are complete and have little to tell, as lists of the same length; `endings` for all others.
CREATE FUNCTION end_jobs(completed jsonb, endings jsonb, OUT lost jsonb, OUT freed boolean) LANGUAGE plpgsql
SET search_path FROM CURRENT SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off
SET enable_mergejoin = off SET jit = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    more_lost jsonb;
    more_freed boolean;
BEGIN
    IF completed IS NOT NULL THEN
        SELECT c.lost, c.freed INTO lost, freed FROM complete_jobs(completed) c;
    END IF;
    IF endings IS NOT NULL THEN
        SELECT e.lost, e.freed INTO more_lost, more_freed FROM end_each(endings) e;
        lost := coalesce(lost || more_lost, lost, more_lost);
        freed := coalesce(freed OR more_freed, more_freed);
    END IF;
END $$;

-- The claims of some jobs that are not held. The claim's number stands there still if the same was told before; taking a job
-- back raises it.
CREATE FUNCTION lost_of(ids bigint[], fences bigint[]) RETURNS jsonb LANGUAGE sql VOLATILE AS $$
    SELECT jsonb_agg(jsonb_build_array(told.job, told.fence)) FROM unnest(ids, fences) AS told (job, fence)
    WHERE (SELECT j.fence FROM jobs j WHERE j.id = told.job) IS DISTINCT FROM told.fence
$$;

CREATE FUNCTION has_limits(lane_ids bigint[]) RETURNS boolean LANGUAGE sql VOLATILE AS $$
    SELECT EXISTS (
        SELECT 1 FROM lanes WHERE id = ANY (lane_ids) AND (max_parallel IS NOT NULL OR max_parallel_total IS NOT NULL)
    )
$$;

-- Rows are found by their ids alone, in their order, and what is told of them by its place in the lists: to join the two would
-- take longer than to write them.
CREATE FUNCTION complete_jobs(completed jsonb, OUT lost jsonb, OUT freed boolean) LANGUAGE plpgsql AS $$
DECLARE
    now_s double precision := clock();
    ids bigint[] := ARRAY(SELECT value::bigint FROM jsonb_array_elements_text(completed -> 'jobs'));
    fences bigint[] := ARRAY(SELECT value::bigint FROM jsonb_array_elements_text(completed -> 'fences'));
    runtimes double precision[] :=
        ARRAY(SELECT value::double precision FROM jsonb_array_elements_text(completed -> 'runtimes'));
    messages text[] := ARRAY(SELECT value FROM jsonb_array_elements_text(completed -> 'messages'));
    results text[] := ARRAY(SELECT value FROM jsonb_array_elements_text(completed -> 'results'));
    done bigint[];
    lane_ids bigint[];
BEGIN
    WITH written AS (
        UPDATE jobs SET
            state = 'complete', place = NULL, journaled = TRUE, unique_key = NULL, lease_until = NULL, killing = FALSE,
            removing = FALSE, runtime_s = runtimes[array_position(ids, id)], finished_at = now_s,
            message = coalesce(messages[array_position(ids, id)], message), result = results[array_position(ids, id)],
            removed_at = CASE WHEN removing THEN now_s ELSE removed_at END
        WHERE id = ANY (ids) AND state = 'running' AND fence = fences[array_position(ids, id)]
        RETURNING id, lane
    )
    SELECT array_agg(id), array_agg(lane) INTO done, lane_ids FROM written;
    IF done IS NULL OR cardinality(done) < cardinality(ids) THEN
        lost := lost_of(ids, fences);
    END IF;
    IF done IS NOT NULL THEN
        freed := has_limits(lane_ids);
        PERFORM answer_needs(done);
        PERFORM tell_changed(FALSE, TRUE);
    END IF;
END $$;

CREATE FUNCTION end_each(endings jsonb, OUT lost jsonb, OUT freed boolean) LANGUAGE plpgsql AS $$
DECLARE
    now_s double precision := clock();
    complete bigint[];
    some_final boolean;
    some_ready boolean;
    done bigint[];
    lane_ids bigint[];
    ids bigint[];
    item record;
BEGIN
    ids := ARRAY(SELECT (e ->> 'job')::bigint FROM jsonb_array_elements(endings) e ORDER BY 1);
    PERFORM 1 FROM jobs WHERE id = ANY (ids) FOR UPDATE;
    WITH told AS (
        SELECT e.*, j.killing, j.removing, j.worker, j.trial AS at_trial,
            coalesce(j.first_deferred_at, CASE WHEN e.kind = 'deferred' THEN now_s END) AS deferred_at,
            CASE
                WHEN e.kind = 'complete' THEN 'complete'
                WHEN j.killing OR j.removing OR e.kind = 'killed' THEN 'killed'
                WHEN e.kind = 'released' THEN 'pending'
                WHEN e.kind = 'deferred' AND e.defer_max_s < now_s - j.first_deferred_at THEN 'inactive'
                WHEN e.kind = 'deferred' THEN 'deferred'
                WHEN e.kind = 'failed' AND j.attempts_left > 1 THEN 'failed'
                ELSE 'error'
            END AS becomes
        FROM jsonb_to_recordset(endings) AS e (
            job bigint, fence bigint, kind text, wait_s double precision, defer_max_s double precision, message text, error text,
            result text, runtime_s double precision, sources jsonb, output jsonb, next jsonb
        ), LATERAL (SELECT * FROM jobs WHERE id = e.job OFFSET 0) j
        WHERE j.fence = e.fence AND j.state = 'running'
    ), written AS (
        UPDATE jobs j SET
            state = t.becomes,
            place = CASE t.becomes WHEN 'pending' THEN 'ready' WHEN 'deferred' THEN 'waiting' WHEN 'failed' THEN 'waiting' END,
            journaled = t.removing OR t.becomes = 'complete',
            unique_key = CASE WHEN t.becomes IN ('pending', 'deferred', 'failed') THEN j.unique_key END,
            lease_until = NULL, killing = FALSE, removing = FALSE,
            trial = j.trial - (t.kind = 'released')::int,
            attempts_left = greatest(0, j.attempts_left - (t.kind IN ('failed', 'refused'))::int),
            failures = j.failures + (coalesce(t.error, '') <> '')::int,
            query_at = CASE WHEN t.becomes IN ('deferred', 'failed') THEN now_s + coalesce(t.wait_s, 0) ELSE j.query_at END,
            first_deferred_at = t.deferred_at,
            runtime_s = CASE WHEN t.kind = 'released' THEN NULL ELSE coalesce(t.runtime_s, 0) END,
            message = coalesce(t.message, j.message), result = t.result,
            finished_at = CASE WHEN t.becomes IN ('pending', 'deferred', 'failed') THEN NULL ELSE now_s END,
            killed_at = CASE WHEN t.becomes = 'killed' THEN now_s ELSE j.killed_at END,
            inactive_at = CASE WHEN t.becomes = 'inactive' THEN now_s ELSE j.inactive_at END,
            removed_at = CASE WHEN t.removing THEN now_s ELSE j.removed_at END
        FROM told t WHERE j.id = t.job AND j.id = ANY (ids)
        RETURNING j.id, j.state, j.lane
    ), failed AS (
        INSERT INTO errors (job, number, trial, at, worker, error)
        SELECT t.job, (SELECT coalesce(max(number), 0) + 1 FROM errors x WHERE x.job = t.job), t.at_trial, now_s, t.worker, t.error
        FROM told t WHERE coalesce(t.error, '') <> ''
    ), wrote AS (
        INSERT INTO output (job, number, trial, stream, at, text)
        SELECT t.job, (SELECT coalesce(max(number), 0) FROM output x WHERE x.job = t.job) + line.number, t.at_trial,
            line.value ->> 0, (line.value ->> 1)::double precision, line.value ->> 2
        FROM told t, jsonb_array_elements(t.output) WITH ORDINALITY AS line (value, number)
    )
    SELECT array_agg(w.id), array_agg(w.id) FILTER (WHERE w.state = 'complete'), array_agg(w.lane),
        bool_or(w.state NOT IN ('pending', 'deferred', 'failed')), bool_or(w.state IN ('pending', 'deferred', 'failed'))
    INTO done, complete, lane_ids, some_final, some_ready
    FROM written w;
    freed := has_limits(lane_ids);
    IF done IS NULL OR cardinality(done) < jsonb_array_length(endings) THEN
        lost := lost_of(
            ARRAY(SELECT (e ->> 'job')::bigint FROM jsonb_array_elements(endings) e),
            ARRAY(SELECT (e ->> 'fence')::bigint FROM jsonb_array_elements(endings) e)
        );
    END IF;
    FOR item IN
        SELECT e.job, e.sources, e.next
        FROM jsonb_to_recordset(endings) AS e (job bigint, sources jsonb, next jsonb)
        WHERE (e.sources IS NOT NULL OR e.next IS NOT NULL) AND e.job = ANY (done)
    LOOP
        IF item.sources IS NOT NULL THEN
            UPDATE jobs SET sources = (
                SELECT jsonb_agg(one.value ORDER BY one.first) FROM (
                    SELECT value, min(number) AS first
                    FROM jsonb_array_elements(jobs.sources::jsonb || item.sources) WITH ORDINALITY AS a (value, number)
                    GROUP BY value
                ) one
            )::text WHERE id = item.job;
        END IF;
        IF item.next IS NOT NULL AND item.job = ANY (complete) THEN
            PERFORM enter_jobs(item.next, 'left out');
        END IF;
    END LOOP;
    IF complete IS NOT NULL THEN
        PERFORM answer_needs(complete);
    END IF;
    PERFORM tell_changed(coalesce(some_ready, FALSE), coalesce(some_final, FALSE));
END $$;

-- The ready jobs of some lanes that are next, best first, held by this transaction; those that others hold are left out.
CREATE FUNCTION hold_next(lane_ids bigint[], most bigint) RETURNS SETOF bigint LANGUAGE plpgsql
SET enable_sort = off AS $$
BEGIN
    RETURN QUERY SELECT id FROM jobs WHERE place = 'ready' AND lane = lane_ids[1]
        ORDER BY priority DESC, id LIMIT most FOR UPDATE SKIP LOCKED;
END $$;

CREATE FUNCTION heads(lane_ids bigint[], mosts bigint[]) RETURNS TABLE (job bigint, lane_id bigint, job_priority bigint)
LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY SELECT head.id, wanted.lane, head.priority
        FROM unnest(lane_ids, mosts) AS wanted (lane, most)
        CROSS JOIN LATERAL (
            SELECT j.id, j.priority FROM jobs j WHERE j.place = 'ready' AND j.lane = wanted.lane
            ORDER BY j.priority DESC, j.id LIMIT wanted.most
        ) head
        ORDER BY head.priority DESC, head.id;
END $$;

-- Chooses and holds jobs for a worker: see `turn`. The rules are those of claiming.py.
CREATE FUNCTION choose_jobs(worker_name text, worker_host text, room bigint, ahead jsonb, forced_only boolean)
RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
    most bigint := room;
    own bigint;
    free_here bigint;
    open_ids bigint[] := '{}';
    open_mosts bigint[] := '{}';
    limits jsonb := '{}';
    names jsonb := '{}';
    lane record;
    head record;
    chosen bigint[] := '{}';
    class_name text;
    found_some boolean;
    passed bigint := 0;
    extra bigint := 32;
    is_limited boolean;
BEGIN
    IF ahead <> '{}' THEN
        most := greatest(room, (SELECT max(value::bigint) FROM jsonb_each_text(ahead)));
    END IF;
    FOR lane IN
        WITH RECURSIVE open (lane) AS (
            SELECT (SELECT min(j.lane) FROM jobs j WHERE j.place = 'ready')
            UNION ALL
            SELECT (SELECT min(j.lane) FROM jobs j WHERE j.place = 'ready' AND j.lane > open.lane)
            FROM open WHERE open.lane IS NOT NULL
        )
        SELECT l.* FROM open JOIN lanes l ON l.id = open.lane
        WHERE (NOT forced_only OR l.force)
            AND (l.workers = '[]' OR l.workers::jsonb ? worker_name)
            AND NOT EXISTS (
                SELECT 1 FROM pauses p WHERE p.scope = 'queue' OR p.scope = 'host' AND p.name = worker_host
                    OR p.scope = 'class' AND p.name = l.name
            )
        ORDER BY l.name, l.id
    LOOP
        is_limited := lane.max_parallel IS NOT NULL OR lane.max_parallel_total IS NOT NULL;
        IF is_limited THEN
            own := room;
        ELSE
            own := coalesce((ahead ->> lane.name)::bigint, room);
        END IF;
        CONTINUE WHEN own <= 0;
        IF is_limited THEN
            -- One after another, so that a limit is exact; who sees that it is exhausted need not wait for that.
            IF NOT limits ? lane.name THEN
                limits := limits || jsonb_build_object(lane.name, running_of(lane.name, worker_host));
            END IF;
            free_here := free_of(lane.max_parallel, lane.max_parallel_total, limits -> lane.name);
            CONTINUE WHEN free_here <= 0;
            IF NOT names ? lane.name THEN
                PERFORM pg_advisory_xact_lock(hashtextextended('gangline class ' || current_schema() || ' ' || lane.name, 0));
                names := names || jsonb_build_object(lane.name, TRUE);
                limits := limits || jsonb_build_object(lane.name, running_of(lane.name, worker_host));
                free_here := free_of(lane.max_parallel, lane.max_parallel_total, limits -> lane.name);
                CONTINUE WHEN free_here <= 0;
            END IF;
            own := least(own, free_here);
        END IF;
        open_ids := open_ids || lane.id;
        open_mosts := open_mosts || own;
    END LOOP;
    IF cardinality(open_ids) = 0 THEN
        RETURN '{}';
    ELSIF cardinality(open_ids) = 1 THEN
        RETURN ARRAY(SELECT hold_next(open_ids, least(open_mosts[1], most)));
    END IF;
    -- Several lanes: the heads of all are merged. Others may hold some of them, so more are looked at than are wanted.
    LOOP
        found_some := FALSE;
        passed := 0;
        FOR head IN
            SELECT h.job, l.name, l.max_parallel, l.max_parallel_total, ahead ? l.name AS may_lie
            FROM heads(open_ids, ARRAY(SELECT value + extra FROM unnest(open_mosts) AS value)) h JOIN lanes l ON l.id = h.lane_id
            ORDER BY h.job_priority DESC, h.job
        LOOP
            EXIT WHEN most <= 0;
            passed := passed + 1;
            is_limited := head.max_parallel IS NOT NULL OR head.max_parallel_total IS NOT NULL;
            IF is_limited THEN
                CONTINUE WHEN room <= 0 OR free_of(head.max_parallel, head.max_parallel_total, limits -> head.name) <= 0;
            ELSIF head.may_lie THEN
                CONTINUE WHEN (ahead ->> head.name)::bigint <= 0;
            ELSE
                CONTINUE WHEN room <= 0;
            END IF;
            CONTINUE WHEN head.job = ANY (chosen);
            PERFORM 1 FROM jobs WHERE id = head.job AND place = 'ready' FOR UPDATE SKIP LOCKED;
            CONTINUE WHEN NOT FOUND;
            chosen := chosen || head.job;
            found_some := TRUE;
            most := most - 1;
            IF is_limited OR NOT head.may_lie THEN
                room := room - 1;
            ELSE
                ahead := jsonb_set(ahead, ARRAY[head.name], to_jsonb((ahead ->> head.name)::bigint - 1));
            END IF;
            IF is_limited THEN
                limits := jsonb_set(limits, ARRAY[head.name], jsonb_build_array(
                    (limits -> head.name ->> 0)::bigint + 1, (limits -> head.name ->> 1)::bigint + 1
                ));
            END IF;
        END LOOP;
        EXIT WHEN most <= 0 OR found_some OR passed < extra OR extra > 100000;
        extra := extra * 8;
    END LOOP;
    RETURN chosen;
END $$;

-- How many jobs of a class run: on a host, and on all.
CREATE FUNCTION running_of(class_name text, worker_host text) RETURNS jsonb LANGUAGE sql VOLATILE AS $$
    SELECT jsonb_build_array(count(*) FILTER (WHERE w.host = worker_host), count(*))
    FROM jobs j JOIN workers w ON w.id = j.worker
    WHERE j.state = 'running' AND j.place IS NULL AND NOT j.journaled
        AND j.lane IN (SELECT id FROM lanes WHERE name = class_name)
$$;

CREATE FUNCTION free_of(here bigint, total bigint, running jsonb) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT least(here - (running ->> 0)::bigint, total - (running ->> 1)::bigint)
$$;

-- Claims whose lease is over and that nobody else looks at just now; or all of a worker. Once there was a moment in which many
-- jobs ran, the planner believes for long that many do.
CREATE FUNCTION claims_of(worker_number bigint)
RETURNS TABLE (job bigint, is_killed boolean, is_removed boolean, at_trial bigint, times_lost bigint, its_worker bigint)
LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    IF worker_number IS NULL THEN
        RETURN QUERY SELECT id, killing, removing, trial, lost, worker FROM jobs
            WHERE state = 'running' AND place IS NULL AND NOT journaled AND lease_until < clock()
            FOR UPDATE SKIP LOCKED;
    ELSE
        RETURN QUERY SELECT id, killing, removing, trial, lost, worker FROM jobs
            WHERE state = 'running' AND place IS NULL AND NOT journaled AND worker = worker_number
            FOR UPDATE;
    END IF;
END $$;

-- Makes jobs a worker's: the chosen ones or, where none were chosen, so many of those that are next in a lane. A forgotten claim
-- (see `turn`) has another fence than the one that follows on it, since the clock goes on.
CREATE FUNCTION claim_jobs(chosen bigint[], lane_id bigint, most bigint, worker_number bigint, lease_s double precision)
RETURNS json LANGUAGE plpgsql
SET enable_sort = off AS $$
DECLARE
    now_s double precision := clock();
    claimed json;
BEGIN
    WITH taken AS (
        UPDATE jobs j SET state = 'running', place = NULL, fence = greatest(fence + 1, (now_s * 1000000)::bigint), trial = trial + 1,
            worker = worker_number, started_at = now_s, lease_until = now_s + lease_s, heartbeat = NULL, progress = NULL,
            wall_at = NULL, zombie_at = NULL
        WHERE j.id = ANY (coalesce(chosen, ARRAY(
            SELECT id FROM jobs WHERE place = 'ready' AND lane = lane_id ORDER BY priority DESC, id LIMIT most
            FOR UPDATE SKIP LOCKED
        )))
        RETURNING j.id, j.fence, j.lane, j.args, j.properties, j.priority, j.trial, j.attempts_left, j.enqueued_at, j.parent
    )
    SELECT json_agg(json_build_array(
        t.id, t.fence, t.lane, t.args, t.properties, t.priority, t.trial, t.attempts_left, t.enqueued_at, t.parent
    )) INTO claimed FROM taken t;
    RETURN claimed;
END $$;

-- A worker's turn: see `JobStore.turn`. NULL if there is no such worker. All that decides whether there is anything to do is
-- asked at once: most of what a statement costs is its beginning and its end.
CREATE FUNCTION turn(
    worker_number bigint, completed jsonb, endings jsonb, room bigint, ahead jsonb, forced_only boolean, hasty boolean = FALSE
) RETURNS json LANGUAGE plpgsql
SET search_path FROM CURRENT SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off
SET enable_mergejoin = off SET jit = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    me record;
    now_s double precision;
    lost jsonb;
    freed boolean;
    class_name text;
    claimed json;
    next_at double precision;
    first_lane bigint;
BEGIN
    IF completed IS NOT NULL OR endings IS NOT NULL THEN
        IF NOT EXISTS (SELECT 1 FROM workers w WHERE w.id = worker_number AND w.gone_at IS NULL) THEN
            RETURN NULL;
        END IF;
        SELECT e.lost, e.freed INTO lost, freed FROM end_jobs(completed, endings) e;
    ELSIF hasty THEN
        PERFORM set_config('synchronous_commit', 'off', TRUE);
    END IF;
    SELECT w.name, w.host, w.lease_s, w.halting,
        (SELECT json_agg(json_build_array(j.id, j.fence) ORDER BY j.id) FROM jobs j WHERE j.killing AND j.worker = worker_number) AS orders,
        (SELECT min(s.next_at) FROM schedules s) AS due_at,
        (SELECT min(j.query_at) FROM jobs j WHERE j.place = 'waiting') AS waits_until,
        (SELECT min(j.lane) FROM jobs j WHERE j.place = 'ready') AS first_lane
    INTO me FROM workers w WHERE w.id = worker_number AND w.gone_at IS NULL;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    next_at := me.waits_until;
    first_lane := me.first_lane;
    now_s := clock();
    IF next_at <= now_s THEN
        UPDATE jobs SET place = CASE WHEN EXISTS (SELECT 1 FROM needs n WHERE n.job = jobs.id) THEN 'held' ELSE 'ready' END
        WHERE id = ANY (ARRAY(
            SELECT id FROM jobs WHERE place = 'waiting' AND query_at <= now_s ORDER BY query_at LIMIT 1000 FOR UPDATE SKIP LOCKED
        ));
        PERFORM tell_changed(FOUND, FALSE);
        SELECT (SELECT min(j.query_at) FROM jobs j WHERE j.place = 'waiting'), (SELECT min(j.lane) FROM jobs j WHERE j.place = 'ready')
        INTO next_at, first_lane;
    END IF;
    IF first_lane IS NOT NULL AND NOT me.halting AND (room > 0 OR ahead <> '{}') THEN
        -- Mostly there is but one lane, from which everybody may take.
        SELECT l.name INTO class_name FROM lanes l
        WHERE l.id = first_lane AND l.workers = '[]' AND l.max_parallel IS NULL AND l.max_parallel_total IS NULL
            AND (NOT forced_only OR l.force) AND NOT EXISTS (SELECT 1 FROM pauses)
            AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.place = 'ready' AND j.lane > first_lane);
        IF FOUND THEN
            claimed := claim_jobs(NULL, first_lane, greatest(0, coalesce((ahead ->> class_name)::bigint, room)), worker_number, me.lease_s);
        ELSE
            claimed := claim_jobs(choose_jobs(me.name, me.host, room, ahead, forced_only), NULL, 0, worker_number, me.lease_s);
        END IF;
    END IF;
    IF freed THEN  -- what this worker did not take, another one may
        PERFORM tell_changed(EXISTS (SELECT 1 FROM jobs WHERE place = 'ready'), FALSE);
    END IF;
    next_at := least(next_at, me.due_at);
    RETURN json_build_array(
        claimed, lost, me.orders, CASE WHEN next_at IS NOT NULL THEN greatest(0, next_at - clock()) END, me.halting
    );
END $$;
