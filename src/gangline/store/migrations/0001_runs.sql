-- Runs, their stages, tasks and attempts. Times are seconds since the epoch.
CREATE TABLE runs (
    id TEXT PRIMARY KEY,
    program TEXT NOT NULL,
    argv TEXT NOT NULL,
    folder TEXT NOT NULL,
    backend TEXT NOT NULL,
    engines INTEGER,
    options TEXT NOT NULL,
    host TEXT NOT NULL,
    pid INTEGER NOT NULL,
    started_at REAL NOT NULL,
    ended_at REAL,
    outcome TEXT CHECK (outcome IN ('ok', 'failed', 'interrupted')),
    message TEXT NOT NULL DEFAULT ''
);
CREATE INDEX runs_by_time ON runs (started_at);

CREATE TABLE stages (
    run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    total INTEGER NOT NULL,
    fresh INTEGER NOT NULL,
    started_at REAL NOT NULL,
    ended_at REAL,
    outcome TEXT CHECK (outcome IN ('ok', 'failed', 'skipped', 'inactive')),
    PRIMARY KEY (run, name)
);

CREATE TABLE tasks (
    run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    stage TEXT NOT NULL,
    job TEXT NOT NULL,
    inputs TEXT NOT NULL,
    outputs TEXT NOT NULL,
    reason TEXT NOT NULL,
    waits_for TEXT NOT NULL,
    added_at REAL NOT NULL,
    started_at REAL,
    ended_at REAL,
    outcome TEXT CHECK (outcome IN ('ok', 'failed', 'cancelled', 'held')),
    PRIMARY KEY (run, number)
);
CREATE INDEX tasks_by_outcome ON tasks (run, outcome);

CREATE TABLE attempts (
    run TEXT NOT NULL,
    task INTEGER NOT NULL,
    number INTEGER NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('ok', 'error', 'lost', 'timeout', 'cancelled')),
    started_at REAL,
    ended_at REAL,
    engine INTEGER,
    host TEXT NOT NULL,
    pid INTEGER,
    error_type TEXT NOT NULL,
    error TEXT NOT NULL,
    traceback TEXT NOT NULL,
    exit_code INTEGER,
    signal TEXT NOT NULL,
    command TEXT NOT NULL,
    stdout TEXT NOT NULL,
    stderr TEXT NOT NULL,
    PRIMARY KEY (run, task, number),
    FOREIGN KEY (run, task) REFERENCES tasks (run, number) ON DELETE CASCADE
);
