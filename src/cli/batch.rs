//! One recipe over many images: workers read and write, the engine's thread computes.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use indicatif::{ProgressBar, ProgressStyle};
use serde::{Serialize, Serializer};
use serde_json::json;

use super::engine;
use super::files::{self, Errand, Place};
use crate::codec::{self, Compression, Depth, Format};
use crate::config::{BoundsArgs, EngineArgs};
use crate::error::{Error, Result};
use crate::pipeline::{self, Budget, Certainty, Handle, Outcome, Recipe, Times};

/// Flags of every command that makes images.
#[derive(Debug, clap::Args)]
pub struct BatchArgs {
    /// Photos: files, folders, patterns, or - for standard input
    #[arg(required = true, value_name = "INPUT")]
    inputs: Vec<String>,
    /// Where the result goes: a file, a folder for several, or - for standard output
    #[arg(short, long, value_name = "OUT")]
    output: String,
    /// Format of the result: png or webp [default: what OUT ends in, else png]
    #[arg(long)]
    format: Option<Format>,
    /// Bits of a channel of the result: 8, or 16 in a PNG
    #[arg(long, value_name = "BITS", default_value_t)]
    depth: Depth,
    /// How small a PNG is to be: fast, or small for a tenth less in up to five times the time
    #[arg(long, default_value_t)]
    compression: Compression,
    /// Leave the colours of a Display P3 photo as they are, and give the result its profile [default: all become sRGB]
    #[arg(long)]
    keep_p3: bool,
    /// Images in work at once; the engine itself takes one at a time
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=64))]
    jobs: u16,
    /// Make results that exist already anew
    #[arg(long)]
    overwrite: bool,
    /// Print one JSON object an image on standard output
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    bounds: BoundsArgs,
}

/// What became of an errand.
enum Done {
    Made(Outcome),
    Skipped,
}

