//! Measures each stage on each engine of this machine: `cargo bench`. README.md in this folder explains the figures.
//!
//! Each stage is timed alone. The stages before it run again for each sample, outside the measured time.

use std::cell::RefCell;
use std::collections::HashMap;

use cameo_core::codec::{self, Format, Image, ImageHeader, InputLimits, Picture};
use cameo_core::pipeline::{
    CutoutOptions, Edge, Engine, EngineOutput, Enhancement, Operation, ProcessingLimits, Recipe,
};
use cameo_core::tuning::Roi;
use cameo_cpu::CpuEngine;
use cameo_device::adapter::{self, Adapter};
use cameo_gpu::GpuEngine;
use cameo_models::Network;
use divan::Bencher;

/// Sides of the square photos, in pixels: 1, 4 and 12 megapixels.
const SIDES: [u32; 3] = [1000, 2000, 3464];

/// The small network, so that all benches take minutes.
const NETWORK: Network = Network::U2NetP;

fn main() {
    // Few samples, because each takes up to seconds. Flags on the command line take precedence.
    divan::Divan::default().sample_count(5).sample_size(1).config_with_args().main();
}

/// An engine that is opened once, by the thread that uses it.
trait BenchEngine: Engine + Sized {
    fn with<T>(work: impl FnOnce(&mut Self) -> T) -> T;
}

thread_local! {
    static CPU: RefCell<CpuEngine> = RefCell::new(CpuEngine::new(&models()));
    static GPU: RefCell<GpuEngine> = RefCell::new(open_gpu());
    static PHOTOS: RefCell<HashMap<u32, Vec<u8>>> = RefCell::default();
}

impl BenchEngine for CpuEngine {
    fn with<T>(work: impl FnOnce(&mut Self) -> T) -> T {
        CPU.with_borrow_mut(work)
    }
}

impl BenchEngine for GpuEngine {
    fn with<T>(work: impl FnOnce(&mut Self) -> T) -> T {
        GPU.with_borrow_mut(work)
    }
}

fn open_gpu() -> GpuEngine {
    let adapter = adapter().expect("no GPU was found");
    let mut engine = GpuEngine::new(&adapter, &models()).expect("the GPU cannot be opened");
    engine.context.synchronous = true;
    engine
}

fn models() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("models")
}

/// Returns the GPU to measure; a software adapter only if CAMEO_ALLOW_SOFTWARE is set.
fn adapter() -> Option<Adapter> {
    let allow_software = std::env::var_os("CAMEO_ALLOW_SOFTWARE").is_some();
    adapter::choose(&adapter::adapters(), allow_software).ok().cloned()
}

/// Returns no sizes without a GPU: its stages are then not run at all.
fn gpu_sides() -> Vec<u32> {
    if adapter().is_some() { SIDES.to_vec() } else { vec![] }
}

fn recipe() -> Recipe {
    Recipe { cutout: options(), ..Recipe::new(Operation::Combo) }
}

fn enhancement(side: u32) -> Enhancement {
    let header = ImageHeader { width: side, height: side };
    let limits = ProcessingLimits { max_output_pixels: u64::MAX, ..Default::default() };
    recipe().resolve(header, &limits).expect("the recipe is valid").enhancement
}

fn options() -> CutoutOptions {
    CutoutOptions { model: NETWORK, ..Default::default() }
}

/// Returns the whole photo.
fn whole(side: u32) -> Roi {
    Roi::whole(side, side)
}

/// Returns the built-in photo at this size as a PNG.
fn photo(side: u32) -> Vec<u8> {
    let make = || cameo::bench::photo(side, side).expect("the built-in photo is valid");
    PHOTOS.with_borrow_mut(|photos| photos.entry(side).or_insert_with(make).clone())
}

fn decoded(side: u32) -> Image {
    codec::decode(&photo(side), &InputLimits::default()).expect("the photo is valid")
}

// Each function runs the pipeline up to and including the stage of its name.

fn upload<E: BenchEngine>(side: u32) -> E::Frame {
    E::with(|engine| {
        recipe().networks().into_iter().for_each(|network| engine.load(network).expect("the weights are there"));
        engine.upload(decoded(side)).expect("upload")
    })
}

fn locate<E: BenchEngine>(side: u32) -> (E::Frame, E::Prior) {
    let frame = upload::<E>(side);
    let prior = E::with(|engine| engine.locate(&frame, whole(side), &options()).expect("locate"));
    (frame, prior)
}

fn prepare<E: BenchEngine>(side: u32) -> (E::Frame, E::Prior, E::Input) {
    let (frame, prior) = locate::<E>(side);
    let input = E::with(|engine| engine.prepare(&frame, &prior, NETWORK).expect("prepare"));
    (frame, prior, input)
}

fn matte<E: BenchEngine>(side: u32) -> (E::Frame, E::Prior, E::Matte) {
    let (frame, prior, input) = prepare::<E>(side);
    (frame, prior, E::with(|engine| engine.matte(input, NETWORK).expect("matte")))
}

fn repair<E: BenchEngine>(side: u32) -> (E::Frame, E::Prior, E::RepairedMatte) {
    let (frame, prior, matte) = matte::<E>(side);
    let repaired = E::with(|engine| engine.repair(matte, &prior, &options()).expect("repair"));
    (frame, prior, repaired)
}

