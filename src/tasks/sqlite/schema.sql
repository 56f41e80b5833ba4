-- Times are milliseconds since 1970.

CREATE TABLE users (
    id            INTEGER PRIMARY KEY,
    name          TEXT    NOT NULL UNIQUE COLLATE NOCASE,
    password_hash TEXT    NOT NULL,
    disabled      INTEGER NOT NULL DEFAULT 0,
    demo          INTEGER NOT NULL DEFAULT 0,
    created_at    INTEGER NOT NULL,
    tokens_from   INTEGER NOT NULL,
    -- For turns: when a task of this user was claimed last.
    claimed_at    INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE tasks (
    -- Never used again after a task is forgotten: pages of a list stay in order.
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    id          TEXT    NOT NULL UNIQUE,
    owner       INTEGER NOT NULL REFERENCES users (id),
    kind        TEXT    NOT NULL,
    recipe      TEXT    NOT NULL,
    status      TEXT    NOT NULL,
    pixels      INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    started_at  INTEGER,
    finished_at INTEGER,
    progress    REAL    NOT NULL DEFAULT 0,
    stage       TEXT,
    engine      TEXT,
    attempts    INTEGER NOT NULL DEFAULT 0,
    -- A retry waits until then.
    not_before  INTEGER NOT NULL DEFAULT 0,
    -- The lease: who has it, until when, and its fencing token, which only grows.
    worker      TEXT,
    lease_until INTEGER,
    fence       INTEGER NOT NULL DEFAULT 0,
    error_code  TEXT,
    error       TEXT,
    -- The outcome, as JSON, and whether its result is gone.
    outcome     TEXT,
    expired     INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX tasks_by_status ON tasks (status, seq);
CREATE INDEX tasks_by_owner ON tasks (owner, seq);

-- Which task a client's key stands for.
CREATE TABLE idempotency (
    owner INTEGER NOT NULL REFERENCES users (id),
    key   TEXT    NOT NULL,
    body  TEXT    NOT NULL,
    task  TEXT    NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    PRIMARY KEY (owner, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_by_task ON idempotency (task);

CREATE TABLE stage_totals (
    stage   TEXT    PRIMARY KEY,
    count   INTEGER NOT NULL,
    seconds REAL    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE workers (
    id      TEXT    PRIMARY KEY,
    engine  TEXT    NOT NULL,
    ready   INTEGER NOT NULL,
    beat_at INTEGER NOT NULL
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
