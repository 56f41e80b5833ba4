//! `cameo bench`: what each stage costs on this machine.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use cameo_models::Network;

use super::engine::{self, Choice};
use super::enhance::EnhanceArgs;
use super::files::{self, Place};
use crate::bench::{self, CYCLE, Machine, Measured, Report};
use crate::config::{Device, EngineArgs};
use crate::error::{Error, Result};
use crate::pipeline::{Bounds, CutoutOptions, Handle, Job, Recipe};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Engines to measure
    #[arg(long, value_enum, default_value_t)]
    engine: Engines,
    /// Sizes of the photo, in megapixels: 0.01 to 50 each, with commas between
    #[arg(long, value_name = "MP", value_delimiter = ',', default_values_t = [1.0, 4.0, 12.0], value_parser = megapixels)]
    sizes: Vec<f64>,
    /// Runs of each size, after one to warm up; the median counts
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=1000))]
    runs: u16,
    /// Network: isnet for quality, u2netp for speed
    #[arg(long, default_value_t = Network::IsNet)]
    model: Network,
    #[command(flatten)]
    enhance: EnhanceArgs,
    /// Write the figures and what they were taken on to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Draw the figures to this file
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Put so many small images through each engine instead, and fail if its memory grows: 200 or more
    #[arg(long, value_name = "IMAGES", conflicts_with_all = ["sizes", "runs", "json", "svg", "level", "scale"],
        value_parser = clap::value_parser!(u32).range(10 * CYCLE as i64..))]
    soak: Option<u32>,
    /// Let the GPU be a software adapter (for tests: it is slow)
    #[arg(long, env = "CAMEO_ALLOW_SOFTWARE")]
    allow_software: bool,
    /// Folder of the model weights [default: models beside the program, else ./models]
    #[arg(long, value_name = "DIR", env = "CAMEO_MODELS")]
    models: Option<PathBuf>,
}

/// Which engines are measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
enum Engines {
    /// The CPU
    Cpu,
    /// A GPU, or nothing
    Gpu,
    /// The CPU, and a GPU if there is one
    #[default]
    Both,
}

fn megapixels(text: &str) -> std::result::Result<f64, String> {
    let number = text.parse().ok().filter(|megapixels| (0.01..=50.0).contains(megapixels));
    number.ok_or_else(|| String::from("use megapixels from 0.01 to 50, such as 1,4,12"))
}

/// The built-in photo is square.
fn square(megapixels: f64) -> [u32; 2] {
    [(megapixels * 1e6).sqrt().round() as u32; 2]
}

/// An engine that is ready, what it runs on, and how long it took to become so.
struct Opened {
    handle: Handle,
    device: String,
    load_ms: f64,
}

pub fn run(args: Args) -> Result<ExitCode> {
    // Minutes later would be too late.
    for file in [&args.json, &args.svg].into_iter().flatten() {
        check_folder(file)?;
    }
    let cutout = CutoutOptions { model: args.model, ..Default::default() };
    let mut recipe = Recipe { cutout, ..Recipe::new(Job::Combo) };
    args.enhance.apply(&mut recipe);
    for &megapixels in &args.sizes {
        let [width, height] = square(megapixels);
        recipe.enhancement(width, height, Bounds::default().output.0)?;
    }
    let machine = Machine::this();
    let devices = args.devices()?;
    if let Some(images) = args.soak {
        for device in devices {
            let opened = args.open(device, &recipe, &machine)?;
            println!("{}: {}", opened.handle.name, bench::soak(&opened.handle, args.model, images as usize)?);
        }
        return Ok(ExitCode::SUCCESS);
    }
    let mut report = Report { version: env!("CARGO_PKG_VERSION"), machine, recipe, runs: args.runs, engines: vec![] };
    for device in devices {
        // Each is gone before the next one comes, that its memory is not counted twice.
        let opened = args.open(device, &report.recipe, &report.machine)?;
        if device == Device::Gpu {
            report.machine.adapter = Some(opened.device.clone());
        }
        report.engines.push(measure(&args, opened, &report.recipe)?);
    }
    print!("{report}");
    save(&report, args.json, args.svg)?;
    Ok(ExitCode::SUCCESS)
}

fn save(report: &Report, json: Option<PathBuf>, svg: Option<PathBuf>) -> Result<()> {
    if let Some(file) = json {
        let json = serde_json::to_string_pretty(report).map_err(|error| Error::file("write", &file, error))?;
        files::write(&Place::File(file), format!("{json}\n").as_bytes())?;
    }
    if let Some(file) = svg {
        files::write(&Place::File(file), bench::svg(report).as_bytes())?;
    }
    Ok(())
}

fn measure(args: &Args, opened: Opened, recipe: &Recipe) -> Result<Measured> {
    let Opened { handle, device, load_ms } = opened;
    let measure = |&megapixels: &f64| {
        let [width, height] = square(megapixels);
        engine::on_standard_error(&format!("measuring {width}x{height}, {} times", args.runs + 1));
        bench::measure(&handle, recipe, &bench::photo(width, height)?, [width, height], args.runs)
    };
    let sizes = args.sizes.iter().map(measure).collect::<Result<_>>()?;
    Ok(Measured { engine: handle.name, device, load_ms, sizes })
}

impl Args {
    /// What is to be measured of what is there.
    fn devices(&self) -> Result<Vec<Device>> {
        let gpu = || engine::choose(&self.on(Device::Gpu)).map(|_| ());
        Ok(match self.engine {
            Engines::Cpu => vec![Device::Cpu],
            Engines::Gpu => gpu().map(|()| vec![Device::Gpu])?,
            Engines::Both => match gpu() {
                Ok(()) => vec![Device::Cpu, Device::Gpu],
                Err(error) => {
                    engine::on_standard_error(&format!("measuring the CPU alone: {error}"));
                    vec![Device::Cpu]
                }
            },
        })
    }

    fn on(&self, device: Device) -> EngineArgs {
        EngineArgs { device, allow_software: self.allow_software, models: self.models.clone() }
    }

    fn open(&self, device: Device, recipe: &Recipe, machine: &Machine) -> Result<Opened> {
        let args = self.on(device);
        let name = match engine::choose(&args)?.0 {
            Choice::Gpu(adapter) => adapter.describe(),
            Choice::Cpu => machine.cpu.clone(),
        };
        let since = Instant::now();
        // As a service's.
        let handle = engine::open(&args, recipe.networks(), usize::MAX, engine::on_standard_error)?;
        Ok(Opened { handle, device: name, load_ms: (since.elapsed().as_secs_f64() * 1e3).round() })
    }
}

fn check_folder(file: &Path) -> Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match folder.is_dir() {
        true => Ok(()),
        false => Err(Error::file("write", file, format!("there is no folder {}: make it first", folder.display()))),
    }
}