fn refine<E: BenchEngine>(side: u32) -> E::Frame {
    let (frame, prior, repaired) = repair::<E>(side);
    E::with(|engine| engine.refine(frame, repaired, prior, &options()).expect("refine"))
}

fn decontaminate<E: BenchEngine>(side: u32) -> E::Frame {
    let frame = refine::<E>(side);
    E::with(|engine| engine.decontaminate(frame, &options()).expect("decontaminate"))
}

fn enhance<E: BenchEngine>(side: u32) -> E::Enhanced {
    let frame = decontaminate::<E>(side);
    let enhancement = enhancement(side);
    E::with(|engine| engine.enhance(frame, &enhancement).expect("enhance"))
}

fn readback<E: BenchEngine>(side: u32) -> EngineOutput {
    let picture = enhance::<E>(side);
    E::with(|engine| engine.readback(picture).expect("readback"))
}

/// Times `stage` on the output of `before`. What `stage` returns is dropped after the clock stops, so it also returns
/// inputs that it only borrows.
fn time<E: BenchEngine, I, O>(bencher: Bencher<'_, '_>, before: impl Fn() -> I, stage: impl Fn(&mut E, I) -> O + Sync) {
    bencher.with_inputs(before).bench_local_values(|input| E::with(|engine| stage(engine, input)));
}

/// Defines the benches of one engine, in the order of the pipeline.
macro_rules! stages {
    ($module:ident, $engine:ty, $sides:expr) => {
        mod $module {
            use super::*;

            #[divan::bench(args = $sides)]
            fn upload(bencher: Bencher<'_, '_>, side: u32) {
                time::<$engine, _, _>(bencher, || decoded(side), |engine, image| engine.upload(image));
            }

            #[divan::bench(args = $sides)]
            fn locate(bencher: Bencher<'_, '_>, side: u32) {
                let run = |engine: &mut $engine, frame| (engine.locate(&frame, whole(side), &options()), frame);
                time(bencher, || super::upload::<$engine>(side), run);
            }

            #[divan::bench(args = $sides)]
            fn prepare(bencher: Bencher<'_, '_>, side: u32) {
                let run =
                    |engine: &mut $engine, (frame, prior)| (engine.prepare(&frame, &prior, NETWORK), frame, prior);
                time(bencher, || super::locate::<$engine>(side), run);
            }

            #[divan::bench(args = $sides)]
            fn matte(bencher: Bencher<'_, '_>, side: u32) {
                let run = |engine: &mut $engine, (_, _, input)| engine.matte(input, NETWORK);
                time(bencher, || super::prepare::<$engine>(side), run);
            }

            #[divan::bench(args = $sides)]
            fn repair(bencher: Bencher<'_, '_>, side: u32) {
                let run = |engine: &mut $engine, (_, prior, matte)| (engine.repair(matte, &prior, &options()), prior);
                time(bencher, || super::matte::<$engine>(side), run);
            }

            #[divan::bench(args = $sides)]
            fn refine(bencher: Bencher<'_, '_>, side: u32) {
                let run =
                    |engine: &mut $engine, (frame, prior, repaired)| engine.refine(frame, repaired, prior, &options());
                time(bencher, || super::repair::<$engine>(side), run);
            }

            #[divan::bench(args = $sides)]
            fn decontaminate(bencher: Bencher<'_, '_>, side: u32) {
                let run = |engine: &mut $engine, frame| engine.decontaminate(frame, &options());
                time(bencher, || super::refine::<$engine>(side), run);
            }

            /// By default this stage does not run.
            #[divan::bench(args = $sides)]
            fn edge(bencher: Bencher<'_, '_>, side: u32) {
                let soft = CutoutOptions { edge: Edge::Soft, ..options() };
                let run = |engine: &mut $engine, frame| engine.edge(frame, &soft);
                time(bencher, || super::decontaminate::<$engine>(side), run);
            }

            #[divan::bench(args = $sides)]
            fn enhance(bencher: Bencher<'_, '_>, side: u32) {
                let enhancement = enhancement(side);
                let run = |engine: &mut $engine, frame| engine.enhance(frame, &enhancement);
                time(bencher, || super::decontaminate::<$engine>(side), run);
            }

            #[divan::bench(args = $sides)]
            fn readback(bencher: Bencher<'_, '_>, side: u32) {
                let run = |engine: &mut $engine, picture| engine.readback(picture);
                time(bencher, || super::enhance::<$engine>(side), run);
            }
        }
    };
}

stages!(cpu, CpuEngine, SIDES);
stages!(gpu, GpuEngine, gpu_sides());

/// The stages on the host, which do not depend on the engine.
mod host {
    use super::*;

    #[divan::bench(args = SIDES)]
    fn decode(bencher: Bencher<'_, '_>, side: u32) {
        bencher
            .with_inputs(|| photo(side))
            .bench_local_refs(|photo| codec::decode(photo, &InputLimits::default()).expect("the photo is valid"));
    }

    #[divan::bench(args = SIDES)]
    fn encode(bencher: Bencher<'_, '_>, side: u32) {
        let Picture::Eight(image) = readback::<CpuEngine>(side).picture else { unreachable!("a PNG of 8 bits") };
        bencher.bench_local(|| codec::encode(&image, Format::Png, None));
    }
}
