//! What the matting network left out of the person, put back: enclosed holes and grey interiors.
//!
//! The decisions are made on a plane of [`SIDE`] pixels a side over the network's window, and are soft: a gain that
//! raises the network's own matte, edges and all, to full where the subject is certain, and beneath it a floor that
//! covers the certain interior alone.

use rayon::prelude::*;

use super::components::{NONE, components, grown, on_border};
use super::guide::Guide;
use super::plane::{Plane, down_row};
use crate::pipeline::CutoutOptions;
use crate::rules::{
    CENSUS_SOFT, CENSUS_UNIT, CONTRADICT, Census, FILL_REACH, HALF, HOLE, KEEP_REACH, MIN_RANGE, OUTSIDE, SIDE,
    SOFT_SIGMA, SPREAD_SIGMA, Window, ramp, smooth,
};
use crate::taps::{self, Taps};

/// The network's matte, stretched to 0..1 as rembg does.
pub fn stretch(matte: &mut [f32]) {
    let wider = |(low, high): (f32, f32), (other_low, other_high)| (low.min(other_low), high.max(other_high));
    let none = || (f32::MAX, f32::MIN);
    let (low, high) = matte.par_iter().fold(none, |range, &value| wider(range, (value, value))).reduce(none, wider);
    let range = high - low;
    matte.par_iter_mut().for_each(|value| *value = if range < MIN_RANGE { 0.0 } else { (*value - low) / range });
}

/// What tells how certain `matte` is, as it is after [`lift`].
pub fn census(matte: &Plane, guide: &Guide) -> Census {
    let table = taps::area(matte.width as usize, SIDE);
    let small = matte.resample(&table, &table);
    let over = |plane: &Plane| plane.over(&guide.window, guide.width, guide.height);
    let glance = over(&guide.glance);
    let sure = guide.people.as_ref().map(|people| over(&people.sure));
    let mut census = Census { people: sure.is_some().into(), ..Default::default() };
    let Window { left, top, width, height } = guide.window;
    let (right, bottom) = (left + width < guide.width, top + height < guide.height);
    let cuts = |i: usize| {
        let (x, y) = (i % SIDE, i / SIDE);
        x == 0 && left > 0 || y == 0 && top > 0 || x == SIDE - 1 && right || y == SIDE - 1 && bottom
    };
    let sum = |value: f32| (value * CENSUS_UNIT + 0.5) as u32;
    for (i, (&value, &glance)) in small.values.iter().zip(&glance.values).enumerate() {
        let solid = value > HALF;
        census.soft += (CENSUS_SOFT < value && value < 1.0 - CENSUS_SOFT) as u32;
        census.solid += solid as u32;
        census.apart += sum((value - glance).abs());
        census.most += sum(value.max(glance));
        census.cut += (value > CENSUS_SOFT && cuts(i)) as u32;
        if let Some(sure) = &sure {
            let sure = sure.values[i] > HALF;
            census.both += (sure && solid) as u32;
            census.either += (sure || solid) as u32;
        }
    }
    census
}

/// What becomes of a matte: `min(1, gain * matte)`, at least `floor`, times `keep`. [`SIDE`] pixels a side.
struct Plan {
    gain: Option<Plane>,
    floor: Option<Plane>,
    keep: Option<Plane>,
}

/// `matte` (square, stretched) with what the guide and the options put back and take away.
pub fn lift(mut matte: Plane, guide: &Guide, options: &CutoutOptions) -> Plane {
    let table = taps::area(matte.width as usize, SIDE);
    let small = matte.resample(&table, &table);
    let plan = plan(&small, guide, options);
    let up = taps::bspline(SIDE, matte.width as usize);
    if let Some(gain) = plan.gain {
        each(&mut matte, &gain, &up, |value, gain| (value * gain).min(1.0));
    }
    if let Some(floor) = plan.floor {
        each(&mut matte, &floor, &up, f32::max);
    }
    if let Some(keep) = plan.keep {
        each(&mut matte, &keep, &up, |value, keep| value * keep);
    }
    matte
}

/// Each value of `matte` changed by that of `other`, enlarged by `up`.
fn each(matte: &mut Plane, other: &Plane, up: &Taps, change: impl Fn(f32, f32) -> f32 + Sync) {
    let wide = other.across(up);
    let width = matte.width as usize;
    matte.values.par_chunks_exact_mut(width).enumerate().for_each_init(
        || vec![0.0; width],
        |row, (y, values)| {
            down_row(&wide, up, y, row);
            values.iter_mut().zip(row).for_each(|(value, other)| *value = change(*value, *other));
        },
    );
}

