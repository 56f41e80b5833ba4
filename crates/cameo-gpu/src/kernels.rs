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
    (winograd { $($winograd:ident: $winograd_mirror:ident;)* } others { $($name:ident: $mirror:ident;)* }) => {
        /// The parameter layout of every kernel.
        pub const PARAMS_LAYOUTS: &[ParamsLayout] = &[
            $(layout::<$winograd_mirror>(stringify!($winograd)),)*
            $(layout::<$mirror>(stringify!($name)),)*
        ];

        /// The pipelines, built once.
        #[derive(Debug)]
        pub struct Kernels {
            winograd: WinogradKernels,
            $(pub $name: Kernel<$mirror>),*
        }

        impl Kernels {
            pub fn new(device: &wgpu::Device) -> Self {
                Self {
                    winograd: WinogradKernels::with_f32_storage(device),
                    $($name: {
                        const SHADER: Shader = shader(stringify!($name));
                        Kernel::new(device, SHADER.name, SHADER.wgsl.into(), &[])
                    }),*
                }
            }
        }
    };
}

const fn layout<P: Mirror>(shader: &'static str) -> ParamsLayout {
    ParamsLayout { shader, size: P::SIZE, fields: P::FIELDS }
}

kernels! { winograd {
    winograd_weights: WinogradWeights;
    winograd_input: WinogradInput;
    winograd_input_wide: WinogradInput;
    winograd_gemm: WinogradGemm;
} others {
    winograd_output: WinogradOutput;
    winograd_output_wide: WinogradOutput;
    conv_tiled: ConvTiled;
    conv_direct: ConvDirect;
    conv_depthwise: ConvDepthwise;
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
    enhance_tile: EnhanceTile;
} }

/// Invocations on each side of the square workgroups of shaders that run over a picture or a plane.
pub const WORKGROUP_2D: u32 = 16;

/// Invocations per workgroup of shaders that run over a list.
pub const WORKGROUP_1D: u32 = 256;

/// Invocations per workgroup of the shader that multiplies matrices: each needs many registers.
pub const WORKGROUP_GEMM: u32 = 64;

/// How many invocations of a workgroup of `winograd_gemm` may share the output channels of a block.
const GEMM_LANES_DOWN: [u32; 3] = [2, 4, 8];

/// The Winograd kernels that depend on the storage type of transformed tiles and weights, for one of the types. They
/// accumulate in f32.
#[derive(Debug)]
pub struct WinogradKernels {
    /// Bytes of a stored number.
    pub bytes: u64,
    pub weights: Kernel<WinogradWeights>,
    pub input: Kernel<WinogradInput>,
    pub input_wide: Kernel<WinogradInput>,
    /// One for each of [`GEMM_LANES_DOWN`].
    gemm: [Kernel<WinogradGemm>; 3],
}

impl WinogradKernels {
    fn with_f32_storage(device: &wgpu::Device) -> Self {
        Self::new(device, 4, |shader| shader.wgsl.into())
    }

    /// Returns `None` if `device` was opened without f16 support.
    pub fn with_f16_storage(device: &wgpu::Device) -> Option<Self> {
        let wgsl = |shader: Shader| shader.with_f16_storage().expect("the shader stores tiles or weights").into();
        device.features().contains(wgpu::Features::SHADER_F16).then(|| Self::new(device, 2, wgsl))
    }

    fn new(device: &wgpu::Device, bytes: u64, wgsl: impl Fn(Shader) -> Cow<'static, str>) -> Self {
        const WEIGHTS: Shader = shader("winograd_weights");
        const INPUT: Shader = shader("winograd_input");
        const INPUT_WIDE: Shader = shader("winograd_input_wide");
        const GEMM: Shader = shader("winograd_gemm");
        let gemm = |lanes_down| Kernel::new(device, GEMM.name, wgsl(GEMM), &[("LANES_DOWN", f64::from(lanes_down))]);
        Self {
            bytes,
            weights: Kernel::new(device, WEIGHTS.name, wgsl(WEIGHTS), &[]),
            input: Kernel::new(device, INPUT.name, wgsl(INPUT), &[]),
            input_wide: Kernel::new(device, INPUT_WIDE.name, wgsl(INPUT_WIDE), &[]),
            gemm: GEMM_LANES_DOWN.map(gemm),
        }
    }

