//! The compute pipelines: one WGSL file each, and the Rust mirror of each file's parameters.
//!
//! The sources and the mirrors are public so that the tests can hold them against naga's reading of the shaders.

use super::bus::Bus;

/// A Rust struct with the fields of a shader's `Params`, and their offsets for the test that compares the two.
macro_rules! params {
    ($(#[$doc:meta])* $name:ident { $($field:ident: $kind:ty),* $(,)? }) => {
        $(#[$doc])*
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

/// What naga must find in the shader that takes these parameters.
pub trait Mirror: bytemuck::Pod {
    const SIZE: usize;
    /// `(field, byte offset)`
    const FIELDS: &'static [(&'static str, usize)];
}

params!(PrepareDown {
    width: u32,
    rows: u32,
    first_row: u32,
    window_rows: u32,
    window_first: u32,
    window_skip: u32,
    taps: u32,
    pad: u32,
});
params!(PrepareAcross {
    mean: [f32; 3],
    size: u32,
    deviation: [f32; 3],
    width: u32,
    taps: u32,
    pad0: u32,
    pad1: u32,
    pad2: u32,
});
params!(RefineRange { count: u32, stride: u32, pad0: u32, pad1: u32 });
params!(RefineAcross { size: u32, width: u32, taps: u32, min_range: f32 });
params!(RefineDown {
    size: u32,
    width: u32,
    rows: u32,
    first_row: u32,
    taps: u32,
    photo_skip: u32,
    refined_skip: u32,
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
params!(EnhanceAcross { width: u32, out_width: u32, rows: u32, taps: u32 });
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
    band_rows: u32,
    radius: u32,
    amount: f32,
    threshold: f32,
    pad: u32,
});
params!(Pack { width: u32, rows: u32, first_row: u32, picture_skip: u32 });

/// A shader as it is compiled: its file, after the shared functions it uses.
#[derive(Debug, Clone, Copy)]
pub struct Source {
    pub name: &'static str,
    pub wgsl: &'static str,
    /// Of the mirror of its `Params`.
    pub params_size: usize,
    pub params_fields: &'static [(&'static str, usize)],
}

macro_rules! sources {
    ($($constant:ident = $name:literal, $mirror:ident $(, $shared:literal)*;)*) => {
        $(const $constant: Source = Source {
            name: $name,
            wgsl: concat!(
                $(include_str!(concat!("../../shaders/shared/", $shared, ".wgsl")),)*
                include_str!(concat!("../../shaders/", $name, ".wgsl"))
            ),
            params_size: $mirror::SIZE,
            params_fields: $mirror::FIELDS,
        };)*

        /// Every shader there is.
        pub const SOURCES: &[Source] = &[$($constant),*];
    };
}

sources! {
    PREPARE_DOWN = "prepare_down", PrepareDown;
    PREPARE_ACROSS = "prepare_across", PrepareAcross;
    REFINE_RANGE = "refine_range", RefineRange;
    REFINE_ACROSS = "refine_across", RefineAcross;
    REFINE_DOWN = "refine_down", RefineDown;
    PREMULTIPLY = "premultiply", Premultiply;
    ENHANCE_ACROSS = "enhance_across", EnhanceAcross;
    ENHANCE_DOWN = "enhance_down", EnhanceDown;
    SHARPEN_ACROSS = "sharpen_across", SharpenAcross, "color";
    SHARPEN_DOWN = "sharpen_down", SharpenDown, "color";
    PACK = "pack", Pack, "color";
}

/// Workgroup sides of the shaders that run over a picture.
pub const TILE: u32 = 16;

/// Invocations of a workgroup of the shaders that run over a list.
pub const LINE: u32 = 256;

/// The pipelines, built once.
#[derive(Debug)]
pub struct Kernels {
    pub prepare_down: wgpu::ComputePipeline,
    pub prepare_across: wgpu::ComputePipeline,
    pub refine_range: wgpu::ComputePipeline,
    pub refine_across: wgpu::ComputePipeline,
    pub refine_down: wgpu::ComputePipeline,
    pub premultiply: wgpu::ComputePipeline,
    pub enhance_across: wgpu::ComputePipeline,
    pub enhance_down: wgpu::ComputePipeline,
    pub sharpen_across: wgpu::ComputePipeline,
    pub sharpen_down: wgpu::ComputePipeline,
    pub pack: wgpu::ComputePipeline,
}

impl Kernels {
    pub fn new(device: &wgpu::Device) -> Self {
        let build = |source: Source| {
            let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
                label: Some(source.name),
                source: wgpu::ShaderSource::Wgsl(source.wgsl.into()),
            });
            device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label: Some(source.name),
                layout: None,
                module: &module,
                entry_point: Some("main"),
                compilation_options: Default::default(),
                cache: None,
            })
        };
        Self {
            prepare_down: build(PREPARE_DOWN),
            prepare_across: build(PREPARE_ACROSS),
            refine_range: build(REFINE_RANGE),
            refine_across: build(REFINE_ACROSS),
            refine_down: build(REFINE_DOWN),
            premultiply: build(PREMULTIPLY),
            enhance_across: build(ENHANCE_ACROSS),
            enhance_down: build(ENHANCE_DOWN),
            sharpen_across: build(SHARPEN_ACROSS),
            sharpen_down: build(SHARPEN_DOWN),
            pack: build(PACK),
        }
    }
}

/// Records one dispatch over `[columns, rows]`; `bindings` follow the parameters in the order of the shader's.
pub fn dispatch<P: Mirror>(
    bus: &Bus,
    encoder: &mut wgpu::CommandEncoder,
    kernel: &wgpu::ComputePipeline,
    params: &P,
    bindings: &[wgpu::BindingResource<'_>],
    groups: [u32; 2],
) {
    let params = bus.params(params);
    let all = std::iter::once(params.as_entire_binding()).chain(bindings.iter().cloned());
    let entries: Vec<_> =
        all.enumerate().map(|(i, resource)| wgpu::BindGroupEntry { binding: i as u32, resource }).collect();
    let group = bus.device.create_bind_group(&wgpu::BindGroupDescriptor {
        label: Some("stage"),
        layout: &kernel.get_bind_group_layout(0),
        entries: &entries,
    });
    let mut pass =
        encoder.begin_compute_pass(&wgpu::ComputePassDescriptor { label: Some("stage"), timestamp_writes: None });
    pass.set_pipeline(kernel);
    pass.set_bind_group(0, &group, &[]);
    pass.dispatch_workgroups(groups[0], groups[1], 1);
}

/// Workgroups for a picture of `width` by `rows`. At most 65,535 a side are allowed, a million pixels.
pub fn tiles(width: u32, rows: u32) -> [u32; 2] {
    [width.div_ceil(TILE), rows.div_ceil(TILE)]
}