/// Runs `recipe` over what `args` name. One bad image does not stop the rest; the exit code tells if any failed.
pub fn run(args: &BatchArgs, mut recipe: Recipe) -> Result<ExitCode> {
    let (errands, format) = files::plan(&args.inputs, &args.output, args.format)?;
    recipe.format = format;
    recipe.cutout.depth = args.depth;
    recipe.cutout.compression = args.compression;
    recipe.cutout.keep_p3 = args.keep_p3;
    // What is wrong with the wish itself is said once, before any work.
    recipe.enhancement(1, 1, u64::MAX)?;
    let to_standard = errands.iter().any(|errand| errand.output == Place::Standard);
    if to_standard {
        files::check_standard_output()?;
        if args.json {
            return Err(Error::BadRecipe(
                "--json and -o - both need standard output: write the result to a file".into(),
            ));
        }
    }
    // With nothing to make, there is no engine to open.
    let idle = |errand: &Errand| !args.overwrite && exists(&errand.output);
    let engine = match errands.iter().filter(|errand| !idle(errand)).count() {
        0 => None,
        photos => Some(engine::open(&args.engine, recipe.networks(), photos, engine::on_standard_error)?),
    };
    let report = Report::new(args, &recipe, errands.len(), engine.as_ref().map_or("none", |engine| engine.name));
    let bounds = args.bounds.bounds();
    let budget = args.bounds.budget();
    let next = AtomicUsize::new(0);
    let failures = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..(args.jobs as usize).min(errands.len()) {
            let engine = engine.clone();
            let (errands, report, recipe, bounds, budget, next, failures) =
                (&errands, &report, &recipe, &bounds, &budget, &next, &failures);
            scope.spawn(move || {
                while let Some(errand) = errands.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let done = match &engine {
                        Some(engine) if args.overwrite || !exists(&errand.output) => {
                            make(errand, engine, recipe, bounds, budget).map(Done::Made)
                        }
                        _ => Ok(Done::Skipped),
                    };
                    failures.fetch_add(done.is_err() as usize, Ordering::Relaxed);
                    report.tell(errand, &done);
                }
            });
        }
    });
    let failures = failures.into_inner();
    report.finish(failures);
    Ok(if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn exists(place: &Place) -> bool {
    matches!(place, Place::File(path) if path.exists())
}

fn make(
    errand: &Errand,
    engine: &Handle,
    recipe: &Recipe,
    bounds: &pipeline::Bounds,
    budget: &Budget,
) -> Result<Outcome> {
    if errand.input == errand.output && errand.input != Place::Standard {
        return Err(Error::BadRecipe("the result would overwrite its own photo: choose another -o".into()));
    }
    let size = match &errand.input {
        Place::File(path) => codec::header(path, &bounds.input).ok(),
        Place::Standard => None,
    };
    // What cannot be told before it is decoded is alone.
    let pixels = size.and_then(|size| pipeline::pixels(size, recipe, bounds)).unwrap_or(u64::MAX);
    let _share = budget.take(pixels);
    let bytes = files::read(&errand.input, bounds.input.max_bytes)?;
    let parcel = pipeline::read(&bytes, recipe, bounds, pipeline::unwatched())?;
    drop(bytes);
    let parcel = engine.road(parcel, recipe)?;
    let outcome = pipeline::write(parcel, recipe)?;
    files::write(&errand.output, &outcome.bytes)?;
    Ok(outcome)
}

/// Tells the user what became of each image: a bar on a terminal, JSON on standard output, else a line an image.
struct Report {
    bar: Option<ProgressBar>,
    json: bool,
    /// Several images, or a result that is not on standard output.
    lines: bool,
    device: &'static str,
    model: Option<&'static str>,
}

impl Report {
    fn new(args: &BatchArgs, recipe: &Recipe, count: usize, device: &'static str) -> Self {
        let bar = (count > 1 && std::io::stderr().is_terminal()).then(|| {
            let style = "{bar:30} {pos}/{len} images  {per_sec}  {eta} left  {wide_msg}";
            let bar = ProgressBar::new(count as u64);
            bar.set_style(ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.enable_steady_tick(std::time::Duration::from_millis(200));
            bar
        });
        let model = recipe.network().map(|network| network.name());
        Self { bar, json: args.json, lines: args.output != "-", device, model }
    }

    fn tell(&self, errand: &Errand, done: &Result<Done>) {
        let (input, output) = (errand.input.name(), errand.output.name());
        if self.json {
            let object = match done {
                Ok(Done::Made(outcome)) => self.object(&input, &output, outcome),
                Ok(Done::Skipped) => json!({"input": input, "output": output, "skipped": true}).to_string(),
                Err(error) => json!({"input": input, "error": error.to_string()}).to_string(),
            };
            self.say(|| {
                // A reader that has gone, such as `head`, is no reason to stop making images.
                let _ = writeln!(std::io::stdout(), "{object}");
            });
        }
        match done {
            Err(error) => self.say(|| eprintln!("error: {input}: {error}")),
            Ok(_) if self.json || self.bar.is_some() || !self.lines => {}
            Ok(Done::Skipped) => eprintln!("{output} exists, skipped: make it anew with --overwrite"),
            Ok(Done::Made(outcome)) => {
                let seconds = outcome.times.total_ms() / 1e3;
                eprintln!("{output}: {}x{} in {seconds:.1} s", outcome.width, outcome.height);
            }
        }
        if let Some(bar) = &self.bar {
            bar.inc(1);
        }
    }

    /// Prints without tearing the bar.
    fn say(&self, print: impl FnOnce()) {
        match &self.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    fn object(&self, input: &str, output: &str, outcome: &Outcome) -> String {
        let line = Line {
            input,
            output,
            width: outcome.width,
            height: outcome.height,
            device: self.device,
            model: self.model,
            certainty: outcome.certainty,
            ms: Milliseconds(&outcome.times),
        };
        serde_json::to_string(&line)
            .unwrap_or_else(|error| json!({"input": input, "error": error.to_string()}).to_string())
    }

    fn finish(&self, failures: usize) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
            let made = bar.length().unwrap_or_default() as usize - failures;
            eprintln!("{made} done, {failures} failed in {:.1} s", bar.elapsed().as_secs_f64());
        }
    }
}

/// What `--json` prints of a result.
#[derive(Serialize)]
struct Line<'a> {
    input: &'a str,
    output: &'a str,
    width: u32,
    height: u32,
    device: &'a str,
    model: Option<&'a str>,
    /// Of a cut-out.
    #[serde(flatten)]
    certainty: Option<Certainty>,
    ms: Milliseconds<'a>,
}

/// Stage times in the order of the road, and their sum.
struct Milliseconds<'a>(&'a Times);

impl Serialize for Milliseconds<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        // Microseconds are as fine as a clock here is true.
        let round = |ms: f64| (ms * 1e3).round() / 1e3;
        let stages = self.0.stages().chain([("total", self.0.total_ms())]);
        serializer.collect_map(stages.map(|(stage, ms)| (stage, round(ms))))
    }
}
