//! `cameo bench`: measures Cameo on this machine.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use cameo_core::codec::ImageHeader;
use cameo_core::pipeline::{CutoutOptions, EngineHandle, Operation, ProcessingLimits, Recipe};
use cameo_cpu::CpuEngine;
use cameo_gpu::GpuEngine;
use cameo_models::Network;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use serde::Serialize;

use super::args::{Device, EngineArgs};
use super::engine::{self, Choice};
use super::enhance::EnhanceArgs;
use super::error::{CliError, Result};
use super::files::{self, Location};
use crate::bench::{self, BenchError, BenchReport, EngineFigures, GpuSpec, Machine, RooflineOptions, SOAK_CYCLE};

#[derive(Debug, clap::Args)]
pub struct BenchArgs {
    /// Engines to measure
    #[arg(long, value_enum, default_value_t)]
    engine: Engines,
    /// Sizes of the photo in megapixels, separated by commas: 0.01 to 50 each [default: 1,4,12]
    #[arg(long, value_name = "MP", value_delimiter = ',', value_parser = megapixels)]
    sizes: Vec<f64>,
    /// Runs of each size, after a warm-up; their median counts
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=1000))]
    runs: u16,
    /// Network: isnet for quality, u2netp for speed
    #[arg(long, default_value_t = Network::IsNet)]
    model: Network,
    #[command(flatten)]
    enhance: EnhanceArgs,
    /// Write the figures and the conditions they were measured under to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Instead of measuring times, process this many small images (200 or more) with each engine, and fail if its
    /// memory grows
    #[arg(long, value_name = "IMAGES", conflicts_with_all = ["sizes", "runs", "json", "level", "scale"],
        value_parser = clap::value_parser!(u32).range(10 * SOAK_CYCLE as i64..))]
    soak: Option<u32>,
    /// Instead of measuring times, print what each stage asks of a GPU for a photo of the first of the sizes [default: 12
    /// megapixels], and the shortest time it could take on this one [default if none is named: l4]
    #[arg(long, value_name = "GPU", num_args = 0..=1, default_missing_value = GpuSpec::DEFAULT.id, value_parser = gpu_spec(),
        conflicts_with_all = ["engine", "soak", "level", "scale"])]
    roofline: Option<GpuSpec>,
    /// Print the same, and how long each kernel takes by the timestamps of the GPU, in the run with the median
    #[arg(long, conflicts_with_all = ["engine", "soak", "level", "scale"])]
    gpu_times: bool,
    /// Let the GPU be a software adapter (for tests: it is slow)
    #[arg(long, env = "CAMEO_ALLOW_SOFTWARE")]
    allow_software: bool,
    /// Folder of the model weights [default: models beside the program, else ../share/cameo/models from there, else
    /// ./models]
    #[arg(long, value_name = "DIR", env = "CAMEO_MODELS")]
    models: Option<PathBuf>,
}

/// The engines to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
enum Engines {
    /// The CPU
    Cpu,
    /// A GPU, or fail
    Gpu,
    /// The CPU, and a GPU if there is one
    #[default]
    Both,
}

fn megapixels(text: &str) -> std::result::Result<f64, String> {
    let number = text.parse().ok().filter(|megapixels| (0.01..=50.0).contains(megapixels));
    number.ok_or_else(|| String::from("use megapixels from 0.01 to 50, such as 1,4,12"))
}

/// Returns a parser that accepts the GPUs whose data sheets are known, and lists them in the help.
fn gpu_spec() -> impl TypedValueParser<Value = GpuSpec> {
    let ids = GpuSpec::ALL.map(|gpu| PossibleValue::new(gpu.id).help(gpu.name));
    PossibleValuesParser::new(ids).try_map(|id| id.parse())
}

/// Returns width and height of a square photo.
fn square(megapixels: f64) -> [u32; 2] {
    [(megapixels * 1e6).sqrt().round() as u32; 2]
}

/// An open engine.
struct OpenEngine {
    handle: EngineHandle,
    /// The name of the processor or of the adapter.
    device: String,
    load_ms: f64,
}

/// Runs the command.
///
/// # Errors
/// If an engine cannot be opened, a measurement fails, or the figures cannot be written.
pub fn run(args: BenchArgs) -> Result<ExitCode> {
    // Errors that can be found now must not show up only after minutes of measuring.
    if let Some(file) = &args.json {
        check_folder(file)?;
    }
    if let Some(gpu) = args.roofline.or(args.gpu_times.then_some(GpuSpec::DEFAULT)) {
        args.print_roofline(gpu)?;
    } else if let Some(images) = args.soak {
        args.soak(images)?;
    } else {
        args.measure()?;
    }
    Ok(ExitCode::SUCCESS)
}

impl BenchArgs {
    fn print_roofline(&self, gpu: GpuSpec) -> Result<()> {
        let args = self.engine_args(Device::Gpu);
        let Choice::Gpu(adapter) = engine::choose(&args)?.0 else { unreachable!("a GPU was asked for") };
        let mut engine = GpuEngine::new(&adapter, &args.models_folder())?;
        let [width, height] = square(self.sizes.first().copied().unwrap_or(12.0));
        let timed_photos = self.gpu_times.then_some(self.runs);
        let options = RooflineOptions { network: self.model, width, height, gpu, timed_photos };
        let roofline = bench::roofline(&mut engine, adapter.describe(), &options)?;
        print!("{roofline}");
        self.write_json(&roofline)
    }

