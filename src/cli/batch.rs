//! One recipe over many images: several threads read, decode, encode and write, and the engine's thread computes.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use cameo_core::codec::{self, Compression, Depth, Format};
use cameo_core::pipeline::{self, EncodedResult, EngineHandle, PixelBudget, ProcessingLimits, Recipe, no_observer};

use super::args::{EngineArgs, LimitArgs};
use super::engine;
use super::error::{CliError, Result};
use super::files::{self, Location};
use super::inputs::Inputs;
use super::items::{BatchItem, batch_items, obstacles};
use super::output::Output;
use super::paths::{destination, folder_of};
use super::report::{BatchReport, ItemResult, ReportSettings};
use super::{shutdown, temporary};

/// Flags of every command that writes images.
#[derive(Debug, clap::Args)]
pub struct BatchArgs {
    /// Photos: files, folders, patterns, or - for standard input
    #[arg(required = true, value_name = "INPUT")]
    inputs: Vec<OsString>,
    /// Where the result goes: a file, a folder for several, or - for standard output
    // A value that begins with a hyphen is refused with a sentence of our own.
    #[arg(short, long, value_name = "OUT", allow_hyphen_values = true)]
    output: OsString,
    /// Format of the result: png or webp [default: the extension of OUT, else png]
    #[arg(long)]
    format: Option<Format>,
    /// Bits per channel of the result: 8, or 16 in a PNG
    #[arg(long, value_name = "BITS", default_value_t)]
    depth: Depth,
    /// Compression of a PNG: fast, or small for up to a sixth less in up to 15 times the time
    #[arg(long, default_value_t)]
    compression: Compression,
    /// Keep the colours and the profile of a Display P3 photo [default: convert to sRGB]
    #[arg(long)]
    keep_p3: bool,
    /// Images processed at once; the engine itself takes one at a time
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=64))]
    jobs: u16,
    /// Replace results that exist already
    #[arg(long)]
    overwrite: bool,
    /// Print one JSON object per image on standard output
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    limits: LimitArgs,
}

/// Runs `recipe` over the images that `args` name. One bad image does not stop the rest; the exit code tells whether any
/// failed.
///
/// # Errors
/// If nothing can be processed: the arguments are wrong, or the engine cannot be opened.
pub fn run(args: &BatchArgs, mut recipe: Recipe) -> Result<ExitCode> {
    let output = Output::parse(&args.output)?;
    let inputs = Inputs::find(&args.inputs, &output)?;
    let notes = inputs.notes();
    if inputs.found.is_empty() && inputs.failed.is_empty() {
        return Err(nothing_found(args, &notes));
    }
    let (items, format) = batch_items(inputs.found, inputs.several, &output, args.format)?;
    recipe.format = format;
    recipe.cutout.depth = args.depth;
    recipe.cutout.compression = args.compression;
    recipe.cutout.keep_p3 = args.keep_p3;
    // A mistake in the options is reported once, before any work.
    recipe.check()?;
    if output == Output::Standard {
        files::check_standard_output()?;
        if args.json {
            return Err(CliError::Usage(
                "--json and -o - both need standard output: write the result to a file".into(),
            ));
        }
    }
    let obstacles = obstacles(&items);
    let is_refused = |item: &BatchItem| obstacles.contains_key(&item.output);
    let is_skipped = |item: &BatchItem| !args.overwrite && item.output.exists() && !is_refused(item);
    let is_processed = |item: &&BatchItem| !is_skipped(item) && !is_refused(item);
    check_outputs(items.iter().filter(is_processed))?;
    notes.iter().for_each(|note| eprintln!("cameo: {note}"));
    // No engine is opened if there is nothing to do.
    let engine = match items.iter().filter(is_processed).count() {
        0 => None,
        photos => Some(engine::open(&args.engine, recipe.networks(), photos, engine::announce_on_stderr)?),
    };
    let settings = ReportSettings {
        json: args.json,
        lines: output != Output::Standard,
        device: engine.as_ref().map_or("none", |engine| engine.name),
        model: recipe.network().map(|network| network.name()),
    };
    let report = BatchReport::new(settings, items.len());
    let limits = args.limits.processing_limits();
    let job = BatchJob { recipe, limits, budget: args.limits.budget() };
    shutdown::exit_on_signal(|code| temporary::exit_without_temporary_files(code));
    inputs.failed.iter().for_each(|(path, error)| report.add_failure(&path.display().to_string(), error));
    let failures = inputs.failed.len()
        + process_all(&items, args.jobs.into(), &report, |item| match (obstacles.get(&item.output), &engine) {
            (Some(obstacle), _) => Err(CliError::Usage(obstacle.clone())),
            (None, Some(engine)) if !is_skipped(item) => job.process(item, engine).map(ItemResult::Written),
            (None, _) => Ok(ItemResult::Skipped),
        });
    let all_printed = report.finish(failures);
    Ok(if failures == 0 && all_printed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Returns why there is nothing to process.
fn nothing_found(args: &BatchArgs, notes: &[String]) -> CliError {
    let names: Vec<_> = args.inputs.iter().map(|input| input.to_string_lossy()).collect();
    let notes: String = notes.iter().map(|note| format!("; {note}")).collect();
    CliError::Usage(format!("there are no images in {}{notes}", names.join(", ")))
}

/// Checks that the results of `items` can be written, before any work is done for them.
fn check_outputs<'a>(items: impl Iterator<Item = &'a BatchItem>) -> Result<()> {
    let destinations = items.filter(|item| !item.output.is_stream()).filter_map(|item| match &item.output {
        Location::File(path) => Some(destination(path)),
        Location::Standard => None,
    });
    let folders: BTreeSet<PathBuf> = destinations.map(|path| folder_of(&path).to_path_buf()).collect();
    folders.iter().try_for_each(|folder| files::check_folder(folder))
}

/// Processes `items` on `threads` threads, and reports each. Returns how many failed.
fn process_all(
    items: &[BatchItem],
    threads: usize,
    report: &BatchReport,
    process: impl Fn(&BatchItem) -> Result<ItemResult> + Sync,
) -> usize {
    let (next, failures) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..threads.min(items.len()) {
            scope.spawn(|| {
                while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let result = process(item);
                    failures.fetch_add(usize::from(result.is_err()), Ordering::Relaxed);
                    report.add(item, &result);
                }
            });
        }
    });
    failures.into_inner()
}

/// What all images of a batch share.
struct BatchJob {
    recipe: Recipe,
    limits: ProcessingLimits,
    budget: PixelBudget,
}

impl BatchJob {
    /// Processes one image and writes its result.
    fn process(&self, item: &BatchItem, engine: &EngineHandle) -> Result<EncodedResult> {
        // A file waits for its share of the budget before its bytes are in memory; a stream has to be read first.
        let (header, bytes) = match &item.input {
            Location::File(path) if !item.input.is_stream() => (files::header(path, &self.limits.input)?, None),
            Location::File(_) | Location::Standard => {
                let bytes = files::read(&item.input, &self.limits.input)?;
                (codec::header(&bytes, &self.limits.input)?, Some(bytes))
            }
        };
        let resolved = self.recipe.resolve(header, &self.limits)?;
        let _permit = pollster::block_on(self.budget.acquire(resolved.pixels()));
        let bytes = bytes.map_or_else(|| files::read(&item.input, &self.limits.input), Ok)?;
        let photo = pipeline::decode_input(&bytes, resolved, &self.limits, no_observer())?;
        drop(bytes);
        let result = pipeline::encode_output(engine.run_stages(photo)?)?;
        files::write(&item.output, &result.bytes)?;
        Ok(result)
    }
}
