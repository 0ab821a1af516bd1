CREATE TABLE lanes (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    workers TEXT NOT NULL,
    python TEXT NOT NULL,
    folder TEXT NOT NULL,
    force INTEGER NOT NULL,
    max_parallel INTEGER,
    max_parallel_total INTEGER
);
CREATE INDEX lanes_by_name ON lanes (name);
CREATE TABLE workers (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    host TEXT NOT NULL,
    pid INTEGER NOT NULL,
    slots INTEGER NOT NULL,
    lease_s REAL NOT NULL,
    started_at REAL NOT NULL,
    heartbeat REAL NOT NULL,
    halting INTEGER NOT NULL DEFAULT 0,
    gone_at REAL
);
CREATE INDEX workers_present ON workers (name) WHERE gone_at IS NULL;
CREATE TABLE jobs (
    id INTEGER PRIMARY KEY,
    lane INTEGER NOT NULL,
    state TEXT NOT NULL,
    place TEXT,
    journaled INTEGER DEFAULT 0,
    killing INTEGER DEFAULT 0,
    removing INTEGER DEFAULT 0,
    priority INTEGER NOT NULL,
    fence INTEGER DEFAULT 0,
    trial INTEGER DEFAULT 0,
    attempts INTEGER,
    attempts_left INTEGER,
    failures INTEGER DEFAULT 0,
    lost INTEGER DEFAULT 0,
    worker INTEGER,
    lease_until REAL,
    enqueued_at REAL,
    query_at REAL,
    started_at REAL,
    finished_at REAL,
    runtime_s REAL,
    heartbeat REAL,
    progress REAL,
    first_deferred_at REAL,
    wall_at REAL,
    zombie_at REAL,
    inactive_at REAL,
    killed_at REAL,
    removed_at REAL,
    parent INTEGER,
    digest BLOB,
    is_unique INTEGER,
    unique_key BLOB,
    hidden INTEGER,
    enqueued_host TEXT,
    enqueued_user TEXT,
    tag TEXT,
    author TEXT,
    message TEXT DEFAULT '',
    sources TEXT DEFAULT '[]',
    properties TEXT,
    result TEXT,
    args TEXT
);
CREATE INDEX jobs_ready ON jobs (lane, priority DESC, id) WHERE place = 'ready';
CREATE INDEX jobs_waiting ON jobs (query_at) WHERE place = 'waiting';
CREATE INDEX jobs_held ON jobs (id) WHERE place = 'held';
CREATE INDEX jobs_taken ON jobs (state, lane, worker) WHERE place IS NULL AND NOT journaled;
CREATE INDEX jobs_journal ON jobs (finished_at) WHERE journaled;
CREATE INDEX jobs_orders ON jobs (worker) WHERE killing;
CREATE INDEX jobs_by_parent ON jobs (parent) WHERE parent IS NOT NULL;
CREATE UNIQUE INDEX jobs_unique ON jobs (unique_key) WHERE unique_key IS NOT NULL;
CREATE TABLE numbers (
    last INTEGER NOT NULL
);
INSERT INTO numbers VALUES (0);
CREATE TRIGGER jobs_numbers AFTER DELETE ON jobs
WHEN NOT EXISTS (SELECT 1 FROM jobs WHERE id > old.id)
BEGIN UPDATE numbers SET last = max(last, old.id); END;
CREATE TABLE needs (
    job INTEGER NOT NULL,
    needed INTEGER,
    class TEXT
);
CREATE INDEX needs_by_job ON needs (job);
CREATE INDEX needs_by_needed ON needs (needed) WHERE needed IS NOT NULL;
CREATE INDEX needs_by_class ON needs (class) WHERE class IS NOT NULL;
CREATE TABLE errors (
    job INTEGER NOT NULL,
    number INTEGER NOT NULL,
    trial INTEGER NOT NULL,
    at REAL NOT NULL,
    worker INTEGER,
    error TEXT NOT NULL,
    PRIMARY KEY (job, number)
) WITHOUT ROWID;
CREATE TABLE output (
    job INTEGER NOT NULL,
    number INTEGER NOT NULL,
    trial INTEGER NOT NULL,
    stream TEXT NOT NULL,
    at REAL NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (job, number)
) WITHOUT ROWID;
CREATE TABLE pauses (
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    since REAL NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (scope, name)
) WITHOUT ROWID;
CREATE TABLE cookies (
    name TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (name, key)
) WITHOUT ROWID;
CREATE TABLE shared_values (
    key TEXT PRIMARY KEY,
    value BLOB NOT NULL
);
CREATE TABLE schedules (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    line TEXT NOT NULL,
    timezone TEXT NOT NULL,
    missed TEXT NOT NULL,
    job TEXT NOT NULL,
    next_at REAL NOT NULL,
    last_at REAL
);
