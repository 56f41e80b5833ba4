//! Whether an engine computes what it should: tuned GPU kernels have been silently wrong on some adapters.

use std::fmt::{Display, Formatter};
use std::time::Instant;

use cameo_models::{Golden, Network, SELF_TEST_PORTRAIT};

use super::engine_thread::EngineHandle;
use super::error::{EngineError, PipelineError};
use super::network_runner::{NetworkRunner, Precision};
use super::options::CutoutOptions;
use super::recipe::{Operation, Recipe};
use super::resolve::ProcessingLimits;
use super::stages::decode_input;
use super::times::no_observer;
use crate::codec::{self, Image, InputLimits};

/// Largest and mean difference from a golden that are allowed, in units of 1/255, after both were rounded to 8 bits.
///
/// In f32 they allow for another order of summation: it moves values that are near a rounding boundary by 1. With f16
/// storage, IS-Net's matte changes by 2 at most.
const fn allowed(precision: Precision) -> (f32, f64) {
    match precision {
        Precision::F32 => (1.0, 0.01),
        Precision::F16Storage => (3.0, 0.05),
    }
}

/// What the comparison of a network's output with its golden found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NetworkCheck {
    pub network: Network,
    /// The precision in which the network ran.
    pub precision: Precision,
    /// The largest difference of a pixel, in units of 1/255.
    pub max: f32,
    /// The mean difference, in units of 1/255.
    pub mean: f64,
    /// How long the network took, loading included.
    pub seconds: f64,
}

impl NetworkCheck {
    /// Returns whether the differences are those of rounding.
    pub fn passed(&self) -> bool {
        let (max, mean) = allowed(self.precision);
        self.max <= max && self.mean <= mean
    }

    /// Runs `network` on the part of `portrait` that its golden was computed from, and compares the outputs.
    fn run<R: NetworkRunner>(runner: &mut R, network: Network, portrait: &Image) -> Result<Self, EngineError> {
        let Golden { left, png } = Golden::of(network);
        let golden = decode(png)?;
        let input = part(portrait, left, &golden);
        let (precision, start) = (runner.precision(network), Instant::now());
        let output = runner.run_network(network, input)?;
        let seconds = start.elapsed().as_secs_f64();
        let (max, mean) = difference(&output, &golden);
        Ok(Self { network, precision, max, mean, seconds })
    }
}

impl Display for NetworkCheck {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let Self { network, precision, max, mean, .. } = self;
        write!(
            f,
            "{network} ({precision}) differs from its golden output by at most {max}/255, {mean:.4}/255 on average"
        )
    }
}

/// Runs each of `networks` on the built-in portrait, and compares its output with what the original network computes. A
/// network that fails with less than f32 runs in f32 from then on, and is checked again. Calls `report` after each check.
///
/// # Errors
/// [`EngineError::SelfTest`] if a network fails in f32, after all were checked; every error of a [`NetworkRunner`].
pub fn self_test<R: NetworkRunner>(
    runner: &mut R,
    networks: &[Network],
    mut report: impl FnMut(&NetworkCheck),
) -> Result<(), EngineError> {
    let portrait = decode(SELF_TEST_PORTRAIT)?;
    let mut failed = None;
    for &network in networks {
        let mut check = NetworkCheck::run(runner, network, &portrait)?;
        report(&check);
        if !check.passed() && check.precision != Precision::F32 {
            runner.use_f32(network);
            check = NetworkCheck::run(runner, network, &portrait)?;
            report(&check);
        }
        if !check.passed() {
            failed.get_or_insert(check);
        }
    }
    match failed {
        Some(check) => Err(EngineError::SelfTest(check.to_string())),
        None => Ok(()),
    }
}

/// Cuts out and enhances the built-in portrait with the small network, so that no user's photo waits for one-time work
/// of the stages.
///
/// # Errors
/// Every error of the pipeline.
pub fn warm_up(engine: &EngineHandle) -> Result<(), PipelineError> {
    let cutout = CutoutOptions { model: Network::U2NetP, ..Default::default() };
    let recipe = Recipe { cutout, ..Recipe::new(Operation::Combo) };
    let limits = ProcessingLimits::default();
    let resolved = recipe.resolve(codec::header(SELF_TEST_PORTRAIT, &limits.input)?, &limits)?;
    engine.run_stages(decode_input(SELF_TEST_PORTRAIT, resolved, &limits, no_observer())?).map(drop)
}

