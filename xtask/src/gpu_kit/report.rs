//! The results: one table, and the same as JSON.

use std::fmt;
use std::path::Path;

use serde::Serialize;
use serde_json::Value;

use super::step::Figure;
use crate::files;

/// What a part of the kit found.
#[derive(Debug, Default, Serialize)]
pub struct Results {
    pub part: usize,
    pub quick: bool,
    pub steps: Vec<StepResult>,
}

#[derive(Debug, Serialize)]
pub struct StepResult {
    pub step: String,
    pub outcome: Outcome,
    /// Why it failed or was skipped.
    pub reason: Option<String>,
    pub seconds: f64,
    pub figures: Vec<Figure>,
    /// What programs wrote as JSON.
    pub reports: Vec<Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    Passed,
    Skipped,
    Failed,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Outcome::Passed => "passed",
            Outcome::Skipped => "SKIPPED",
            Outcome::Failed => "FAILED",
        })
    }
}

impl Results {
    pub fn write(&self, path: &Path) -> Result<(), String> {
        let json = serde_json::to_string_pretty(self).map_err(|error| error.to_string())?;
        files::write(path, format!("{json}\n").as_bytes())
    }

    /// Returns the names of the steps that failed.
    pub fn failed(&self) -> Vec<&str> {
        let failed = self.steps.iter().filter(|step| step.outcome == Outcome::Failed);
        failed.map(|step| step.step.as_str()).collect()
    }

    /// Returns a table with a line for each figure. A step that failed has a line that says why.
    pub fn table(&self) -> String {
        let mut rows = vec![["step", "measurement", "value"].map(String::from)];
        for step in &self.steps {
            let row = |name: &str, value: String| [step.step.clone(), name.into(), value];
            let reason = step.reason.clone().unwrap_or_default();
            let outcome = step.outcome.to_string();
            rows.push(match step.outcome {
                Outcome::Passed => row(&outcome, format!("in {:.1} s", step.seconds)),
                Outcome::Skipped | Outcome::Failed => row(&outcome, reason),
            });
            rows.extend(step.figures.iter().map(|figure| row(&figure.name, shown(figure))));
        }
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
        let [first, second] = [width(0), width(1)];
        let lines = rows.iter().map(|[step, name, value]| format!("{step:first$}  {name:second$}  {value}\n"));
        lines.collect()
    }
}

fn shown(figure: &Figure) -> String {
    let value = match &figure.value {
        Value::String(text) => text.clone(),
        // Without a fraction if it is zero.
        value => value.as_f64().map_or_else(|| value.to_string(), |number| number.to_string()),
    };
    format!("{value} {}", figure.unit).trim_end().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(name: &str, outcome: Outcome, reason: Option<&str>) -> StepResult {
        let figures = vec![Figure { name: "load".into(), value: 15.0.into(), unit: "ms" }];
        StepResult {
            step: name.into(),
            outcome,
            reason: reason.map(Into::into),
            seconds: 2.0,
            figures,
            reports: vec![],
        }
    }

    #[test]
    fn the_table_has_a_line_for_each_figure_and_each_failure() {
        let steps = vec![
            step("bench", Outcome::Passed, None),
            step("soak", Outcome::Failed, Some("memory grows")),
            step("rival", Outcome::Skipped, Some("no torch")),
        ];
        let results = Results { part: 1, quick: false, steps };
        assert_eq!(results.failed(), ["soak"]);
        let table = results.table();
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines.len(), 7, "{table}");
        assert_eq!(lines[1].split_whitespace().collect::<Vec<_>>(), ["bench", "passed", "in", "2.0", "s"]);
        assert_eq!(lines[2].split_whitespace().collect::<Vec<_>>(), ["bench", "load", "15", "ms"]);
        assert!(lines[3].starts_with("soak") && lines[3].ends_with("FAILED       memory grows"), "{table}");
        assert!(lines[5].ends_with("SKIPPED      no torch"), "{table}");
    }
}
