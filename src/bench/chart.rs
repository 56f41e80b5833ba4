//! The report as a picture: a bar for each size and engine, its stages side by side.

use std::fmt::Write;

use super::{Measured, Report, Size};

/// Stages and their colours, none too bright for white nor too dark for black.
const COLORS: [(&str, &str); 13] = [
    ("decode", "#8c6bb1"),
    ("upload", "#b58900"),
    ("guide", "#2aa198"),
    ("prepare", "#6c8ebf"),
    ("matte", "#3b7dd8"),
    ("lift", "#c2855a"),
    ("refine", "#4c9f50"),
    ("decontaminate", "#8aa63c"),
    ("edge", "#c46ba8"),
    ("enhance", "#e07b39"),
    ("readback", "#b0605f"),
    ("finish", "#6f9a8d"),
    ("encode", "#d05a6e"),
];
const OTHER: &str = "#8a8f98";

/// A stage with less of its bar than this is drawn among the others.
const LEAST_SHARE: f64 = 0.015;

/// In pixels: the margin around, where bars begin, and their greatest length, height and distance.
const MARGIN: f64 = 20.0;
const BARS_LEFT: f64 = 150.0;
const BARS_LONG: f64 = 560.0;
const BAR_HIGH: f64 = 22.0;
const BAR_STEP: f64 = 30.0;
/// Between the bars of one size and those of the next.
const SIZE_GAP: f64 = 10.0;
const WIDTH: f64 = 820.0;
/// Of the legend: a line's height, and an entry's width.
const LEGEND_STEP: f64 = 20.0;
const LEGEND_WIDE: f64 = 120.0;

const STYLE: &str = "text{font:13px system-ui,sans-serif;fill:#24292f}.title{font-weight:600}\
    @media(prefers-color-scheme:dark){text{fill:#d8dee6}}";

/// The chart as a picture in SVG, on whatever background it is laid.
pub fn svg(report: &Report) -> String {
    let longest = sizes(report).map(|(_, size)| size.total_ms).fold(f64::MIN_POSITIVE, f64::max);
    let mut drawing = String::new();
    let title = format!(
        "cameo {} ({}): {}, {} cores",
        report.version, report.recipe.cutout.model, report.machine.cpu, report.machine.cores
    );
    text(&mut drawing, MARGIN, MARGIN + 4.0, &title, "title");
    let mut y = MARGIN + 24.0;
    let count = report.engines.iter().map(|engine| engine.sizes.len()).max().unwrap_or_default();
    for i in 0..count {
        for engine in &report.engines {
            if let Some(size) = engine.sizes.get(i) {
                bar(&mut drawing, y, engine, size, BARS_LONG / longest);
                y += BAR_STEP;
            }
        }
        y += SIZE_GAP;
    }
    y = legend(&mut drawing, y + LEGEND_STEP, report);
    let height = y + MARGIN;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\">\
         <title>{}</title><style>{STYLE}</style>\n{drawing}</svg>\n",
        escape(&title)
    )
}

fn sizes(report: &Report) -> impl Iterator<Item = (&Measured, &Size)> {
    report.engines.iter().flat_map(|engine| engine.sizes.iter().map(move |size| (engine, size)))
}

/// One bar, `scale` pixels a millisecond; resting the pointer on a part names it.
fn bar(drawing: &mut String, y: f64, engine: &Measured, size: &Size, scale: f64) {
    let baseline = y + BAR_HIGH * 0.7;
    let megapixels = size.width as f64 * size.height as f64 / 1e6;
    text(drawing, MARGIN, baseline, &format!("{megapixels:.2} MP, {}", engine.engine), "");
    let (mut x, mut others) = (BARS_LEFT, 0.0);
    for stage in &size.stages {
        match stage.share < LEAST_SHARE {
            true => others += stage.ms,
            false => part(drawing, &mut x, y, stage.ms * scale, color(stage.stage), stage.stage, stage.ms),
        }
    }
    part(drawing, &mut x, y, others * scale, OTHER, "others", others);
    text(drawing, x + 8.0, baseline, &format!("{:.0} ms", size.total_ms), "");
}

