//! What the matting network left out of the person, put back: enclosed holes and grey interiors.

use super::Gpu;
use super::components::components;
use super::guide::Guide;
use super::kernels::{LINE, tiles};
use super::network::Stack;
use super::params::{Blur, LiftApply, LiftCensus, LiftKeep, LiftPlan, LiftRange, LiftSmall, LiftSolid, LiftTraits};
use super::pool::Buffer;
use super::table::Table;
use crate::error::Result;
use crate::pipeline::CutoutOptions;
use crate::rules::{self, SIDE, ramp};
use crate::taps;

/// Workgroups that share the search for the range.
const RANGE_GROUPS: u32 = 64;

/// Planes of `lift_traits`.
const TRAITS: usize = 6;

/// Records the search for the least and largest of `matte`, `side` pixels a side.
pub fn range(gpu: &Gpu, encoder: &mut wgpu::CommandEncoder, matte: &Stack, side: u32) -> Buffer {
    let range = gpu.bus.table("range", &[f32::MAX.to_bits(), 0u32]);
    let params = LiftRange { count: side * side, stride: RANGE_GROUPS * LINE, ..Default::default() };
    let bindings = [matte.binding(), range.as_entire_binding()];
    gpu.kernels.lift_range.dispatch(&gpu.bus, encoder, &params, &bindings, [RANGE_GROUPS, 1]);
    range
}

/// `matte`, stretched, with what the guide and the options put back and take away: one f32 a pixel, `size` a side; and
/// its [census](rules::Census).
pub fn lift(gpu: &Gpu, matte: &Stack, guide: &Guide, options: &CutoutOptions) -> Result<[Buffer; 2]> {
    let bus = &gpu.bus;
    let size = matte.side();
    let mut encoder = gpu.encoder("lift");
    let range = range(gpu, &mut encoder, matte, size);
    let planned = guide.asked || options.fill_holes.is_some() || options.largest;
    let shrink = Table::new(bus, "lift_small taps", &taps::area(size as usize, SIDE));
    let [seen, labels] = look(gpu, &mut encoder, (matte, &range, size), guide, &shrink);
    let plan = match planned {
        true => plan(gpu, &mut encoder, &seen, &labels, guide, options),
        // A binding must be given even where it is not read.
        false => bus.scratch("no plan", 16),
    };
    let table = Table::new(bus, "lift_apply taps", &taps::bspline(SIDE, size as usize));
    let lifted = bus.scratch("lifted", size as u64 * size as u64 * 4);
    let params = LiftApply {
        size,
        side: SIDE as u32,
        taps: table.width,
        min_range: rules::MIN_RANGE,
        planned: planned.into(),
        ..Default::default()
    };
    let [first, weights] = table.bindings();
    let bindings = [
        first,
        weights,
        range.as_entire_binding(),
        matte.binding(),
        plan.as_entire_binding(),
        lifted.as_entire_binding(),
    ];
    gpu.kernels.lift_apply.dispatch(bus, &mut encoder, &params, &bindings, tiles(size, size));
    let census = bus.scratch("census", size_of::<rules::Census>() as u64);
    encoder.clear_buffer(&census, 0, None);
    let params = LiftCensus {
        side: SIDE as u32,
        size,
        taps: shrink.width,
        half: rules::HALF,
        soft: rules::CENSUS_SOFT,
        guided: guide.asked.into(),
        unit: rules::CENSUS_UNIT,
        width: guide.width,
        height: guide.height,
        ..Default::default()
    };
    let [first, weights] = shrink.bindings();
    let bindings = [
        guide.scene.as_entire_binding(),
        first,
        weights,
        lifted.as_entire_binding(),
        seen.as_entire_binding(),
        census.as_entire_binding(),
    ];
    gpu.kernels.lift_census.dispatch(bus, &mut encoder, &params, &bindings, tiles(SIDE as u32, SIDE as u32));
    gpu.submit(encoder)?;
    Ok([lifted, census])
}

/// Records the matte beside what the guide says, on a [`SIDE`] plane; and the masks of its holes and subjects.
fn look(
    gpu: &Gpu,
    encoder: &mut wgpu::CommandEncoder,
    (matte, range, size): (&Stack, &Buffer, u32),
    guide: &Guide,
    table: &Table,
) -> [Buffer; 2] {
    let bus = &gpu.bus;
    let side = SIDE as u32;
    let plane = |label, bytes: usize| bus.scratch(label, (SIDE * SIDE * bytes) as u64);
    let seen = plane("lift seen", 16);
    let labels = plane("lift labels", 3 * 4);
    let params = LiftSmall {
        width: guide.width,
        height: guide.height,
        side,
        size,
        taps: table.width,
        min_range: rules::MIN_RANGE,
        half: rules::HALF,
        outside: rules::OUTSIDE,
    };
    let [first, weights] = table.bindings();
    let bindings = [
        guide.scene.as_entire_binding(),
        first,
        weights,
        range.as_entire_binding(),
        matte.binding(),
        guide.whole.as_entire_binding(),
        seen.as_entire_binding(),
        labels.as_entire_binding(),
    ];
    gpu.kernels.lift_small.dispatch(bus, encoder, &params, &bindings, tiles(side, side));
    [seen, labels]
}

