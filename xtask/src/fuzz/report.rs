//! What libFuzzer prints of a run, as a row of a table.

/// The figures of a run.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Report {
    executions: u64,
    executions_per_second: u64,
    /// Edges of the program that were reached.
    edges: u64,
    /// Edges with how often they were taken, roughly, and values that were compared.
    features: u64,
    peak_mib: u64,
    /// Places where a decoder panicked, which is allowed.
    panics: usize,
    /// What ended the run early.
    pub finding: Option<String>,
}

impl Report {
    pub const HEADINGS: &str = "| target       | executions | per second |   cov |    ft | peak MiB | findings |\n\
         |--------------|-----------:|-----------:|------:|------:|---------:|----------|";

    /// Reads the output of a run. `succeeded` tells whether the program ended by itself.
    pub fn parse(log: &str, succeeded: bool) -> Self {
        let statistic = |name: &str| {
            let line = log.lines().rev().find_map(|line| line.strip_prefix("stat::")?.strip_prefix(name));
            line.and_then(|value| value.trim_start_matches(':').trim().parse().ok()).unwrap_or_default()
        };
        // A line of progress: `#123 NEW cov: 12 ft: 34 ...`.
        let progress = log.lines().rfind(|line| line.starts_with('#') && line.contains(" cov: ")).unwrap_or_default();
        let after = |name: &str| {
            let value = progress.split_whitespace().skip_while(|word| *word != name).nth(1);
            value.and_then(|value| value.parse().ok()).unwrap_or_default()
        };
        Self {
            executions: statistic("number_of_executed_units"),
            executions_per_second: statistic("average_exec_per_sec"),
            edges: after("cov:"),
            features: after("ft:"),
            peak_mib: statistic("peak_rss_mb"),
            panics: log.lines().filter(|line| line.starts_with("a decoder panicked: ")).count(),
            finding: (!succeeded).then(|| finding(log)),
        }
    }

    /// Returns the row of the target `name`.
    pub fn row(&self, name: &str) -> String {
        let Self { executions, executions_per_second, edges, features, peak_mib, panics, .. } = self;
        let findings = match (&self.finding, panics) {
            (Some(finding), _) => finding.clone(),
            (None, 0) => "none".into(),
            (None, panics) => format!("none; a decoder panicked in {panics} places, which were caught"),
        };
        format!(
            "| {name:12} | {executions:10} | {executions_per_second:10} | {edges:5} | {features:5} | {peak_mib:8} | \
             {findings} |"
        )
    }
}

/// Returns why a run ended early: the message of a panic, or what libFuzzer says; and the file of the input.
fn finding(log: &str) -> String {
    let panic = log.lines().skip_while(|line| !line.starts_with("thread '") || !line.contains(" panicked at "));
    let message: Vec<&str> = panic.take(2).collect();
    let error = log.lines().find_map(|line| line.split_once("ERROR: libFuzzer: "));
    let reason = match (message.is_empty(), error) {
        (false, _) => message.join(" "),
        (true, Some((_, error))) => error.into(),
        (true, None) => log.lines().last().unwrap_or("it printed nothing").into(),
    };
    match log.lines().find_map(|line| line.split_once("Test unit written to ")) {
        Some((_, input)) => format!("{reason}; the input is {input}"),
        None => reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROGRESS: &str = "INFO: Seed: 1\n#2\tINITED cov: 10 ft: 11 corp: 1/1b exec/s: 0 rss: 40Mb\n\
                            #900\tDONE   cov: 120 ft: 345 corp: 9/80b lim: 4096 exec/s: 450 rss: 61Mb\n";

    #[test]
    fn the_figures_of_a_run_are_those_that_libfuzzer_prints_last() {
        let log = format!(
            "{PROGRESS}a decoder panicked: panicked at /x/registry/src/y.rs\n\
             Done 900 runs in 2 second(s)\nstat::number_of_executed_units: 900\nstat::average_exec_per_sec:     450\n\
             stat::peak_rss_mb:              61\n"
        );
        let expected = Report {
            executions: 900,
            executions_per_second: 450,
            edges: 120,
            features: 345,
            peak_mib: 61,
            panics: 1,
            finding: None,
        };
        assert_eq!(Report::parse(&log, true), expected);
        let row = expected.row("icc");
        assert_eq!(row.matches('|').count(), Report::HEADINGS.lines().next().unwrap().matches('|').count(), "{row}");
    }

    #[test]
    fn a_finding_tells_its_reason_and_its_input() {
        let panic = "\nthread '<unnamed>' (7) panicked at src/bounds.rs:9:1:\nthe input took 3 s\nstack backtrace:\n\
                     ==7== ERROR: libFuzzer: deadly signal\n./x; Test unit written to /t/crash-1\n";
        let found = Report::parse(&format!("{PROGRESS}{panic}"), false).finding.unwrap();
        assert!(found.ends_with("src/bounds.rs:9:1: the input took 3 s; the input is /t/crash-1"), "{found}");
        let memory = "==7== ERROR: libFuzzer: out-of-memory (used: 513Mb; limit: 512Mb)\n";
        let found = Report::parse(&format!("{PROGRESS}{memory}"), false).finding.unwrap();
        assert_eq!(found, "out-of-memory (used: 513Mb; limit: 512Mb)");
        assert!(Report::parse("", false).finding.is_some(), "a program that does not start is a finding");
    }
}
