//! What each stage costs, on each engine there is: `cargo bench`; README.md beside this file tells how to read it.
//!
//! Each stage is timed alone; what comes before it on the road runs anew for each sample, outside of what is timed.

use std::cell::RefCell;
use std::collections::HashMap;

use cameo::codec::{self, Format, Image, Limits, Picture};
use cameo::cpu::CpuEngine;
use cameo::gpu::GpuEngine;
use cameo::pipeline::{CutoutOptions, Edge, Engine, Job, Reading, Recipe};
use cameo_device::adapter::{self, Adapter};
use cameo_models::Network;
use divan::Bencher;

/// Sides of the photo, which is square: 1, 4 and 12 megapixels.
const SIDES: [u32; 3] = [1000, 2000, 3464];

/// The small one, so that the whole takes minutes.
const NETWORK: Network = Network::U2NetP;

fn main() {
    // Few, as each takes up to seconds; flags on the command line go first.
    divan::Divan::default().sample_count(5).sample_size(1).config_with_args().main();
}

/// An engine that is opened once and stays with the thread that did.
trait Ready: Engine + Sized {
    fn with<T>(work: impl FnOnce(&mut Self) -> T) -> T;
}

thread_local! {
    static CPU: RefCell<CpuEngine> = RefCell::new(CpuEngine::new(&models()));
    static GPU: RefCell<GpuEngine> =
        RefCell::new(GpuEngine::new(&adapter().expect("no GPU was found"), &models()).expect("the GPU cannot be opened"));
    static PHOTOS: RefCell<HashMap<u32, Vec<u8>>> = RefCell::default();
}

impl Ready for CpuEngine {
    fn with<T>(work: impl FnOnce(&mut Self) -> T) -> T {
        CPU.with_borrow_mut(work)
    }
}

impl Ready for GpuEngine {
    fn with<T>(work: impl FnOnce(&mut Self) -> T) -> T {
        GPU.with_borrow_mut(work)
    }
}

fn models() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("models")
}

/// The GPU to measure; a software adapter only where CAMEO_ALLOW_SOFTWARE is set.
fn adapter() -> Option<Adapter> {
    let allow_software = std::env::var_os("CAMEO_ALLOW_SOFTWARE").is_some();
    adapter::choose(&adapter::adapters(), allow_software).ok().cloned()
}

/// No sizes where there is no GPU: its stages are not run, rather than timed as nothing.
fn gpu_sides() -> Vec<u32> {
    if adapter().is_some() { SIDES.to_vec() } else { vec![] }
}

fn recipe() -> Recipe {
    Recipe { cutout: options(), ..Recipe::new(Job::Combo) }
}

fn options() -> CutoutOptions {
    CutoutOptions { model: NETWORK, ..Default::default() }
}

/// The photo as a PNG.
fn photo(side: u32) -> Vec<u8> {
    let make = || cameo::bench::photo(side, side).expect("the built-in photo is good");
    PHOTOS.with_borrow_mut(|photos| photos.entry(side).or_insert_with(make).clone())
}

fn decoded(side: u32) -> Image {
    codec::decode(&photo(side), &Limits::default()).expect("the photo is good")
}

// The road up to and with the stage of that name.

fn upload<E: Ready>(side: u32) -> E::Frame {
    E::with(|engine| {
        recipe().networks().into_iter().for_each(|network| engine.load(network).expect("the weights are there"));
        engine.upload(decoded(side)).expect("upload")
    })
}

fn guide<E: Ready>(side: u32) -> (E::Frame, E::Guide) {
    let frame = upload::<E>(side);
    let guide = E::with(|engine| engine.guide(&frame, &options()).expect("guide"));
    (frame, guide)
}

fn prepare<E: Ready>(side: u32) -> (E::Frame, E::Guide, E::Input) {
    let (frame, guide) = guide::<E>(side);
    let input = E::with(|engine| engine.prepare(&frame, &guide, NETWORK).expect("prepare"));
    (frame, guide, input)
}

fn matte<E: Ready>(side: u32) -> (E::Frame, E::Guide, E::Matte) {
    let (frame, guide, input) = prepare::<E>(side);
    (frame, guide, E::with(|engine| engine.matte(input, NETWORK).expect("matte")))
}

fn lift<E: Ready>(side: u32) -> (E::Frame, E::Guide, E::Lifted) {
    let (frame, guide, matte) = matte::<E>(side);
    let lifted = E::with(|engine| engine.lift(matte, &guide, &options()).expect("lift"));
    (frame, guide, lifted)
}

fn refine<E: Ready>(side: u32) -> E::Frame {
    let (frame, guide, lifted) = lift::<E>(side);
    E::with(|engine| engine.refine(frame, lifted, guide, &options()).expect("refine"))
}