/// Records the decisions on a [`SIDE`] plane: gain, floor and what is kept.
fn plan(
    gpu: &Gpu,
    encoder: &mut wgpu::CommandEncoder,
    seen: &Buffer,
    labels: &Buffer,
    guide: &Guide,
    options: &CutoutOptions,
) -> Buffer {
    let bus = &gpu.bus;
    let side = SIDE as u32;
    let groups = tiles(side, side);
    let plane = |label, bytes: usize| bus.scratch(label, (SIDE * SIDE * bytes) as u64);
    components(gpu, encoder, labels);
    let traits = plane("lift traits", TRAITS * 4);
    encoder.clear_buffer(&traits, 0, None);
    let params = LiftTraits { side, half: rules::HALF, ..Default::default() };
    let bindings = [seen.as_entire_binding(), labels.as_entire_binding(), traits.as_entire_binding()];
    gpu.kernels.lift_traits.dispatch(bus, encoder, &params, &bindings, groups);

    let [spread, soft, fill] = [plane("lift spread", 8), plane("lift soft", 8), plane("lift fill", 4)];
    let params = LiftSolid {
        side,
        half: rules::HALF,
        doubt: 1.0 - rules::HOLE,
        share: options.fill_holes.unwrap_or(0.0) as f32,
        contradict: rules::CONTRADICT,
        guided: guide.asked.into(),
        reach: rules::FILL_REACH as u32,
        pixels: guide.width * guide.height,
    };
    let bindings = [
        guide.scene.as_entire_binding(),
        seen.as_entire_binding(),
        labels.as_entire_binding(),
        traits.as_entire_binding(),
        spread.as_entire_binding(),
        soft.as_entire_binding(),
        fill.as_entire_binding(),
    ];
    gpu.kernels.lift_solid.dispatch(bus, encoder, &params, &bindings, groups);

    let spread = blur(gpu, encoder, &spread, rules::SPREAD_SIGMA);
    let soft = blur(gpu, encoder, &soft, rules::SOFT_SIGMA);
    let keep = match options.largest {
        true => {
            let keep = plane("lift keep", 8);
            let params = LiftKeep { side, reach: rules::KEEP_REACH as u32, ..Default::default() };
            let bindings = [labels.as_entire_binding(), traits.as_entire_binding(), keep.as_entire_binding()];
            gpu.kernels.lift_keep.dispatch(bus, encoder, &params, &bindings, [1, 1]);
            blur(gpu, encoder, &keep, rules::SOFT_SIGMA)
        }
        false => soft.clone(),
    };
    let plan = plane("lift plan", 16);
    let params = LiftPlan {
        trust: ramp::TRUST,
        near: ramp::NEAR,
        solid: ramp::SOLID,
        missing: ramp::MISSING,
        need: ramp::NEED,
        side,
        largest: options.largest.into(),
    };
    let bindings = [
        spread.as_entire_binding(),
        soft.as_entire_binding(),
        fill.as_entire_binding(),
        keep.as_entire_binding(),
        plan.as_entire_binding(),
    ];
    gpu.kernels.lift_plan.dispatch(bus, encoder, &params, &bindings, groups);
    plan
}

/// Records a Gaussian blur of pairs of [`SIDE`] planes.
fn blur(gpu: &Gpu, encoder: &mut wgpu::CommandEncoder, planes: &Buffer, sigma: f32) -> Buffer {
    let bus = &gpu.bus;
    let side = SIDE as u32;
    let weights = taps::gaussian(sigma);
    let params = Blur { width: side, rows: side, radius: weights.len() as u32 / 2, pad: 0 };
    let weights = bus.table("blur taps", &weights);
    let run = |kernel: &super::kernels::Kernel<Blur>, encoder: &mut wgpu::CommandEncoder, from: &Buffer| {
        let to = bus.scratch("blurred", planes.size());
        let bindings = [weights.as_entire_binding(), from.as_entire_binding(), to.as_entire_binding()];
        kernel.dispatch(bus, encoder, &params, &bindings, tiles(side, side));
        to
    };
    let across = run(&gpu.kernels.blur_across, encoder, planes);
    run(&gpu.kernels.blur_down, encoder, &across)
}
