-- Times are in milliseconds since the Unix epoch.

CREATE TABLE users (
    id                  INTEGER PRIMARY KEY,
    name                TEXT    NOT NULL UNIQUE COLLATE NOCASE,
    password_hash       TEXT    NOT NULL,
    disabled            INTEGER NOT NULL DEFAULT 0,
    demo                INTEGER NOT NULL DEFAULT 0,
    created_at          INTEGER NOT NULL,
    password_changed_at INTEGER NOT NULL DEFAULT 0,
    -- When a worker last claimed a task of this user. Users take turns by it.
    last_claim_at       INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE tasks (
    -- AUTOINCREMENT never reuses the number of a deleted task, so that the pages of a list stay in order.
    seq              INTEGER PRIMARY KEY AUTOINCREMENT,
    id               TEXT    NOT NULL UNIQUE,
    owner            INTEGER NOT NULL REFERENCES users (id),
    operation        TEXT    NOT NULL,
    recipe           TEXT    NOT NULL,
    status           TEXT    NOT NULL,
    pixels           INTEGER NOT NULL,
    created_at       INTEGER NOT NULL,
    started_at       INTEGER,
    finished_at      INTEGER,
    progress         REAL    NOT NULL DEFAULT 0,
    stage            TEXT,
    engine           TEXT,
    attempts         INTEGER NOT NULL DEFAULT 0,
    -- A retry is not claimed before this time.
    not_before       INTEGER NOT NULL DEFAULT 0,
    -- The lease: its holder, its expiry, and the fencing token, which grows with each claim.
    worker           TEXT,
    lease_expires_at INTEGER,
    fence            INTEGER NOT NULL DEFAULT 0,
    failure_code     TEXT,
    failure_reason   TEXT,
    -- The TaskResult as JSON.
    result           TEXT,
    expired          INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX tasks_by_status ON tasks (status, seq);
CREATE INDEX tasks_by_owner ON tasks (owner, seq);

-- The task that was submitted with an idempotency key.
CREATE TABLE idempotency_keys (
    owner        INTEGER NOT NULL REFERENCES users (id),
    key          TEXT    NOT NULL,
    request_hash TEXT    NOT NULL,
    task         TEXT    NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    PRIMARY KEY (owner, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_keys_by_task ON idempotency_keys (task);

CREATE TABLE stage_totals (
    stage   TEXT    PRIMARY KEY,
    count   INTEGER NOT NULL,
    seconds REAL    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE workers (
    id           TEXT    PRIMARY KEY,
    engine       TEXT    NOT NULL,
    ready        INTEGER NOT NULL,
    heartbeat_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE configs (
    id         TEXT    PRIMARY KEY,
    owner      INTEGER NOT NULL REFERENCES users (id),
    name       TEXT    NOT NULL,
    shared     INTEGER NOT NULL,
    options    TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