fn plan(small: &Plane, guide: &Guide, options: &CutoutOptions) -> Plan {
    let mut plan = Plan { gain: None, floor: None, keep: None };
    let over = |plane: &Plane| plane.over(&guide.window, guide.width, guide.height);
    let people = guide.people.as_ref().map(|people| (over(&people.sure), over(&people.core)));
    let people = people.filter(|(sure, _)| !contradicts(small, sure));
    // The plane lies over the window, which is a part of the photo.
    let part = (guide.width * guide.height) as f32 / (guide.window.width * guide.window.height) as f32;
    let limit = options.fill_holes.map(|share| share as f32 * part);
    if people.is_some() || limit.is_some() {
        let (sure, core) = people.unwrap_or_else(|| (small.map(|_| 0.0), small.map(|_| 0.0)));
        let (gain, floor) = raise(small, &sure, &core, limit.unwrap_or(0.0));
        plan.gain = Some(gain);
        plan.floor = Some(floor);
    }
    if options.largest {
        plan.keep = Some(largest(small));
    }
    plan
}

/// Whether guide and matte have too little in common for either to be trusted over the other.
fn contradicts(small: &Plane, sure: &Plane) -> bool {
    let pairs = || small.values.iter().zip(&sure.values).map(|(&matte, &sure)| (matte > HALF, sure > HALF));
    let both = pairs().filter(|(matte, sure)| *matte && *sure).count() as f32;
    let either = pairs().filter(|(matte, sure)| *matte || *sure).count() as f32;
    both < CONTRADICT * either
}

/// What is known of each hole: whether it is open to the border, the guide's largest doubt in it, and its area.
struct Holes {
    labels: Vec<u32>,
    open: Vec<bool>,
    doubt: Vec<f32>,
    area: Vec<u32>,
}

fn holes(small: &Plane, sure: &Plane, level: f32) -> Holes {
    let clear: Vec<bool> = small.values.iter().map(|&value| value <= level).collect();
    let labels = components(&clear, SIDE);
    let count = labels.len();
    let mut found = Holes { labels, open: vec![false; count], doubt: vec![0.0; count], area: vec![0; count] };
    for i in 0..count {
        if found.labels[i] != NONE {
            let label = found.labels[i] as usize;
            found.open[label] |= on_border(i, SIDE, SIDE);
            found.doubt[label] = found.doubt[label].max(1.0 - sure.values[i]);
            found.area[label] += 1;
        }
    }
    found
}

/// The gain and the floor; `limit` is the share of the plane that a hole may take to be filled whatever the guide says.
fn raise(small: &Plane, sure: &Plane, core: &Plane, limit: f32) -> (Plane, Plane) {
    let (half, outside) = rayon::join(|| holes(small, sure, HALF), || holes(small, sure, OUTSIDE));
    let hole = |i: usize| half.labels[i] != NONE && !half.open[half.labels[i] as usize];
    let filled = |i: usize| {
        let label = half.labels[i] as usize;
        let area = || half.area[label] as f32 / (SIDE * SIDE) as f32;
        hole(i) && (half.doubt[label] <= 1.0 - HOLE || area() <= limit)
    };
    let within = |i: usize| outside.labels[i] == NONE || !outside.open[outside.labels[i] as usize];
    // A hole that stays one must not be lifted at its rim either.
    let solid = |i: usize| core.values[i] > HALF && within(i) && (!hole(i) || filled(i));
    let near = grown(&(0..small.values.len()).map(filled).collect::<Vec<_>>(), SIDE, FILL_REACH);
    // A thin rim must not let what is filled out of the subject.
    let fill: Vec<bool> = near.iter().enumerate().map(|(i, &near)| near && within(i)).collect();
    let plane = |value: &dyn Fn(usize) -> f32| Plane::square(SIDE, (0..SIDE * SIDE).map(value).collect());
    let one = |is: bool| if is { 1.0 } else { 0.0 };

    let spread = taps::gaussian(SPREAD_SIGMA);
    let near = plane(&|i| one(solid(i))).blur(&spread);
    let mass = plane(&|i| one(solid(i)) * if filled(i) { 1.0 } else { small.values[i] }).blur(&spread);
    let soft = taps::gaussian(SOFT_SIGMA);
    let cover = plane(&|i| one(solid(i) || fill[i])).blur(&soft);
    let missing = plane(&|i| one(solid(i) || fill[i]) * (1.0 - small.values[i])).blur(&soft);

    let mean = |i: usize| mass.values[i] / near.values[i].max(1e-4);
    let trust = |i: usize| smooth(mean(i), ramp::TRUST) * smooth(near.values[i], ramp::NEAR);
    let gain = plane(&|i| {
        let mean = mean(i).clamp(ramp::TRUST[0], 1.0);
        1.0 + (1.0 / mean - 1.0) * trust(i) * smooth(1.0 - mean, ramp::NEED)
    });
    let floor = plane(&|i| {
        let trust = if fill[i] { 1.0 } else { trust(i) };
        smooth(cover.values[i], ramp::SOLID) * trust * smooth(missing.values[i], ramp::MISSING)
    });
    (gain, floor)
}