    /// Returns the kernel that multiplies, and how many invocations of a workgroup share the output channels of a block:
    /// the fewer channels there are, the more tiles a workgroup takes instead.
    pub fn gemm(&self, channels_out: u32) -> (&Kernel<WinogradGemm>, u32) {
        let choice = match channels_out {
            0..=16 => 0,
            17..=32 => 1,
            _ => 2,
        };
        (&self.gemm[choice], GEMM_LANES_DOWN[choice])
    }
}

impl Kernels {
    /// Returns the Winograd kernels with f16 storage if `f16_kernels` are given, else those with f32 storage.
    pub fn winograd<'a>(&'a self, f16_kernels: Option<&'a WinogradKernels>) -> &'a WinogradKernels {
        f16_kernels.unwrap_or(&self.winograd)
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
    /// Builds the pipeline; `constants` are those that the shader declares as `override`.
    fn new(
        device: &wgpu::Device,
        name: &'static str,
        wgsl: Cow<'static, str>,
        constants: &[(&'static str, f64)],
    ) -> Self {
        let is_convolution = name.starts_with("winograd") || name.starts_with("conv");
        let source = wgpu::ShaderSource::Wgsl(wgsl);
        let descriptor = wgpu::ShaderModuleDescriptor { label: Some(name), source };
        let module = match is_convolution {
            true => trusted_module(device, descriptor),
            false => device.create_shader_module(descriptor),
        };
        let compilation_options = wgpu::PipelineCompilationOptions {
            constants,
            // The convolutions write all of their workgroup memory before they read it.
            zero_initialize_workgroup_memory: !is_convolution,
        };
        let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some(name),
            layout: None,
            module: &module,
            entry_point: Some("main"),
            compilation_options,
            cache: None,
        });
        let bind_group_layout = pipeline.get_bind_group_layout(0);
        Self { name, pipeline, bind_group_layout, params: PhantomData }
    }
}

/// Returns the module of a shader that is known to end its loops and to divide by no zero.
///
/// Otherwise each pass of a loop would count down, and each division would check its divisor: drivers then do not unroll
/// the loops, which makes a convolution several times slower. Accesses to buffers stay within bounds all the same.
fn trusted_module(device: &wgpu::Device, descriptor: wgpu::ShaderModuleDescriptor<'_>) -> wgpu::ShaderModule {
    let mut checks = wgpu::ShaderRuntimeChecks::checked();
    checks.force_loop_bounding = false;
    checks.int_div_checks = false;
    #[expect(unsafe_code, reason = "the checks cost a convolution most of its speed")]
    // SAFETY: every loop of the convolutions counts up to a constant or to a parameter. They divide only by constants, and
    // by sizes and counts that are at least 1: a feature map has pixels, and a convolution has channels and a dilation.
    unsafe {
        device.create_shader_module_trusted(descriptor, checks)
    }
}

/// Returns how many workgroups, across and down, cover a picture of `width` by `rows` pixels. A device takes at most
/// 65,535 in each direction: a million pixels.
pub fn workgroups_2d(width: u32, rows: u32) -> [u32; 3] {
    workgroups_3d(width, rows, 1)
}

/// Returns how many workgroups cover as many pixels in each of `layers`.
pub fn workgroups_3d(width: u32, rows: u32, layers: u32) -> [u32; 3] {
    [width.div_ceil(WORKGROUP_2D), rows.div_ceil(WORKGROUP_2D), layers]
}

/// Returns how many workgroups cover a list of `count` items.
pub fn workgroups_1d(count: u32) -> [u32; 3] {
    [count.div_ceil(WORKGROUP_1D), 1, 1]
}
