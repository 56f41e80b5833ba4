//! `cameo doctor --plan`: what a photo asks of a GPU, as it is printed.

use std::process::Command;

use crate::common;

/// A stage's line.
#[derive(Debug)]
struct Line {
    stage: String,
    dispatches: f64,
    moved_mb: f64,
    gflop: f64,
    /// Of all stages, there is no such figure.
    held_mb: Option<f64>,
    floor_ms: f64,
}

impl Line {
    fn parse(line: &str) -> Option<Self> {
        let (stage, figures) = line.split_once(' ')?;
        let figures: Option<Vec<f64>> = figures.split_whitespace().map(|figure| figure.parse().ok()).collect();
        let (dispatches, moved_mb, gflop, held_mb, floor_ms) = match figures?[..] {
            [dispatches, moved, gflop, held, floor] => (dispatches, moved, gflop, Some(held), floor),
            [dispatches, moved, gflop, floor] => (dispatches, moved, gflop, None, floor),
            _ => return None,
        };
        Some(Self { stage: stage.into(), dispatches, moved_mb, gflop, held_mb, floor_ms })
    }
}

#[test]
fn a_plan_counts_what_each_stage_asks_for_and_how_long_that_takes_at_least() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cameo"));
    command.args(["doctor", "--plan", "t4", "--model", "u2netp", "--device", "gpu", "--allow-software"]);
    let ran = command.env("CAMEO_MODELS", common::models()).output().unwrap();
    let text = String::from_utf8(ran.stdout).unwrap();
    println!("{text}");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    assert!(text.starts_with("A photo of 4000x3000, u2netp, enlarged twice"), "{text}");

    let lines: Vec<Line> = text.lines().filter_map(Line::parse).collect();
    let (all, stages) = lines.split_last().unwrap();
    let names: Vec<&str> = stages.iter().map(|line| line.stage.as_str()).collect();
    let want = ["upload", "guide", "prepare", "matte", "lift", "refine", "decontaminate", "enhance", "readback"];
    assert_eq!((names, all.stage.as_str()), (want.to_vec(), "all"));
    let stage = |name: &str| stages.iter().find(|line| line.stage == name).unwrap();

    // The photo and its picture cross once, four bytes a pixel.
    assert_eq!(stage("upload").moved_mb, 48.0);
    assert_eq!(stage("readback").moved_mb, 192.0);
    // U2-Net-p has 19.7 billion multiplications and additions at 320 pixels, of which Winograd's transform leaves a quarter.
    let network = stage("matte").gflop;
    assert!((2.0 * 19.7 / 4.0..2.0 * 19.7 / 3.0).contains(&network), "{network}");
    assert!(stages.iter().all(|line| line.held_mb.is_some_and(|held| held >= 48.0)), "the photo is held: {stages:?}");
    for line in stages {
        assert_eq!(line.dispatches == 0.0, ["upload", "readback"].contains(&line.stage.as_str()), "{line:?}");
        // A T4 moves 320 GB/s and computes 8.1 TFLOP/s. Megabytes are rounded.
        let floor = (line.moved_mb / 320.0).max(line.gflop / 8.1);
        assert!((line.floor_ms - floor).abs() < 0.02, "{line:?}: {floor}");
    }
    let sum = |figure: fn(&Line) -> f64| stages.iter().map(figure).sum::<f64>();
    assert_eq!(all.dispatches, sum(|line| line.dispatches));
    assert!((all.moved_mb - sum(|line| line.moved_mb)).abs() < 6.0 && (all.gflop - sum(|line| line.gflop)).abs() < 0.1);
    assert!((all.floor_ms - sum(|line| line.floor_ms)).abs() < 0.1, "{all:?}");
}
