//! The parameters of the kernels from the decontaminate stage to the enhance stage.

use super::mirror::Mirror;

params!(DecontaminateAlpha { count: u32, stride: u32, photo_offset: u32, matte_offset: u32 });
params!(DecontaminateDownsample {
    width: u32,
    height: u32,
    half_width: u32,
    rows: u32,
    first_row: u32,
    source_first_row: u32,
    colors_offset: u32,
    alpha_offset: u32,
});
params!(DecontaminateFuse {
    width: u32,
    height: u32,
    rows: u32,
    first_row: u32,
    source_first_row: u32,
    colors_offset: u32,
    alpha_offset: u32,
    fused_offset: u32,
    coarser_width: u32,
    radius: u32,
    spread: u32,
    finest: u32,
    min_alpha: f32,
});
params!(EdgeTone { count: u32, stride: u32, threshold: f32, slope: f32 });
params!(EdgeChoke {
    width: u32,
    height: u32,
    rows: u32,
    first_row: u32,
    source_first_row: u32,
    matte_offset: u32,
    choked_offset: u32,
    taps: u32,
    dilate: u32,
});
params!(EdgeAcross { width: u32, rows: u32, radius: u32, matte_offset: u32 });
params!(EdgeDown {
    width: u32,
    height: u32,
    rows: u32,
    first_row: u32,
    source_first_row: u32,
    radius: u32,
    feathered_offset: u32,
});
params!(DenoiseCount {
    luma: [f32; 3],
    columns: u32,
    rows: u32,
    width: u32,
    photo_offset: u32,
    matte_offset: u32,
    has_matte: u32,
    alpha_above: f32,
    bins_per_tone: f32,
    pad: u32,
});
params!(DenoiseLevel { bins_per_tone: f32, median: f32, texture: f32, luma_deviation: f32 });
params!(DenoiseFilter {
    width: u32,
    height: u32,
    rows: u32,
    first_row: u32,
    source_first_row: u32,
    photo_offset: u32,
    matte_offset: u32,
    denoised_offset: u32,
    has_matte: u32,
    taps: u32,
    min_alpha: f32,
    range_sigma: f32,
});
params!(EnhanceTile {
    width: u32,
    height: u32,
    rows: u32,
    first_row: u32,
    photo_width: u32,
    photo_height: u32,
    source_rows: u32,
    source_first_row: u32,
    photo_offset: u32,
    matte_offset: u32,
    has_matte: u32,
    taps_across: u32,
    taps_down: u32,
    down_weights_offset: u32,
    tile_height: u32,
    radius: u32,
    amount: f32,
    edge_amount: f32,
    threshold: f32,
    min_alpha: f32,
    picture_offset: u32,
    words_per_pixel: u32,
});
