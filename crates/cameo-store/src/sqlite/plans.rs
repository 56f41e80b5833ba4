//! Statements that run all the time find their tasks by an index, so that all other tasks cost nothing.

use rusqlite::Connection;

use super::database::Sqlite;
use super::{claim_order, retention, statistics, tasks};

/// Returns how SQLite carries out a statement, one step a line.
fn plan(db: &Connection, statement: &str) -> String {
    let mut explain = db.prepare(&format!("EXPLAIN QUERY PLAN {statement}")).unwrap();
    let parameters = explain.parameter_count();
    let steps = explain.query_map(rusqlite::params_from_iter(vec![0; parameters]), |row| row.get("detail")).unwrap();
    steps.collect::<rusqlite::Result<Vec<String>>>().unwrap().join("\n")
}

#[test]
fn frequent_statements_use_an_index_of_the_tasks_that_are_not_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cameo.sqlite");
    let _store = Sqlite::open(&path).unwrap();
    let db = Connection::open(&path).unwrap();
    for (statement, indexes) in [
        (tasks::ACTIVE_OF_OWNER, &["tasks_pending", "tasks_processing"][..]),
        (tasks::PENDING_OF_ALL, &["tasks_pending"]),
        (claim_order::PENDING, &["tasks_pending", "tasks_processing"]),
        (retention::EXPIRING, &["tasks_unexpired"]),
        (retention::OUTDATED, &["tasks_over"]),
        (statistics::MEAN_SECONDS, &["tasks_over"]),
        (statistics::WAITING, &["tasks_pending"]),
        (super::queue::EXPIRED_LEASES, &["tasks_processing"]),
        (super::queue::RUNS_OF_WORKER, &["tasks_processing"]),
    ] {
        let plan = plan(&db, statement);
        for index in indexes {
            assert!(plan.contains(&format!("INDEX {index}")), "{index} is not used by {statement}:\n{plan}");
        }
        let steps = plan.lines().filter(|step| step.contains(" tasks") || step.contains(" running"));
        for step in steps {
            assert!(step.contains("INDEX"), "{statement}:\n{plan}");
        }
    }
    let everything = plan(&db, "SELECT count(*) FROM tasks WHERE recipe = ''");
    assert!(!everything.contains("INDEX"), "the plan of a statement that reads all tasks: {everything}");
}
