//! The compute pipelines: one WGSL file each.
//!
//! The sources are public so that the tests can hold them against naga's reading of the shaders.

use std::borrow::Cow;

use super::bus::Bus;
use super::params::*;

/// A shader as it is compiled: its file, after the shared functions it uses.
#[derive(Debug, Clone, Copy)]
pub struct Source {
    pub name: &'static str,
    pub wgsl: &'static str,
    /// Of the mirror of its `Params`.
    pub params_size: usize,
    pub params_fields: &'static [(&'static str, usize)],
}

impl Source {
    /// The same with transformed tiles and weights of 16 bits, if it keeps any.
    pub fn in_half(&self) -> Option<String> {
        self.wgsl.strip_prefix(SINGLE).map(|rest| format!("{HALF}{rest}"))
    }
}

const SINGLE: &str = include_str!("../../shaders/shared/f32.wgsl");
const HALF: &str = include_str!("../../shaders/shared/f16.wgsl");

macro_rules! kernels {
    ($($name:ident: $mirror:ident $(+ $shared:literal)*;)*) => {
        /// Every shader there is.
        pub const SOURCES: &[Source] = &[$(Source {
            name: stringify!($name),
            wgsl: concat!(
                $(include_str!(concat!("../../shaders/shared/", $shared, ".wgsl")),)*
                include_str!(concat!("../../shaders/", stringify!($name), ".wgsl"))
            ),
            params_size: $mirror::SIZE,
            params_fields: $mirror::FIELDS,
        }),*];

        /// The pipelines, built once.
        #[derive(Debug)]
        pub struct Kernels {
            $(pub $name: Kernel<$mirror>),*
        }

        impl Kernels {
            pub fn new(device: &wgpu::Device) -> Self {
                let mut sources = SOURCES.iter();
                let mut next = || {
                    let source = sources.next().expect("a source for each kernel");
                    build(device, source.name, source.wgsl.into())
                };
                Self { $($name: Kernel::new(next())),* }
            }
        }
    };
}

kernels! {
    conv_weights: ConvWeights + "f32" + "winograd";
    conv_forth: ConvForth + "f32" + "winograd";
    conv_product: ConvProduct + "f32";
    conv_back: ConvBack + "winograd";
    conv_direct: ConvDirect;
    plane_halve: PlaneHalve;
    plane_resize: PlaneResize;
    plane_sigmoid: PlaneSigmoid;
    guide_glance: GuideGlance + "plane";
    guide_core: GuideCore + "components";
    components_join: Components + "components";
    components_settle: Components + "components";
    guide_window: GuideWindow + "components" + "scene";
    window_taps: WindowTaps + "scene";
    prepare_down: PrepareDown;
    prepare_across: PrepareAcross;
    lift_range: LiftRange;
    lift_small: LiftSmall + "plane" + "components" + "scene";
    lift_traits: LiftTraits + "components";
    lift_solid: LiftSolid + "components" + "scene";
    lift_keep: LiftKeep;
    blur_across: Blur;
    blur_down: Blur;
    lift_plan: LiftPlan + "plane";
    lift_apply: LiftApply;
    lift_census: LiftCensus + "scene";
    refine_fit: RefineFit + "plane";
    refine_smooth: RefineSmooth;
    refine_across: RefineAcross;
    refine_down: RefineDown + "plane" + "scene";
    decontaminate_alpha: DecontaminateAlpha;
    decontaminate_halve: DecontaminateHalve;
    decontaminate_fuse: DecontaminateFuse;
    edge_tone: EdgeTone;
    edge_choke: EdgeChoke;
    edge_across: EdgeAcross;
    edge_down: EdgeDown;
    denoise_count: DenoiseCount + "photo";
    denoise_level: DenoiseLevel;
    denoise_filter: DenoiseFilter + "photo";
    enhance_span: EnhanceSpan + "photo";
    premultiply: Premultiply + "photo";
    enhance_across: EnhanceAcross + "photo";
    enhance_down: EnhanceDown;
    sharpen_across: SharpenAcross + "color";
    sharpen_down: SharpenDown + "color" + "picture";
    pack: Pack + "color" + "picture";
}

/// Workgroup sides of the shaders that run over a picture.
pub const TILE: u32 = 16;

/// Invocations of a workgroup of the shaders that run over a list.
pub const LINE: u32 = 256;

