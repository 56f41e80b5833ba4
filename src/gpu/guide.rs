//! Where the person is: what the network that finds people, and a glance of the small one, say of the whole photo.
//! Everything stays on the device; the host never learns what was found.

use burn::tensor::Device;
use cameo_matting::People;

use super::components::components;
use super::kernels::tiles;
use super::lift::range;
use super::network::Stack;
use super::params::{GuideCore, GuideGlance, GuideWindow};
use super::pool::Buffer;
use super::{Gpu, failed};
use crate::error::Result;
use crate::rules::{self, SIDE};

/// What guides the matte, on the device.
#[derive(Debug)]
pub struct Guide {
    /// The photo's size.
    pub width: u32,
    pub height: u32,
    /// The window, and whether there are people: `Scene` of the shaders.
    pub scene: Buffer,
    /// Over the whole photo, [`SIDE`] pixels a side: how sure the guide is, where it is certain, what the glance saw.
    pub whole: Buffer,
    /// The guide was asked at all.
    pub asked: bool,
}

/// A scene whose window is the whole photo, and in which nobody was looked for.
pub fn whole_scene(gpu: &Gpu, width: u32, height: u32) -> Buffer {
    gpu.bus.table("scene", &[0, 0, width, height, 0, 0, 0, 0])
}

/// `glance` is the small network's matte of the mirrored photo, `people` what was found in it, `size` the matting
/// network's side; see [`crate::cpu::Guide::new`].
pub fn guide(
    gpu: &Gpu,
    [width, height]: [u32; 2],
    size: u32,
    glance: &Stack,
    people: Option<People>,
    device: &Device,
) -> Result<Guide> {
    let bus = &gpu.bus;
    let side = SIDE as u32;
    device.flush().map_err(failed)?;
    let mut encoder = gpu.encoder("guide");
    let glance_side = rules::GLANCE_SIDE as u32;
    let stretch = range(gpu, &mut encoder, glance, glance_side);
    let whole = bus.scratch("guide", (SIDE * SIDE * 16) as u64);
    let params = GuideGlance { glance_side, side, min_range: rules::MIN_RANGE, pad: 0 };
    let bindings = [stretch.as_entire_binding(), glance.binding(), whole.as_entire_binding()];
    gpu.kernels.guide_glance.dispatch(bus, &mut encoder, &params, &bindings, tiles(side, side));
    let asked = people.is_some();
    let scene = match people {
        Some(people) => look(gpu, &mut encoder, [width, height], size, &whole, people)?,
        None => whole_scene(gpu, width, height),
    };
    gpu.submit(encoder)?;
    Ok(Guide { width, height, scene, whole, asked })
}

/// Records the look for people; the scene it will write.
fn look(
    gpu: &Gpu,
    encoder: &mut wgpu::CommandEncoder,
    [width, height]: [u32; 2],
    size: u32,
    whole: &Buffer,
    people: People,
) -> Result<Buffer> {
    let bus = &gpu.bus;
    let side = SIDE as u32;
    let matte = cameo_device::memory(people.matte).map_err(failed)?;
    let person = cameo_device::memory(people.person).map_err(failed)?;
    let labels = bus.scratch("guide labels", (SIDE * SIDE * 4) as u64);
    let params = GuideCore {
        side,
        reach: rules::CERTAIN_REACH as u32,
        half: rules::HALF,
        certain: rules::CERTAIN,
        witness: rules::WITNESS,
        ..Default::default()
    };
    let bindings = [matte.binding(), whole.as_entire_binding(), labels.as_entire_binding()];
    gpu.kernels.guide_core.dispatch(bus, encoder, &params, &bindings, tiles(side, side));
    components(gpu, encoder, &labels);
    let counts = bus.scratch("guide counts", (SIDE * SIDE * 4) as u64);
    encoder.clear_buffer(&counts, 0, None);
    let scene = bus.scratch("scene", 32);
    let params = GuideWindow {
        width,
        height,
        side,
        half: rules::HALF,
        person: rules::PERSON,
        min_sure: rules::MIN_SURE,
        agree: rules::AGREE,
        speck: rules::SPECK,
        speck_share: rules::SPECK_SHARE,
        margin: rules::MARGIN,
        aspect_long: rules::ASPECT[0],
        aspect_short: rules::ASPECT[1],
        window_percent: rules::WINDOW_PERCENT,
        size,
        least: size / rules::MAX_ZOOM,
        pad: 0,
    };
    let bindings = [
        person.binding(),
        whole.as_entire_binding(),
        labels.as_entire_binding(),
        counts.as_entire_binding(),
        scene.as_entire_binding(),
    ];
    gpu.kernels.guide_window.dispatch(bus, encoder, &params, &bindings, [1, 1]);
    Ok(scene)
}