fn decontaminate<E: Ready>(side: u32) -> E::Frame {
    let frame = refine::<E>(side);
    E::with(|engine| engine.decontaminate(frame, &options()).expect("decontaminate"))
}

fn enhance<E: Ready>(side: u32) -> E::Picture {
    let frame = decontaminate::<E>(side);
    let enhancement = recipe().enhancement(side, side, u64::MAX).expect("the recipe is good");
    E::with(|engine| engine.enhance(frame, &enhancement).expect("enhance"))
}

fn readback<E: Ready>(side: u32) -> Reading {
    let picture = enhance::<E>(side);
    E::with(|engine| engine.readback(picture).expect("readback"))
}

/// Times `stage` on what `before` gives. What it returns is dropped outside of what is timed: it returns what it only
/// borrowed, too.
fn time<E: Ready, I, O>(bencher: Bencher, before: impl Fn() -> I, stage: impl Fn(&mut E, I) -> O + Sync) {
    bencher.with_inputs(before).bench_local_values(|input| E::with(|engine| stage(engine, input)));
}

/// The stages of an engine, in the order of the road.
macro_rules! stages {
    ($room:ident, $engine:ty, $sides:expr) => {
        mod $room {
            use super::*;

            #[divan::bench(args = $sides)]
            fn upload(bencher: Bencher, side: u32) {
                time::<$engine, _, _>(bencher, || decoded(side), |engine, image| engine.upload(image));
            }

            #[divan::bench(args = $sides)]
            fn guide(bencher: Bencher, side: u32) {
                let run = |engine: &mut $engine, frame| (engine.guide(&frame, &options()), frame);
                time(bencher, || super::upload::<$engine>(side), run);
            }

            #[divan::bench(args = $sides)]
            fn prepare(bencher: Bencher, side: u32) {
                let run =
                    |engine: &mut $engine, (frame, guide)| (engine.prepare(&frame, &guide, NETWORK), frame, guide);
                time(bencher, || super::guide::<$engine>(side), run);
            }

            #[divan::bench(args = $sides)]
            fn matte(bencher: Bencher, side: u32) {
                let run = |engine: &mut $engine, (_, _, input)| engine.matte(input, NETWORK);
                time(bencher, || super::prepare::<$engine>(side), run);
            }

            #[divan::bench(args = $sides)]
            fn lift(bencher: Bencher, side: u32) {
                let run = |engine: &mut $engine, (_, guide, matte)| (engine.lift(matte, &guide, &options()), guide);
                time(bencher, || super::matte::<$engine>(side), run);
            }

            #[divan::bench(args = $sides)]
            fn refine(bencher: Bencher, side: u32) {
                let run =
                    |engine: &mut $engine, (frame, guide, lifted)| engine.refine(frame, lifted, guide, &options());
                time(bencher, || super::lift::<$engine>(side), run);
            }

            #[divan::bench(args = $sides)]
            fn decontaminate(bencher: Bencher, side: u32) {
                let run = |engine: &mut $engine, frame| engine.decontaminate(frame, &options());
                time(bencher, || super::refine::<$engine>(side), run);
            }

            /// Not on the road as it is by default.
            #[divan::bench(args = $sides)]
            fn edge(bencher: Bencher, side: u32) {
                let soft = CutoutOptions { edge: Edge::Soft, ..options() };
                let run = |engine: &mut $engine, frame| engine.edge(frame, &soft);
                time(bencher, || super::decontaminate::<$engine>(side), run);
            }

            #[divan::bench(args = $sides)]
            fn enhance(bencher: Bencher, side: u32) {
                let enhancement = recipe().enhancement(side, side, u64::MAX).expect("the recipe is good");
                let run = |engine: &mut $engine, frame| engine.enhance(frame, &enhancement);
                time(bencher, || super::decontaminate::<$engine>(side), run);
            }

            #[divan::bench(args = $sides)]
            fn readback(bencher: Bencher, side: u32) {
                let run = |engine: &mut $engine, picture| engine.readback(picture);
                time(bencher, || super::enhance::<$engine>(side), run);
            }
        }
    };
}

stages!(cpu, CpuEngine, SIDES);
stages!(gpu, GpuEngine, gpu_sides());

/// The stages that are the same whichever engine runs.
mod host {
    use super::*;

    #[divan::bench(args = SIDES)]
    fn decode(bencher: Bencher, side: u32) {
        bencher
            .with_inputs(|| photo(side))
            .bench_local_refs(|photo| codec::decode(photo, &Limits::default()).expect("the photo is good"));
    }

    #[divan::bench(args = SIDES)]
    fn encode(bencher: Bencher, side: u32) {
        let Picture::Eight(image) = readback::<CpuEngine>(side).picture else { unreachable!("a PNG of 8 bits") };
        bencher.bench_local(|| codec::encode(&image, Format::Png, None));
    }
}
