//! `cameo bench --roofline`: the load of a photo on a GPU, as it is printed.

use std::process::Command;

use crate::common;

/// A line of the table.
#[derive(Debug)]
struct Line {
    stage: String,
    dispatches: f64,
    moved_mb: f64,
    gflop: f64,
    /// The line of all stages has no peak.
    peak_mb: Option<f64>,
    shortest_ms: f64,
}

impl Line {
    fn parse(line: &str) -> Option<Self> {
        let (stage, figures) = line.split_once(' ')?;
        let figures: Option<Vec<f64>> = figures.split_whitespace().map(|figure| figure.parse().ok()).collect();
        let (dispatches, moved_mb, gflop, peak_mb, shortest_ms) = match figures?[..] {
            [dispatches, moved, gflop, peak, shortest] => (dispatches, moved, gflop, Some(peak), shortest),
            [dispatches, moved, gflop, shortest] => (dispatches, moved, gflop, None, shortest),
            _ => return None,
        };
        Some(Self { stage: stage.into(), dispatches, moved_mb, gflop, peak_mb, shortest_ms })
    }
}

#[test]
fn a_roofline_has_the_load_of_each_stage_and_the_shortest_time_for_it() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cameo"));
    command.args(["bench", "--roofline", "t4", "--model", "u2netp", "--allow-software"]);
    let output = command.env("CAMEO_MODELS", common::models()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    println!("{text}");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.starts_with("A photo of 3464x3464, u2netp, enlarged twice"), "{text}");

    assert!(
        text.contains("buffers allocated: 0 for kernels, 0 for copies, 0 for pictures; bind groups created: 0"),
        "{text}"
    );

    let lines: Vec<Line> = text.lines().filter_map(Line::parse).collect();
    let (all, stages) = lines.split_last().unwrap();
    let names: Vec<&str> = stages.iter().map(|line| line.stage.as_str()).collect();
    let expected = ["upload", "locate", "prepare", "matte", "repair", "refine", "decontaminate", "enhance", "readback"];
    assert_eq!((names, all.stage.as_str()), (expected.to_vec(), "all"));
    let stage = |name: &str| stages.iter().find(|line| line.stage == name).unwrap();

    // The photo and its picture are copied once, with four bytes per pixel.
    assert_eq!(stage("upload").moved_mb, 48.0);
    assert_eq!(stage("readback").moved_mb, 192.0);
    // For the probability of a person, for those after other rotations, and for the picture.
    assert!(text.contains("waits: 3,"), "{text}");
    assert!(all.dispatches <= 650.0, "{text}");
    assert!(stage("enhance").moved_mb < 300.0, "{text}");
    // U2-Net-p has 19.7 billion multiplications and additions at 320 pixels. Winograd's transform leaves a quarter.
    let network = stage("matte").gflop;
    assert!((2.0 * 19.7 / 4.0..2.0 * 19.7 / 3.0).contains(&network), "{network}");
    let photo_in_memory = stages.iter().all(|line| line.peak_mb.is_some_and(|peak| peak >= 48.0));
    assert!(photo_in_memory, "{stages:?}");
    for line in stages {
        assert_eq!(line.dispatches == 0.0, ["upload", "readback"].contains(&line.stage.as_str()), "{line:?}");
        // A T4 moves 320 GB/s and computes 8.1 TFLOP/s. The printed megabytes are rounded.
        let shortest = (line.moved_mb / 320.0).max(line.gflop / 8.1);
        assert!((line.shortest_ms - shortest).abs() < 0.02, "{line:?}: {shortest}");
    }
    let sum = |figure: fn(&Line) -> f64| stages.iter().map(figure).sum::<f64>();
    assert_eq!(all.dispatches, sum(|line| line.dispatches));
    assert!((all.moved_mb - sum(|line| line.moved_mb)).abs() < 6.0 && (all.gflop - sum(|line| line.gflop)).abs() < 0.1);
    assert!((all.shortest_ms - sum(|line| line.shortest_ms)).abs() < 0.1, "{all:?}");
}
