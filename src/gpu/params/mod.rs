//! The Rust mirror of each shader's parameters; a test holds them against naga's reading of the shaders.

/// A Rust struct with the fields of a shader's `Params`, and their offsets for the test that compares the two.
macro_rules! params {
    ($name:ident { $($field:ident: $kind:ty),* $(,)? }) => {
        #[repr(C)]
        #[derive(Debug, Clone, Copy, Default, bytemuck::Pod, bytemuck::Zeroable)]
        pub struct $name {
            $(pub $field: $kind),*
        }

        impl Mirror for $name {
            const SIZE: usize = size_of::<Self>();
            const FIELDS: &'static [(&'static str, usize)] =
                &[$((stringify!($field), std::mem::offset_of!(Self, $field))),*];
        }
    };
}

mod network;

pub use network::*;

/// What naga must find in the shader that takes these parameters.
pub trait Mirror: bytemuck::Pod {
    const SIZE: usize;
    /// `(field, byte offset)`
    const FIELDS: &'static [(&'static str, usize)];
}

params!(GuideGlance { glance_side: u32, side: u32, min_range: f32, pad: u32 });
params!(GuideCore { side: u32, reach: u32, half: f32, certain: f32, witness: f32, pad0: u32, pad1: u32, pad2: u32 });
params!(Components { side: u32, pad0: u32, pad1: u32, pad2: u32 });
params!(GuideWindow {
    width: u32,
    height: u32,
    side: u32,
    half: f32,
    person: f32,
    min_sure: u32,
    agree: f32,
    speck: u32,
    speck_share: u32,
    margin: u32,
    aspect_long: u32,
    aspect_short: u32,
    window_percent: u32,
    size: u32,
    least: u32,
    pad: u32,
});
params!(WindowTaps { across: u32, full: u32, size: u32, shrinks: u32, taps: u32, steps: u32, radius: f32, pad: u32 });
params!(PrepareDown {
    width: u32,
    size: u32,
    taps: u32,
    window_rows: u32,
    window_first: u32,
    window_skip: u32,
    own_first: u32,
    own_end: u32,
});
params!(PrepareAcross {
    mean: [f32; 3],
    size: u32,
    deviation: [f32; 3],
    width: u32,
    taps: u32,
    mirrored: u32,
    pad0: u32,
    pad1: u32,
});
params!(LiftRange { count: u32, stride: u32, pad0: u32, pad1: u32 });
params!(LiftSmall {
    width: u32,
    height: u32,
    side: u32,
    size: u32,
    taps: u32,
    min_range: f32,
    half: f32,
    outside: f32,
});
params!(LiftTraits { side: u32, half: f32, pad0: u32, pad1: u32 });
params!(LiftSolid {
    side: u32,
    half: f32,
    doubt: f32,
    share: f32,
    contradict: f32,
    guided: u32,
    reach: u32,
    pixels: u32,
});
params!(LiftKeep { side: u32, reach: u32, pad0: u32, pad1: u32 });
params!(Blur { width: u32, rows: u32, radius: u32, pad: u32 });
params!(LiftPlan {
    trust: [f32; 2],
    near: [f32; 2],
    solid: [f32; 2],
    missing: [f32; 2],
    need: [f32; 2],
    side: u32,
    largest: u32,
});
params!(LiftApply { size: u32, side: u32, taps: u32, min_range: f32, planned: u32, pad0: u32, pad1: u32, pad2: u32 });
params!(LiftCensus {
    side: u32,
    size: u32,
    taps: u32,
    half: f32,
    soft: f32,
    guided: u32,
    unit: f32,
    width: u32,
    height: u32,
    pad0: u32,
    pad1: u32,
    pad2: u32,
});
params!(RefineFit {
    mean: [f32; 3],
    size: u32,
    deviation: [f32; 3],
    reach: u32,
    trust: [f32; 2],
    epsilon: f32,
    pad: u32,
});
params!(RefineSmooth { size: u32, reach: u32, pad0: u32, pad1: u32 });
params!(RefineAcross { size: u32, width: u32, taps: u32, pad: u32 });
params!(RefineDown {
    ramp: [f32; 2],
    haze: f32,
    size: u32,
    width: u32,
    rows: u32,
    first_row: u32,
    taps: u32,
    photo_skip: u32,
    refined_skip: u32,
    plain: u32,
    pad: u32,
});
params!(DecontaminateAlpha { count: u32, stride: u32, photo_skip: u32, matte_skip: u32 });
params!(DecontaminateHalve {
    width: u32,
    height: u32,
    half_width: u32,
    rows: u32,
    first_row: u32,
    window_first: u32,
    color_skip: u32,
    alpha_skip: u32,
});
params!(DecontaminateFuse {
    width: u32,
    height: u32,
    rows: u32,
    first_row: u32,
    window_first: u32,
    color_skip: u32,
    alpha_skip: u32,
    out_skip: u32,
    half_width: u32,
    reach: u32,
    spread: u32,
    finest: u32,
    least: f32,
    pad0: u32,
    pad1: u32,
    pad2: u32,
});
params!(EdgeTone { count: u32, stride: u32, threshold: f32, steepness: f32 });
params!(EdgeChoke {
    width: u32,
    height: u32,
    rows: u32,
    first_row: u32,
    window_first: u32,
    matte_skip: u32,
    out_skip: u32,
    taps: u32,
    outwards: u32,
    pad0: u32,
    pad1: u32,
    pad2: u32,
});
params!(EdgeAcross { width: u32, rows: u32, radius: u32, matte_skip: u32 });
params!(EdgeDown {
    width: u32,
    height: u32,
    rows: u32,
    first_row: u32,
    window_first: u32,
    radius: u32,
    out_skip: u32,
    pad: u32,
});
params!(Premultiply {
    width: u32,
    rows: u32,
    photo_skip: u32,
    matte_skip: u32,
    has_matte: u32,
    pad0: u32,
    pad1: u32,
    pad2: u32,
});
params!(EnhanceAcross {
    width: u32,
    out_width: u32,
    rows: u32,
    taps: u32,
    photo_skip: u32,
    matte_skip: u32,
    has_matte: u32,
    pad: u32,
});
params!(EnhanceDown {
    out_width: u32,
    rows: u32,
    first_row: u32,
    window_rows: u32,
    window_first: u32,
    taps: u32,
    pad0: u32,
    pad1: u32,
});
params!(SharpenAcross { width: u32, rows: u32, radius: u32, pad: u32 });
params!(SharpenDown {
    width: u32,
    rows: u32,
    first_row: u32,
    out_row: u32,
    band_rows: u32,
    radius: u32,
    amount: f32,
    edge_amount: f32,
    threshold: f32,
    min_alpha: f32,
    out_height: u32,
    photo_width: u32,
    photo_height: u32,
    span_first: u32,
    picture_skip: u32,
    words: u32,
});
params!(Pack { width: u32, rows: u32, first_row: u32, picture_skip: u32, words: u32, pad0: u32, pad1: u32, pad2: u32 });
params!(EnhanceSpan {
    width: u32,
    rows: u32,
    first_row: u32,
    window_rows: u32,
    photo_skip: u32,
    matte_skip: u32,
    has_matte: u32,
    min_alpha: f32,
});
params!(DenoiseCount {
    luma: [f32; 3],
    columns: u32,
    rows: u32,
    width: u32,
    photo_skip: u32,
    matte_skip: u32,
    has_matte: u32,
    above: f32,
    bins_a_tone: f32,
    pad: u32,
});
params!(DenoiseLevel { bins_a_tone: f32, median: f32, texture: f32, luma: f32 });
params!(DenoiseFilter {
    width: u32,
    height: u32,
    rows: u32,
    first_row: u32,
    window_first: u32,
    photo_skip: u32,
    matte_skip: u32,
    out_skip: u32,
    has_matte: u32,
    taps: u32,
    min_alpha: f32,
    spread: f32,
});
