-- Most tasks are over. These indexes hold only the others, so that finding those costs the same however many are over.
DROP INDEX tasks_by_status;
CREATE INDEX tasks_pending ON tasks (owner, seq, pixels) WHERE status = 'pending';
CREATE INDEX tasks_processing ON tasks (owner) WHERE status = 'processing';
CREATE INDEX tasks_unexpired ON tasks (finished_at) WHERE status = 'completed' AND expired = 0;
CREATE INDEX tasks_over ON tasks (finished_at) WHERE finished_at IS NOT NULL;

-- The number of tasks by status and operation. The triggers below keep it up to date.
CREATE TABLE task_counts (
    status    TEXT    NOT NULL,
    operation TEXT    NOT NULL,
    count     INTEGER NOT NULL,
    PRIMARY KEY (status, operation)
) STRICT, WITHOUT ROWID;

INSERT INTO task_counts SELECT status, operation, count(*) FROM tasks GROUP BY status, operation;

CREATE TRIGGER task_inserted AFTER INSERT ON tasks BEGIN
    INSERT INTO task_counts VALUES (new.status, new.operation, 1) ON CONFLICT DO UPDATE SET count = count + 1;
END;

CREATE TRIGGER task_deleted AFTER DELETE ON tasks BEGIN
    UPDATE task_counts SET count = count - 1 WHERE status = old.status AND operation = old.operation;
END;

CREATE TRIGGER task_status_changed AFTER UPDATE OF status ON tasks BEGIN
    UPDATE task_counts SET count = count - 1 WHERE status = old.status AND operation = old.operation;
    INSERT INTO task_counts VALUES (new.status, new.operation, 1) ON CONFLICT DO UPDATE SET count = count + 1;
END;

-- The host of the server that started a worker; NULL for a worker that was started by hand. Workers that run while the
-- file is updated register again with their next heartbeat.
DELETE FROM workers;
ALTER TABLE workers ADD COLUMN server TEXT;
