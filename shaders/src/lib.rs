//! The WGSL sources of Cameo's compute shaders: one file per dispatch, with one entry point named `main`.
//!
//! `wgsl/shared/` holds pure functions and constants. WGSL has no includes, so a shader's source is its own file after
//! the shared files it uses.

/// A compute shader as it is compiled.
#[derive(Debug, Clone, Copy)]
pub struct Shader {
    /// The file's name without its ending; also the label of its pipeline, passes and bind groups.
    pub name: &'static str,
    /// The shared files it uses, then its own file.
    pub wgsl: &'static str,
}

/// Defines `Real`, the element type of transformed tiles and weights, as f32. First in the shaders that store them.
const F32_STORAGE: &str = include_str!("../wgsl/shared/f32.wgsl");
/// Defines `Real` as f16.
const F16_STORAGE: &str = include_str!("../wgsl/shared/f16.wgsl");

impl Shader {
    /// Returns the source with transformed tiles and weights stored as f16; `None` for a shader that stores none.
    pub fn with_f16_storage(&self) -> Option<String> {
        self.wgsl.strip_prefix(F32_STORAGE).map(|rest| format!("{F16_STORAGE}{rest}"))
    }
}

/// Returns the shader named `name`. In a constant, an unknown name is a compile error.
///
/// # Panics
/// If there is no such shader.
pub const fn shader(name: &str) -> Shader {
    let mut i = 0;
    while i < SHADERS.len() {
        if bytes_equal(SHADERS[i].name.as_bytes(), name.as_bytes()) {
            return SHADERS[i];
        }
        i += 1;
    }
    panic!("no shader has this name")
}

/// Compares in constants, where `==` on slices is not available.
const fn bytes_equal(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    let mut i = 0;
    while i < one.len() {
        if one[i] != other[i] {
            return false;
        }
        i += 1;
    }
    true
}

macro_rules! shaders {
    ($($name:ident $(+ $shared:literal)*;)*) => {
        /// Every shader, in the order of the pipeline.
        pub const SHADERS: &[Shader] = &[$(Shader {
            name: stringify!($name),
            wgsl: concat!(
                $(include_str!(concat!("../wgsl/shared/", $shared, ".wgsl")),)*
                include_str!(concat!("../wgsl/", stringify!($name), ".wgsl"))
            ),
        }),*];
    };
}

shaders! {
    winograd_weights + "f32" + "winograd";
    winograd_input + "f32" + "winograd" + "winograd_input";
    winograd_input_wide + "f32" + "winograd" + "winograd_input";
    winograd_gemm + "f32";
    winograd_output + "winograd" + "winograd_output" + "activation" + "conv_store";
    winograd_output_wide + "winograd" + "winograd_output" + "activation";
    conv_tiled + "activation" + "conv_store" + "sampled_inputs" + "conv_tiled_load";
    conv_direct + "activation" + "conv_store";
    conv_depthwise + "activation";
    max_pool2;
    resize_bilinear;
    sigmoid + "activation";
    channel_means;
    channel_scale;
    add;
    pixel_shuffle2;
    rotate;
    stretch_range;
    locate_coarse_matte + "interpolation";
    locate_core + "components";
    components_join + "components";
    components_settle + "components";
    locate_roi + "components" + "roi";
    roi_taps + "roi";
    prepare_down;
    prepare_across;
    repair_downsample + "interpolation" + "components" + "roi";
    repair_regions + "components";
    repair_masks + "components" + "roi";
    repair_largest;
    blur_across;
    blur_down;
    repair_gain_map + "interpolation";
    repair_apply;
    repair_stats + "roi";
    refine_fit + "interpolation";
    refine_smooth;
    refine_across;
    refine_down + "interpolation" + "roi";
    decontaminate_alpha;
    decontaminate_downsample;
    decontaminate_fuse;
    edge_tone;
    edge_choke;
    edge_across;
    edge_down;
    denoise_count + "photo";
    denoise_level;
    denoise_filter + "photo";
    enhance_tile + "photo" + "color" + "picture" + "enhance_resample" + "enhance_ranges";
}