/// Invocations of a workgroup of the shader that multiplies matrices: it needs many registers each.
pub const BLOCK: u32 = 64;

/// The kernels that keep transformed tiles and weights, for numbers of 16 bits; sums are of 32 all the same.
#[derive(Debug)]
pub struct Halves {
    conv_weights: Kernel<ConvWeights>,
    conv_forth: Kernel<ConvForth>,
    conv_product: Kernel<ConvProduct>,
}

impl Halves {
    /// None, unless `device` was asked for such numbers.
    pub fn new(device: &wgpu::Device) -> Option<Self> {
        if !device.features().contains(wgpu::Features::SHADER_F16) {
            return None;
        }
        let half = |name| {
            let source = SOURCES.iter().find(|source| source.name == name)?;
            Some(build(device, source.name, source.in_half()?.into()))
        };
        Some(Self {
            conv_weights: Kernel::new(half("conv_weights")?),
            conv_forth: Kernel::new(half("conv_forth")?),
            conv_product: Kernel::new(half("conv_product")?),
        })
    }
}

/// The same kernels, for numbers of either size.
#[derive(Debug, Clone, Copy)]
pub struct Tiling<'a> {
    /// Of a number.
    pub bytes: u64,
    pub conv_weights: &'a Kernel<ConvWeights>,
    pub conv_forth: &'a Kernel<ConvForth>,
    pub conv_product: &'a Kernel<ConvProduct>,
}

impl Kernels {
    pub fn tiling<'a>(&'a self, halves: Option<&'a Halves>) -> Tiling<'a> {
        match halves {
            None => Tiling {
                bytes: 4,
                conv_weights: &self.conv_weights,
                conv_forth: &self.conv_forth,
                conv_product: &self.conv_product,
            },
            Some(Halves { conv_weights, conv_forth, conv_product }) => {
                Tiling { bytes: 2, conv_weights, conv_forth, conv_product }
            }
        }
    }
}

/// A pipeline that takes parameters of type `P`.
#[derive(Debug)]
pub struct Kernel<P> {
    pipeline: wgpu::ComputePipeline,
    params: std::marker::PhantomData<P>,
}

fn build(device: &wgpu::Device, name: &'static str, wgsl: Cow<'static, str>) -> wgpu::ComputePipeline {
    let source = wgpu::ShaderSource::Wgsl(wgsl);
    let module = device.create_shader_module(wgpu::ShaderModuleDescriptor { label: Some(name), source });
    device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label: Some(name),
        layout: None,
        module: &module,
        entry_point: Some("main"),
        compilation_options: Default::default(),
        cache: None,
    })
}

impl<P: Mirror> Kernel<P> {
    fn new(pipeline: wgpu::ComputePipeline) -> Self {
        Self { pipeline, params: std::marker::PhantomData }
    }

    /// Records one dispatch over `[columns, rows]` of workgroups; `bindings` follow the parameters in the order of the
    /// shader's.
    pub fn dispatch(
        &self,
        bus: &Bus,
        encoder: &mut wgpu::CommandEncoder,
        params: &P,
        bindings: &[wgpu::BindingResource<'_>],
        groups: [u32; 2],
    ) {
        let params = bus.params(params);
        let all = std::iter::once(params.as_entire_binding()).chain(bindings.iter().cloned());
        let entries: Vec<_> =
            all.enumerate().map(|(i, resource)| wgpu::BindGroupEntry { binding: i as u32, resource }).collect();
        bus.count_dispatch(&entries);
        let group = bus.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("stage"),
            layout: &self.pipeline.get_bind_group_layout(0),
            entries: &entries,
        });
        let mut pass =
            encoder.begin_compute_pass(&wgpu::ComputePassDescriptor { label: Some("stage"), timestamp_writes: None });
        pass.set_pipeline(&self.pipeline);
        pass.set_bind_group(0, &group, &[]);
        pass.dispatch_workgroups(groups[0], groups[1], 1);
    }
}

/// Workgroups for a picture of `width` by `rows`. At most 65,535 a side are allowed, a million pixels.
pub fn tiles(width: u32, rows: u32) -> [u32; 2] {
    [width.div_ceil(TILE), rows.div_ceil(TILE)]
}

/// Workgroups for a list of `count`.
pub fn lines(count: u32) -> [u32; 2] {
    [count.div_ceil(LINE), 1]
}