    fn soak(&self, images: u32) -> Result<()> {
        let (recipe, machine) = (self.recipe(), Machine::this());
        for device in self.devices()? {
            let OpenEngine { handle, .. } = self.open(device, &recipe, &machine)?;
            println!("{}: {}", handle.name, bench::soak(&handle, self.model, images as usize)?);
        }
        Ok(())
    }

    fn measure(&self) -> Result<()> {
        let recipe = self.recipe();
        for &megapixels in self.sizes() {
            let [width, height] = square(megapixels);
            recipe.resolve(ImageHeader { width, height }, &ProcessingLimits::default())?;
        }
        let version = env!("CARGO_PKG_VERSION");
        let mut report =
            BenchReport { version, machine: Machine::this(), recipe, runs: self.runs, engines: Vec::new() };
        for device in self.devices()? {
            // An engine is closed before the next one is opened, so that its memory is not counted for both.
            let engine = self.open(device, &report.recipe, &report.machine)?;
            if device == Device::Gpu {
                report.machine.adapter = Some(engine.device.clone());
            }
            report.engines.push(self.measure_engine(engine, &report.recipe)?);
        }
        print!("{report}");
        self.write_json(&report)
    }

    /// Writes `figures` to the file of `--json`, if there is one.
    fn write_json(&self, figures: &impl Serialize) -> Result<()> {
        let Some(file) = &self.json else { return Ok(()) };
        let json = serde_json::to_string_pretty(figures).map_err(|error| CliError::file("write", file, error))?;
        files::write(&Location::File(file.clone()), format!("{json}\n").as_bytes())
    }

    /// Returns the sizes to measure, in megapixels.
    fn sizes(&self) -> &[f64] {
        if self.sizes.is_empty() { &[1.0, 4.0, 12.0] } else { &self.sizes }
    }

    fn measure_engine(&self, engine: OpenEngine, recipe: &Recipe) -> Result<EngineFigures> {
        let OpenEngine { handle, device, load_ms } = engine;
        let measure = |&megapixels: &f64| {
            let [width, height] = square(megapixels);
            engine::announce_on_stderr(&format!("measuring {width}x{height}, {} times", self.runs + 1));
            bench::measure(&handle, recipe, &bench::photo(width, height)?, [width, height], self.runs)
        };
        let sizes = self.sizes().iter().map(measure).collect::<std::result::Result<_, BenchError>>()?;
        Ok(EngineFigures { engine: handle.name, device, load_ms, sizes })
    }

    fn recipe(&self) -> Recipe {
        let cutout = CutoutOptions { model: self.model, ..Default::default() };
        let mut recipe = Recipe { cutout, ..Recipe::new(Operation::Combo) };
        self.enhance.apply(&mut recipe);
        recipe
    }

    /// Returns the devices to measure that this machine has.
    fn devices(&self) -> Result<Vec<Device>> {
        let find_gpu = || engine::choose(&self.engine_args(Device::Gpu));
        Ok(match self.engine {
            Engines::Cpu => vec![Device::Cpu],
            Engines::Gpu => find_gpu().map(|_| vec![Device::Gpu])?,
            Engines::Both => match find_gpu() {
                Ok(_) => vec![Device::Cpu, Device::Gpu],
                Err(error) => {
                    engine::announce_on_stderr(&format!("measuring only the CPU: {error}"));
                    vec![Device::Cpu]
                }
            },
        })
    }

    fn engine_args(&self, device: Device) -> EngineArgs {
        EngineArgs { device, allow_software: self.allow_software, models: self.models.clone() }
    }

    fn open(&self, device: Device, recipe: &Recipe, machine: &Machine) -> Result<OpenEngine> {
        let args = self.engine_args(device);
        let (models, networks) = (args.models_folder(), recipe.networks());
        let (choice, reason) = engine::choose(&args)?;
        let start = Instant::now();
        let (handle, device) = match choice {
            Choice::Gpu(adapter) => {
                let device = adapter.describe();
                let open = move || {
                    let mut engine = GpuEngine::new(&adapter, &models)?;
                    engine.context.synchronous = true;
                    Ok(engine)
                };
                (EngineHandle::start(open, networks)?, device)
            }
            Choice::Cpu => {
                // As in a service.
                let open = move || Ok(CpuEngine::new(&models).with_expected_photos(usize::MAX));
                (EngineHandle::start(open, networks)?, machine.cpu.clone())
            }
        };
        engine::announce_on_stderr(&reason);
        Ok(OpenEngine { handle, device, load_ms: (start.elapsed().as_secs_f64() * 1e3).round() })
    }
}

fn check_folder(file: &Path) -> Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match folder.is_dir() {
        true => Ok(()),
        false => {
            Err(CliError::file("write", file, format!("there is no folder {}: create it first", folder.display())))
        }
    }
}