fn part(drawing: &mut String, x: &mut f64, y: f64, width: f64, color: &str, name: &str, ms: f64) {
    // Writing to a string cannot fail.
    let _ = writeln!(
        drawing,
        "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{BAR_HIGH}\" fill=\"{color}\">\
         <title>{name}: {ms:.1} ms</title></rect>"
    );
    *x += width;
}

/// What the colours are; returns where it ends.
fn legend(drawing: &mut String, top: f64, report: &Report) -> f64 {
    let drawn = |name: &str| {
        let mut stages = sizes(report).flat_map(|(_, size)| &size.stages);
        stages.any(|stage| stage.stage == name && stage.share >= LEAST_SHARE)
    };
    let shown = COLORS.into_iter().filter(|(name, _)| drawn(name)).chain([("others", OTHER)]);
    let columns = ((WIDTH - 2.0 * MARGIN) / LEGEND_WIDE) as usize;
    let mut bottom = top;
    for (i, (name, color)) in shown.enumerate() {
        let (x, y) = (MARGIN + (i % columns) as f64 * LEGEND_WIDE, top + (i / columns) as f64 * LEGEND_STEP);
        let _ = writeln!(drawing, "<rect x=\"{x}\" y=\"{}\" width=\"11\" height=\"11\" fill=\"{color}\"/>", y - 10.0);
        text(drawing, x + 17.0, y, name, "");
        bottom = y;
    }
    bottom
}

fn color(stage: &str) -> &'static str {
    COLORS.iter().find(|(name, _)| *name == stage).map_or(OTHER, |(_, color)| color)
}

fn text(drawing: &mut String, x: f64, y: f64, text: &str, class: &str) {
    let _ = writeln!(drawing, "<text x=\"{x:.1}\" y=\"{y:.1}\" class=\"{class}\">{}</text>", escape(text));
}

/// Names of processors and adapters come from their makers.
fn escape(text: &str) -> String {
    let known = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    known.chars().filter(|c| !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::{Machine, Stage};
    use crate::pipeline::{Job, Recipe};

    fn report(cpu: &str) -> Report {
        let stage = |stage, ms, share| Stage { stage, ms, share, peak_mib: None };
        let stages = vec![stage("matte", 90.0, 0.9), stage("encode", 9.0, 0.09), stage("lift", 1.0, 0.01)];
        let size = Size { width: 1000, height: 1000, stages, total_ms: 100.0, peak_mib: None };
        let engine = Measured { engine: "cpu", device: cpu.into(), load_ms: 1.0, sizes: vec![size] };
        let machine = Machine { cpu: cpu.into(), ..Machine::this() };
        Report { version: "1", machine, recipe: Recipe::new(Job::Combo), runs: 1, engines: vec![engine] }
    }

    #[test]
    fn parts_are_as_long_as_their_times_and_small_ones_are_drawn_together() {
        let svg = svg(&report("a cpu"));
        let width = |color: &str| {
            let line = svg.lines().find(|line| line.contains(color) && line.contains(" ms</title>")).unwrap();
            line.split("width=\"").nth(1).unwrap().split('"').next().unwrap().parse::<f64>().unwrap()
        };
        assert_eq!(width(color("matte")), 10.0 * width(color("encode")));
        assert!(width(OTHER) > 0.0 && !svg.contains(color("lift")), "{svg}");
    }

    #[test]
    fn a_makers_name_does_not_break_the_picture() {
        let svg = svg(&report("A&B <\"C\">\u{1}"));
        let picture = roxmltree::Document::parse(&svg).unwrap_or_else(|error| panic!("{error}: {svg}"));
        let title = picture.descendants().find(|node| node.has_tag_name("title")).and_then(|node| node.text());
        assert!(title.is_some_and(|title| title.contains("A&B <\"C\">,")), "{svg}");
    }
}