/// 1 over the largest part of the subject, 0 elsewhere, soft between.
fn largest(small: &Plane) -> Plane {
    let parts = components(&small.values.iter().map(|&value| value > OUTSIDE).collect::<Vec<_>>(), SIDE);
    let mut areas = vec![0u32; parts.len()];
    for (&label, &value) in parts.iter().zip(&small.values) {
        if label != NONE && value > HALF {
            areas[label as usize] += 1;
        }
    }
    // The first of equals.
    let most = areas.iter().copied().max().unwrap_or(0);
    let kept = areas.iter().position(|&area| area == most).unwrap_or(0) as u32;
    let mask: Vec<bool> = parts.iter().map(|&label| label == kept).collect();
    let kept = grown(&mask, SIDE, KEEP_REACH).into_iter().map(|kept| if kept { 1.0 } else { 0.0 }).collect();
    Plane::square(SIDE, kept).blur(&taps::gaussian(SOFT_SIGMA))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::guide::People;

    /// A disc of radius 90 in the middle, `inside` and with a hole of radius 15 at its centre.
    fn disc(inside: f32, hole: f32) -> Plane {
        let at = |i: usize| {
            let (x, y) = ((i % SIDE) as f32 - 127.5, (i / SIDE) as f32 - 127.5);
            match x.hypot(y) {
                far if far > 90.0 => 0.0,
                near if near < 15.0 => hole,
                _ => inside,
            }
        };
        Plane::square(SIDE, (0..SIDE * SIDE).map(at).collect())
    }

    fn guide(sure: Plane) -> Guide {
        let core = sure.map(|&value| if value > 0.9 { 1.0 } else { 0.0 });
        let people = Some(People { core, sure: sure.clone() });
        Guide { width: 640, height: 480, window: Window::whole(640, 480), glance: sure, people }
    }

    const CENTRE: usize = 128 * SIDE + 128;
    const BESIDE: usize = 128 * SIDE + 128 + 50;
    const AWAY: usize = 10 * SIDE + 10;

    #[test]
    fn a_hole_is_filled_where_the_guide_is_sure_and_stays_where_it_is_not() {
        let options = CutoutOptions::default();
        let filled = lift(disc(1.0, 0.0), &guide(disc(1.0, 1.0)), &options);
        assert!(filled.values[CENTRE] > 0.99 && filled.values[AWAY] == 0.0, "{}", filled.values[CENTRE]);
        let kept = lift(disc(1.0, 0.0), &guide(disc(1.0, 0.2)), &options);
        assert!(kept.values[CENTRE] < 0.01, "{}", kept.values[CENTRE]);
    }

    #[test]
    fn a_grey_interior_becomes_full_and_the_background_stays_clear() {
        let lifted = lift(disc(0.6, 0.6), &guide(disc(1.0, 1.0)), &CutoutOptions::default());
        assert!(lifted.values[CENTRE] > 0.99 && lifted.values[BESIDE] > 0.99);
        assert_eq!(lifted.values[AWAY], 0.0);
        // The rim keeps the network's edge: full within it, nothing beyond.
        let row = &lifted.values[128 * SIDE..129 * SIDE];
        assert!(row[128 + 88] > 0.95 && row[128 + 92] < 0.05, "{} {}", row[128 + 88], row[128 + 92]);
    }

    #[test]
    fn a_guide_that_contradicts_the_matte_steps_aside() {
        let elsewhere = Plane::square(SIDE, (0..SIDE * SIDE).map(|i| (i % SIDE < 60) as u8 as f32).collect());
        let matte = disc(0.6, 0.0);
        assert_eq!(lift(matte.clone(), &guide(elsewhere), &CutoutOptions::default()), matte);
    }

    #[test]
    fn holes_up_to_a_size_are_filled_without_a_guide() {
        let alone = Guide { people: None, ..guide(disc(1.0, 1.0)) };
        let fill = |share| CutoutOptions { fill_holes: Some(share), ..Default::default() };
        // The hole takes 1.1 percent of the plane.
        assert!(lift(disc(1.0, 0.0), &alone, &fill(0.02)).values[CENTRE] > 0.99);
        assert!(lift(disc(1.0, 0.0), &alone, &fill(0.005)).values[CENTRE] < 0.01);
    }

    #[test]
    fn only_the_largest_subject_is_kept_if_asked() {
        let mut matte = disc(1.0, 1.0);
        (0..20).for_each(|y| matte.values[(5 + y) * SIDE..][..20].fill(1.0));
        let alone = Guide { people: None, ..guide(disc(1.0, 1.0)) };
        let kept = lift(matte.clone(), &alone, &CutoutOptions { largest: true, ..Default::default() });
        assert!(kept.values[CENTRE] > 0.99 && kept.values[AWAY] < 0.01);
        assert_eq!(lift(matte, &alone, &CutoutOptions::default()).values[AWAY], 1.0);
    }
}
