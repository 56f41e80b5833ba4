//! The compute pipelines, one for each WGSL file.

use std::borrow::Cow;
use std::marker::PhantomData;

use cameo_shaders::{Shader, shader};

use crate::params::*;

/// The layout of the Rust mirror of a shader's `Params`. A test compares it with the layout in the shader.
#[derive(Debug, Clone, Copy)]
pub struct ParamsLayout {
    /// The shader's name.
    pub shader: &'static str,
    pub size: usize,
    /// `(field, byte offset)`
    pub fields: &'static [(&'static str, usize)],
}

macro_rules! kernels {
    ($($name:ident: $mirror:ident;)*) => {
        /// The parameter layout of every kernel.
        pub const PARAMS_LAYOUTS: &[ParamsLayout] = &[$(ParamsLayout {
            shader: stringify!($name),
            size: $mirror::SIZE,
            fields: $mirror::FIELDS,
        }),*];

        /// The pipelines, built once.
        #[derive(Debug)]
        pub struct Kernels {
            $(pub $name: Kernel<$mirror>),*
        }

        impl Kernels {
            pub fn new(device: &wgpu::Device) -> Self {
                Self {
                    $($name: {
                        const SHADER: Shader = shader(stringify!($name));
                        Kernel::new(device, SHADER.name, SHADER.wgsl.into())
                    }),*
                }
            }
        }
    };
}

kernels! {
    winograd_weights: WinogradWeights;
    winograd_input: WinogradInput;
    winograd_gemm: WinogradGemm;
    winograd_output: WinogradOutput;
    conv_direct: ConvDirect;
    max_pool2: MaxPool2;
    resize_bilinear: ResizeBilinear;
    sigmoid: Sigmoid;
    channel_means: ChannelMeans;
    channel_scale: ChannelScale;
    add: Add;
    pixel_shuffle2: PixelShuffle2;
    rotate: Rotate;
    stretch_range: StretchRange;
    locate_coarse_matte: LocateCoarseMatte;
    locate_core: LocateCore;
    components_join: Components;
    components_settle: Components;
    locate_roi: LocateRoi;
    roi_taps: RoiTaps;
    prepare_down: PrepareDown;
    prepare_across: PrepareAcross;
    repair_downsample: RepairDownsample;
    repair_regions: RepairRegions;
    repair_masks: RepairMasks;
    repair_largest: RepairLargest;
    blur_across: Blur;
    blur_down: Blur;
    repair_gain_map: RepairGainMap;
    repair_apply: RepairApply;
    repair_stats: RepairStats;
    refine_fit: RefineFit;
    refine_smooth: RefineSmooth;
    refine_across: RefineAcross;
    refine_down: RefineDown;
    decontaminate_alpha: DecontaminateAlpha;
    decontaminate_downsample: DecontaminateDownsample;
    decontaminate_fuse: DecontaminateFuse;
    edge_tone: EdgeTone;
    edge_choke: EdgeChoke;
    edge_across: EdgeAcross;
    edge_down: EdgeDown;
    denoise_count: DenoiseCount;
    denoise_level: DenoiseLevel;
    denoise_filter: DenoiseFilter;
    enhance_local_range: EnhanceLocalRange;
    enhance_premultiply: EnhancePremultiply;
    enhance_resample_across: EnhanceResampleAcross;
    enhance_resample_down: EnhanceResampleDown;
    enhance_sharpen_across: EnhanceSharpenAcross;
    enhance_sharpen_down: EnhanceSharpenDown;
    enhance_pack: EnhancePack;
}

/// Invocations on each side of the square workgroups of shaders that run over a picture or a plane.
pub const WORKGROUP_2D: u32 = 16;

/// Invocations per workgroup of shaders that run over a list.
pub const WORKGROUP_1D: u32 = 256;

/// Invocations per workgroup of the shader that multiplies matrices: each needs many registers.
pub const WORKGROUP_GEMM: u32 = 64;

/// The Winograd kernels with f16 storage of transformed tiles and weights; they accumulate in f32.
#[derive(Debug)]
pub struct F16Kernels {
    weights: Kernel<WinogradWeights>,
    input: Kernel<WinogradInput>,
    gemm: Kernel<WinogradGemm>,
}

impl F16Kernels {
    /// Returns `None` if `device` was opened without f16 support.
    pub fn new(device: &wgpu::Device) -> Option<Self> {
        if !device.features().contains(wgpu::Features::SHADER_F16) {
            return None;
        }
        let wgsl = |shader: Shader| shader.with_f16_storage();
        Some(Self {
            weights: Kernel::new(device, "winograd_weights f16", wgsl(shader("winograd_weights"))?.into()),
            input: Kernel::new(device, "winograd_input f16", wgsl(shader("winograd_input"))?.into()),
            gemm: Kernel::new(device, "winograd_gemm f16", wgsl(shader("winograd_gemm"))?.into()),
        })
    }
}

/// The Winograd kernels that depend on the storage type of transformed tiles and weights, for one of the types.
#[derive(Debug, Clone, Copy)]
pub struct WinogradKernels<'a> {
    /// Bytes of a stored number.
    pub bytes: u64,
    pub weights: &'a Kernel<WinogradWeights>,
    pub input: &'a Kernel<WinogradInput>,
    pub gemm: &'a Kernel<WinogradGemm>,
}

impl Kernels {
    /// Returns the Winograd kernels with f16 storage if `f16_kernels` are given, else those with f32 storage.
    pub fn winograd<'a>(&'a self, f16_kernels: Option<&'a F16Kernels>) -> WinogradKernels<'a> {
        match f16_kernels {
            Some(F16Kernels { weights, input, gemm }) => WinogradKernels { bytes: 2, weights, input, gemm },
            None => WinogradKernels {
                bytes: 4,
                weights: &self.winograd_weights,
                input: &self.winograd_input,
                gemm: &self.winograd_gemm,
            },
        }
    }
}

/// The pipeline of a shader whose parameters are of type `P`.
#[derive(Debug)]
pub struct Kernel<P> {
    /// The name of the shader, which also labels the pipeline and its bind groups.
    pub name: &'static str,
    pub pipeline: wgpu::ComputePipeline,
    pub bind_group_layout: wgpu::BindGroupLayout,
    params: PhantomData<P>,
}

impl<P: Mirror> Kernel<P> {
    fn new(device: &wgpu::Device, name: &'static str, wgsl: Cow<'static, str>) -> Self {
        let source = wgpu::ShaderSource::Wgsl(wgsl);
        let module = device.create_shader_module(wgpu::ShaderModuleDescriptor { label: Some(name), source });
        let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some(name),
            layout: None,
            module: &module,
            entry_point: Some("main"),
            compilation_options: Default::default(),
            cache: None,
        });
        let bind_group_layout = pipeline.get_bind_group_layout(0);
        Self { name, pipeline, bind_group_layout, params: PhantomData }
    }
}

/// Returns how many workgroups, across and down, cover a picture of `width` by `rows` pixels. A device takes at most
/// 65,535 in each direction: a million pixels.
pub fn workgroups_2d(width: u32, rows: u32) -> [u32; 2] {
    [width.div_ceil(WORKGROUP_2D), rows.div_ceil(WORKGROUP_2D)]
}

/// Returns how many workgroups cover a list of `count` items, and 1.
pub fn workgroups_1d(count: u32) -> [u32; 2] {
    [count.div_ceil(WORKGROUP_1D), 1]
}
