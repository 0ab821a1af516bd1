-- The file is shared with Ruffus, whose tables are data and ruffus_metadata. The others are Gangline's own; Ruffus does
-- not see them. `{rows}` stands for one row of values or more.

-- name: list_tables
SELECT name FROM sqlite_master WHERE type = 'table';

-- name: create_data
CREATE TABLE IF NOT EXISTS data (key PRIMARY KEY,value);

-- name: create_metadata
CREATE TABLE IF NOT EXISTS ruffus_metadata (key TEXT PRIMARY KEY, value TEXT);

-- A job that makes this output was begun and has not ended well since. `value` is what the history said before.
-- name: create_begun
CREATE TABLE IF NOT EXISTS gangline_begun (key TEXT PRIMARY KEY, value BLOB, begun_at REAL NOT NULL) WITHOUT ROWID;

-- What an output was made from, for the levels that look at sizes and contents. It counts only together with the entry
-- in data that has the same time.
-- name: create_made
CREATE TABLE IF NOT EXISTS gangline_made (
    key TEXT PRIMARY KEY, mtime REAL NOT NULL, size INTEGER NOT NULL, digest TEXT NOT NULL, helpers TEXT NOT NULL,
    inputs TEXT NOT NULL
) WITHOUT ROWID;

-- The inputs of a job with their sizes and digests, as JSON, under a checksum of that text.
-- name: create_inputs
CREATE TABLE IF NOT EXISTS gangline_inputs (id TEXT PRIMARY KEY, listing TEXT NOT NULL) WITHOUT ROWID;

-- Digests of files by what tells that a file is still the same.
-- name: create_digests
CREATE TABLE IF NOT EXISTS gangline_digests (key TEXT PRIMARY KEY, stamp TEXT NOT NULL, digest TEXT NOT NULL) WITHOUT ROWID;

-- name: get_path_format
SELECT value FROM ruffus_metadata WHERE key = 'path_format';

-- name: set_path_format
INSERT OR REPLACE INTO ruffus_metadata (key, value) VALUES ('path_format', ?);

-- name: keep_legacy
CREATE TABLE ruffus_legacy_history AS SELECT * FROM data;

-- name: clear_data
DELETE FROM data;

-- name: list_data
SELECT key, value FROM data;

-- name: list_begun
SELECT key FROM gangline_begun;

-- name: list_made
SELECT key, mtime, size, digest, helpers, inputs FROM gangline_made;

-- name: list_inputs
SELECT id, listing FROM gangline_inputs;

-- name: list_digests
SELECT key, stamp, digest FROM gangline_digests;

-- name: begin_output
INSERT OR REPLACE INTO gangline_begun (key, value, begun_at) VALUES (?1, (SELECT value FROM data WHERE key = ?1), ?2);

-- name: forget_output
DELETE FROM data WHERE key = ?;

-- name: restore_output
INSERT OR REPLACE INTO data (key, value) SELECT key, value FROM gangline_begun WHERE key = ? AND value IS NOT NULL;

-- name: end_output
DELETE FROM gangline_begun WHERE key IN (VALUES {rows});

-- name: write_output
INSERT OR REPLACE INTO data (key, value) VALUES {rows};

-- name: write_made
INSERT OR REPLACE INTO gangline_made (key, mtime, size, digest, helpers, inputs) VALUES (?, ?, ?, ?, ?, ?);

-- name: write_inputs
INSERT OR IGNORE INTO gangline_inputs (id, listing) VALUES (?, ?);

-- name: write_digest
INSERT OR REPLACE INTO gangline_digests (key, stamp, digest) VALUES (?, ?, ?);

-- name: drop_unused_inputs
DELETE FROM gangline_inputs WHERE id NOT IN (SELECT inputs FROM gangline_made);
