//! One recipe over many images: several threads read, decode, encode and write, and the engine's thread computes.

use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use cameo_core::codec::{self, Compression, Depth, Format};
use cameo_core::pipeline::{self, EncodedResult, EngineHandle, PixelBudget, ProcessingLimits, Recipe, no_observer};

use super::args::{EngineArgs, LimitArgs};
use super::engine;
use super::error::{CliError, Result};
use super::files::{self, Location};
use super::items::{BatchItem, batch_items};
use super::report::{BatchReport, ItemResult, ReportSettings};

/// Flags of every command that writes images.
#[derive(Debug, clap::Args)]
pub struct BatchArgs {
    /// Photos: files, folders, patterns, or - for standard input
    #[arg(required = true, value_name = "INPUT")]
    inputs: Vec<String>,
    /// Where the result goes: a file, a folder for several, or - for standard output
    #[arg(short, long, value_name = "OUT")]
    output: String,
    /// Format of the result: png or webp [default: the extension of OUT, else png]
    #[arg(long)]
    format: Option<Format>,
    /// Bits per channel of the result: 8, or 16 in a PNG
    #[arg(long, value_name = "BITS", default_value_t)]
    depth: Depth,
    /// Compression of a PNG: fast, or small for a tenth less in up to five times the time
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
    let (items, format) = batch_items(&args.inputs, &args.output, args.format)?;
    recipe.format = format;
    recipe.cutout.depth = args.depth;
    recipe.cutout.compression = args.compression;
    recipe.cutout.keep_p3 = args.keep_p3;
    // A mistake in the options is reported once, before any work.
    recipe.check()?;
    if args.output == files::DASH {
        files::check_standard_output()?;
        if args.json {
            return Err(CliError::Usage(
                "--json and -o - both need standard output: write the result to a file".into(),
            ));
        }
    }
    let is_skipped = |item: &BatchItem| !args.overwrite && item.output.exists();
    // No engine is opened if there is nothing to do.
    let engine = match items.iter().filter(|item| !is_skipped(item)).count() {
        0 => None,
        photos => Some(engine::open(&args.engine, recipe.networks(), photos, engine::announce_on_stderr)?),
    };
    let settings = ReportSettings {
        json: args.json,
        lines: args.output != files::DASH,
        device: engine.as_ref().map_or("none", |engine| engine.name),
        model: recipe.network().map(|network| network.name()),
    };
    let report = BatchReport::new(settings, items.len());
    let job = BatchJob { recipe, limits: args.limits.processing_limits(), budget: args.limits.budget() };
    let failures = process_all(&items, args.jobs.into(), &report, |item| match &engine {
        Some(engine) if !is_skipped(item) => job.process(item, engine).map(ItemResult::Written),
        _ => Ok(ItemResult::Skipped),
    });
    report.finish(failures);
    Ok(if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
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
        if item.input == item.output && item.input != Location::Standard {
            return Err(CliError::Usage("the result would overwrite its own photo: choose another -o".into()));
        }
        // A file waits for its share of the budget before its bytes are in memory; standard input has to be read first.
        let (header, bytes) = match &item.input {
            Location::File(path) => (files::header(path, &self.limits.input)?, None),
            Location::Standard => {
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
