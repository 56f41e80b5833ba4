//! The repair stage, and the steps it shares with others: `stretch`, `components` and `blur`.

use cameo_core::pipeline::CutoutOptions;
use cameo_core::tuning::{LOW_RES_SIDE, MatteStats, Roi};
use cameo_core::view::Rotation;
use cameo_cpu::Plane;
use cameo_gpu::{GpuInput, GpuMatte, InputFormat};

use super::{BETWEEN_BARS, SIZE, SmallOutputs, blob, read};
use crate::common::difference;
use crate::networks::upload;
use crate::on_gpu;

/// Returns a matte over the ROI with a grey part, a hole inside, a hole at the rim, a part missing at the outline, and a
/// second subject.
fn matte() -> Vec<f32> {
    let outline = blob(SIZE, [0.45, 0.5], 0.3);
    let grey = blob(SIZE, [0.4, 0.6], 0.12);
    let hole = blob(SIZE, [0.5, 0.42], 0.05);
    let missing = blob(SIZE, [0.62, 0.62], 0.09);
    let second = blob(SIZE, [0.9, 0.1], 0.05);
    let whole = |i: usize| outline[i] * (1.0 - 0.5 * grey[i]) * (1.0 - hole[i]) * (1.0 - missing[i]);
    let alpha = |i: usize| whole(i).max(second[i]);
    (0..SIZE * SIZE).map(|i| 0.03 + 0.9 * alpha(i)).collect()
}

fn stretched(mut matte: Vec<f32>) -> Vec<f32> {
    cameo_cpu::stretch(&mut matte);
    matte
}

fn repair_on_gpu(outputs: SmallOutputs, options: CutoutOptions) -> (Vec<f32>, MatteStats) {
    on_gpu(move |engine| {
        let context = &engine.context;
        let prior = outputs.gpu_prior(engine);
        let map = upload(engine, &matte(), [SIZE; 2]);
        let format = InputFormat { size: SIZE as u32, mean: [0.0; 3], std: [1.0; 3], mirrored: false };
        // The repair only passes the input on.
        let input = GpuInput { map: map.clone(), format, rotation: Rotation::None };
        let repaired = cameo_gpu::repair(context, GpuMatte { map, input }, &prior, &options);
        (read(context, &repaired.matte), read(context, &repaired.stats)[0])
    })
}

fn repair_on_cpu(outputs: &SmallOutputs, options: &CutoutOptions) -> Vec<f32> {
    cameo_cpu::repair(Plane::square(SIZE, stretched(matte())), &outputs.cpu_prior(), options).values
}

/// Both make the same decisions; only the order of sums differs. Measured: 4.2e-7.
const MAX: f32 = 1e-5;

#[test]
fn repair_agrees() {
    let default = CutoutOptions::default;
    for (name, options) in [
        ("guided", default()),
        ("holes", CutoutOptions { fill_holes: Some(0.05), ..default() }),
        ("largest", CutoutOptions { largest: true, ..default() }),
        ("all", CutoutOptions { largest: true, fill_holes: Some(1.0), ..default() }),
    ] {
        for (probability, scene) in [(0.9, Roi::whole(900, 700)), (0.1, Roi::whole(900, 700)), (0.9, BETWEEN_BARS)] {
            let outputs = SmallOutputs { probability, scene, ..SmallOutputs::person() };
            let want = repair_on_cpu(&outputs, &options);
            let found = difference(&repair_on_gpu(outputs, options.clone()).0, &want);
            println!("repair {name} {probability} {scene:?}: {found:?}");
            assert!(found.max <= MAX, "{name} {probability} {scene:?}: {found:?}");
        }
    }
}

#[test]
fn the_statistics_agree() {
    let person = SmallOutputs::person;
    let animal = SmallOutputs { probability: 0.1, ..person() };
    let between_bars = SmallOutputs { scene: BETWEEN_BARS, ..person() };
    // The coarse matte vetoes a part of the person, so the matte is not repaired there.
    let disputed = SmallOutputs { confidence: blob(LOW_RES_SIDE, [0.5, 0.55], 0.12), ..person() };
    for (name, outputs) in
        [("person", person()), ("animal", animal), ("between bars", between_bars), ("disputed", disputed)]
    {
        let repaired = Plane::square(SIZE, repair_on_cpu(&outputs, &CutoutOptions::default()));
        let want = cameo_cpu::matte_stats(&repaired, &outputs.cpu_prior());
        let (_, found) = repair_on_gpu(outputs, CutoutOptions::default());
        println!("matte stats, {name}: {found:?} {want:?}");
        assert!(want.subject_pixels > 1000 && want.soft_pixels > 100 && want.disagreement > 0);
        assert_eq!(want.person_present, (name != "animal") as u32);
        assert_eq!(want.lacking > 100, name == "disputed", "{name}: {}", want.lacking);
        let counts = |stats: MatteStats| bytemuck::cast::<_, [u32; 9]>(stats);
        for (found, want) in counts(found).into_iter().zip(counts(want)) {
            // A value just at a threshold may be counted, or rounded, either way.
            assert!(found.abs_diff(want) <= 2 + want / 200, "{name}: {found} {want}");
        }
    }
}

#[test]
fn without_a_person_the_matte_is_only_stretched_to_the_last_bit() {
    let outputs = SmallOutputs { probability: 0.1, ..SmallOutputs::person() };
    let (found, _) = repair_on_gpu(outputs, CutoutOptions::default());
    assert_eq!(found, stretched(matte()));
}

#[test]
fn repair_changes_the_matte_and_with_another_prior_does_not_agree() {
    let want = repair_on_cpu(&SmallOutputs::person(), &CutoutOptions::default());
    let change = difference(&want, &stretched(matte()));
    assert!(change.max > 0.3 && change.mean > 0.01, "nothing is repaired: {change:?}");
    let other = SmallOutputs { confidence: blob(LOW_RES_SIDE, [0.41, 0.55], 0.11), ..SmallOutputs::person() };
    let found = difference(&repair_on_gpu(other, CutoutOptions::default()).0, &want);
    assert!(found.max > MAX, "nothing is compared: {found:?}");
}