fn decode(png: &[u8]) -> Result<Image, EngineError> {
    codec::decode(png, &InputLimits::default())
        .map_err(|error| EngineError::SelfTest(format!("a built-in picture cannot be decoded: {error}")))
}

/// Returns the part of `portrait` from the column `left` that has the size of `golden`.
fn part(portrait: &Image, left: u32, golden: &Image) -> Image {
    let Image { width, height, .. } = *golden;
    let (start, end) = (4 * left as usize, 4 * (left + width) as usize);
    let rows = portrait.pixels.chunks_exact(4 * portrait.width as usize).take(height as usize);
    Image::new(width, height, rows.flat_map(|row| &row[start..end]).copied().collect())
}

/// Returns the largest and the mean difference of `output` from `golden` in units of 1/255. What is no number, or has no
/// pixel to compare it with, is infinitely far.
fn difference(output: &[f32], golden: &Image) -> (f32, f64) {
    let pixels = golden.pixels.as_chunks::<4>().0;
    if output.len() != pixels.len() {
        return (f32::INFINITY, f64::INFINITY);
    }
    let differences = output.iter().zip(pixels).map(|(value, pixel)| {
        let difference = ((value * 255.0).round() - f32::from(pixel[0])).abs();
        if difference.is_nan() { f32::INFINITY } else { difference }
    });
    let max = differences.clone().fold(0.0, f32::max);
    (max, differences.map(f64::from).sum::<f64>() / pixels.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A runner that gives the goldens, each value changed by `fault` in the precision that it has.
    struct FakeRunner<F> {
        precision: Precision,
        fault: F,
    }

    impl<F: Fn(Precision, f32) -> f32> NetworkRunner for FakeRunner<F> {
        fn run_network(&mut self, network: Network, picture: Image) -> Result<Vec<f32>, EngineError> {
            let golden = decode(Golden::of(network).png)?;
            assert_eq!([picture.width, picture.height], [golden.width, golden.height]);
            let values = golden.pixels.as_chunks::<4>().0.iter().map(|pixel| f32::from(pixel[0]) / 255.0);
            Ok(values.map(|value| (self.fault)(self.precision, value)).collect())
        }

        fn precision(&self, _: Network) -> Precision {
            self.precision
        }

        fn use_f32(&mut self, _: Network) {
            self.precision = Precision::F32;
        }
    }

    /// The checks of all networks in turn, as precision and outcome, and the error.
    fn test(fault: impl Fn(Precision, f32) -> f32) -> (Vec<(Precision, bool)>, Result<(), EngineError>) {
        let mut checks = Vec::new();
        let mut runner = FakeRunner { precision: Precision::F16Storage, fault };
        let result = self_test(&mut runner, &Network::ALL, |check| checks.push((check.precision, check.passed())));
        (checks, result)
    }

    #[test]
    fn networks_that_agree_keep_their_precision() {
        let (checks, result) = test(|_, value| value);
        result.unwrap();
        assert_eq!(checks, [(Precision::F16Storage, true); 3]);
    }

    #[test]
    fn a_network_that_fails_with_f16_storage_runs_in_f32() {
        let (checks, result) = test(|precision, value| match precision {
            Precision::F16Storage => value * 0.9,
            Precision::F32 => value,
        });
        result.unwrap();
        let expected = [(Precision::F16Storage, false), (Precision::F32, true)];
        assert_eq!(checks[..2], expected);
    }

    #[test]
    fn a_network_that_fails_in_f32_too_is_named_after_all_were_checked() {
        let (checks, result) = test(|_, value| value * 0.9);
        let error = result.unwrap_err().to_string();
        assert!(error.contains("isnet (f32)"), "{error}");
        let failed_in_f32 = (Precision::F32, false);
        assert_eq!(checks, [(Precision::F16Storage, false), failed_in_f32, failed_in_f32, failed_in_f32]);
    }

    #[test]
    fn nonsense_does_not_pass() {
        for nonsense in [f32::NAN, f32::INFINITY, -1e9, 0.0, 1.0] {
            let (_, result) = test(|_, _| nonsense);
            assert!(result.is_err(), "{nonsense}");
        }
        let golden = Image::new(2, 1, vec![0; 8]);
        assert_eq!(difference(&[0.0], &golden).0, f32::INFINITY);
        assert_eq!(difference(&[0.0, 0.2], &golden), (51.0, 25.5));
    }
}
