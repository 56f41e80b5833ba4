//! Whether memory grows: many small images of mixed sizes through one engine.

use std::fmt;
use std::time::Instant;

use cameo_models::Network;

use super::memory::resident;
use super::{MIB, median, photo, run};
use crate::error::{Error, Result};
use crate::pipeline::{self, CutoutOptions, Handle, Job, Level, Recipe};

/// The sizes of the images, in the order they come: none like the one before, as buffers of one size are used again.
const SIZES: [[u32; 2]; 10] = [
    [128, 128],
    [333, 221],
    [64, 400],
    [512, 384],
    [97, 89],
    [301, 500],
    [640, 200],
    [240, 320],
    [480, 481],
    [160, 90],
];

/// Images until all sizes and jobs have come by; the first of them is cut out, the rest are enhanced.
pub const CYCLE: usize = 20;

/// What memory may grow by, in KiB an image: less than any of the images takes, more than the system's own unrest.
const MOST_KIB: f64 = 8.0;

/// What is left of memory after many images.
#[derive(Debug)]
pub struct Soak {
    images: usize,
    seconds: f64,
    /// The least memory that was resident in each cycle after the warm-up, in bytes.
    floors: Vec<f64>,
}

impl Soak {
    /// How memory grows, in KiB an image: the median of the slopes between any two cycles (Theil-Sen), which a few
    /// strays do not move.
    fn slope_kib(&self) -> f64 {
        let pairs = (0..self.floors.len()).flat_map(|i| (0..i).map(move |j| (j, i)));
        let slope = |(j, i): (usize, usize)| (self.floors[i] - self.floors[j]) / ((i - j) * CYCLE) as f64;
        median(pairs.map(slope).collect()) / 1024.0
    }
}

impl fmt::Display for Soak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Soak { images, seconds, floors } = self;
        let mib = |bytes: Option<&f64>| bytes.copied().unwrap_or_default() / MIB;
        write!(
            f,
            "{images} images in {seconds:.0} s: {:.1} MiB resident after the warm-up, {:.1} MiB at the end, {:+.2} KiB an image",
            mib(floors.first()),
            mib(floors.last()),
            self.slope_kib()
        )
    }
}

/// Puts `images` small images through `engine`, one in [`CYCLE`] cut out by `network`, and holds memory flat after a
/// quarter of them.
///
/// # Errors
/// [`Error::Engine`] if memory grows, or the system does not tell; and whatever stops the road.
pub fn soak(engine: &Handle, network: Network, images: usize) -> Result<Soak> {
    let failed = |reason: String| Error::Engine { engine: engine.name, reason };
    let photos = SIZES.iter().map(|&[width, height]| photo(width, height)).collect::<Result<Vec<_>>>()?;
    let unknown = || failed("this system does not tell how much memory a process has".into());
    let since = Instant::now();
    let mut floors = vec![f64::INFINITY; images / CYCLE];
    for floor in &mut floors {
        for at in 0..CYCLE {
            run(engine, &recipe(network, at), &photos[at % SIZES.len()], pipeline::unwatched())?;
            *floor = floor.min(resident().ok_or_else(unknown)? as f64);
        }
    }
    let floors = floors.split_off(floors.len() / 4);
    let soak = Soak { images, seconds: since.elapsed().as_secs_f64(), floors };
    match soak.slope_kib() <= MOST_KIB {
        true => Ok(soak),
        false => Err(failed(format!("its memory grows, at most {MOST_KIB} KiB an image are allowed: {soak}"))),
    }
}

/// What is done with the image at `at` of a cycle.
fn recipe(network: Network, at: usize) -> Recipe {
    let cutout = CutoutOptions { model: network, ..Default::default() };
    let job = if at == 0 { Job::Cutout } else { Job::Enhance };
    Recipe { cutout, level: Level::ALL[at % Level::ALL.len()], ..Recipe::new(job) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Memory that is given back late by up to 30 MiB, and grows by `kib` an image.
    fn soaked(kib: f64) -> f64 {
        let unrest =
            |i: usize| (i * 7919 % 13) as f64 / 13.0 * if i.is_multiple_of(5) { 30.0 * MIB } else { 0.1 * MIB };
        let floors = (0..75).map(|i| 3e8 + unrest(i) + (i * CYCLE) as f64 * kib * 1024.0).collect();
        Soak { images: 2000, seconds: 1.0, floors }.slope_kib()
    }

    #[test]
    fn what_grows_is_told_from_what_is_uneasy() {
        assert!(soaked(0.0).abs() < 0.5, "{}", soaked(0.0));
        assert!((soaked(10.0) - 10.0).abs() < 0.5, "{}", soaked(10.0));
    }

    #[test]
    fn a_cycle_cuts_out_once_and_has_every_level() {
        let recipes: Vec<Recipe> = (0..CYCLE).map(|at| recipe(Network::U2NetP, at)).collect();
        assert_eq!(recipes.iter().filter(|recipe| recipe.job == Job::Cutout).count(), 1);
        assert!(Level::ALL.into_iter().all(|level| recipes.iter().any(|recipe| recipe.level == level)));
        assert_eq!(CYCLE % SIZES.len(), 0, "every cycle must be like the last");
    }
}
