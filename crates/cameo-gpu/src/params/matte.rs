//! The parameters of the kernels from the locate stage to the refine stage.

use super::mirror::Mirror;

params!(Rotate { side: u32, rows: u32, quarter_turns: u32 });
params!(StretchRange { count: u32, stride: u32 });
params!(LocateCoarseMatte { coarse_side: u32, side: u32, min_range: f32 });
params!(LocateCore { side: u32, radius: u32, subject_alpha: f32, min_confidence: f32, veto: f32 });
params!(Components { side: u32 });
params!(LocateRoi {
    left: u32,
    top: u32,
    width: u32,
    height: u32,
    side: u32,
    subject_alpha: f32,
    min_probability: f32,
    min_person_pixels: u32,
    min_iou: f32,
    min_part_pixels: u32,
    min_part_divisor: u32,
    margin_percent: u32,
    aspect_long: u32,
    aspect_short: u32,
    max_roi_percent: u32,
    network_side: u32,
    min_side: u32,
});
params!(RoiTaps { across: u32, photo_length: u32, size: u32, from_roi: u32, taps: u32, steps: u32, radius: f32 });
params!(PrepareDown {
    width: u32,
    size: u32,
    taps: u32,
    source_rows: u32,
    source_first_row: u32,
    photo_offset: u32,
    centre_first_row: u32,
    centre_end_row: u32,
});
params!(PrepareAcross {
    mean: [f32; 3],
    size: u32,
    std_dev: [f32; 3],
    width: u32,
    taps: u32,
    mirrored: u32,
    pad0: u32,
    pad1: u32,
});
params!(RepairDownsample {
    left: u32,
    top: u32,
    width: u32,
    height: u32,
    side: u32,
    size: u32,
    taps: u32,
    min_range: f32,
    subject_alpha: f32,
    max_outside: f32,
});
params!(RepairRegions { side: u32, subject_alpha: f32 });
params!(RepairMasks {
    side: u32,
    subject_alpha: f32,
    max_doubt: f32,
    max_hole_fraction: f32,
    min_iou: f32,
    guidance: u32,
    radius: u32,
    max_lacking: f32,
    restore_radius: u32,
    scene_pixels: u32,
});
params!(RepairLargest { side: u32, radius: u32 });
params!(Blur { width: u32, rows: u32, radius: u32 });
params!(RepairGainMap {
    trust: [f32; 2],
    near: [f32; 2],
    solid: [f32; 2],
    missing: [f32; 2],
    need: [f32; 2],
    side: u32,
    largest: u32,
});
params!(RepairApply { size: u32, side: u32, taps: u32, min_range: f32, has_gain_map: u32 });
params!(RepairStats {
    side: u32,
    size: u32,
    taps: u32,
    subject_alpha: f32,
    soft_margin: f32,
    guidance: u32,
    unit: f32,
    left: u32,
    top: u32,
    width: u32,
    height: u32,
    radius: u32,
    min_confidence: f32,
});
params!(RefineFit {
    mean: [f32; 3],
    size: u32,
    std_dev: [f32; 3],
    radius: u32,
    trust_range: [f32; 2],
    epsilon: f32,
    pad: u32,
});
params!(RefineSmooth { size: u32, radius: u32 });
params!(RefineAcross { size: u32, width: u32, taps: u32 });
params!(RefineDown {
    soft_range: [f32; 2],
    haze: f32,
    size: u32,
    width: u32,
    rows: u32,
    first_row: u32,
    taps: u32,
    photo_offset: u32,
    refined_offset: u32,
    plain_matte: u32,
    pad: u32,
});
