//! The layers of the matting networks as kernels of our own: burn has but a direct one for 3x3 convolutions where a GPU
//! has no matrix hardware. Winograd's F(4x4, 3x3) needs a quarter of its multiplications.

mod convolve;

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use burn::module::ParamId;
use burn::nn::conv::Conv2d;
use burn::tensor::Tensor;
use cameo_device::Memory;
use cameo_matting::{Burn, Finish, Matting, Ops, Pass};

use super::kernels::{Tiling, lines};
use super::params::{ConvWeights, PlaneHalve, PlaneResize, PlaneSigmoid};
use super::pool::Buffer;
use super::{Gpu, failed};
use crate::error::Result;

/// Points of a transformed tile.
const POINTS: u64 = 36;

/// Convolutions recorded before they are handed to the device, which begins with them while others are recorded.
const CONVOLUTIONS: usize = 16;

/// `[channels, height, width]` on the device.
#[derive(Debug, Clone)]
pub struct Stack {
    place: Place,
    channels: u32,
    height: u32,
    width: u32,
}

#[derive(Debug, Clone)]
enum Place {
    Ours(Buffer),
    /// A tensor's.
    Burns(Rc<Memory>),
}

impl Stack {
    /// The memory of `tensor`, `[1, channels, height, width]`. The device's queued work must be flushed.
    pub fn of(tensor: Tensor<4>) -> Said<Self> {
        let [_, channels, height, width] = tensor.dims().map(|side| side as u32);
        let memory = cameo_device::memory(tensor)?;
        Ok(Self { place: Place::Burns(Rc::new(memory)), channels, height, width })
    }

    pub fn binding(&self) -> wgpu::BindingResource<'_> {
        self.place.binding()
    }

    /// All of it, where it is not burn's.
    pub fn buffer(&self) -> Option<&Buffer> {
        match &self.place {
            Place::Ours(buffer) => Some(buffer),
            Place::Burns(_) => None,
        }
    }

    /// Pixels a side of a square one.
    pub fn side(&self) -> u32 {
        self.width
    }
}

/// The weights of a convolution, as its kernels read them.
#[derive(Debug)]
struct Weights {
    /// `[36, channels_in, channels_out in fours]` of a 3x3 convolution of stride 1; of others, as they are.
    kernel: Place,
    bias: Memory,
}

/// The weights of the networks that ran.
#[derive(Debug, Default)]
pub struct Kept(RefCell<HashMap<ParamId, Rc<Weights>>>);

/// What a device says that refuses, in a sentence.
type Said<T> = std::result::Result<T, String>;

/// What `matting` makes of `image`, `[1, 3, side, side]`: a plane in 0..1.
///
/// # Errors
/// If the device was lost or is out of memory.
pub fn run(
    gpu: &Gpu,
    tiling: Tiling<'_>,
    kept: &Kept,
    matting: &Matting,
    pass: Pass,
    image: Tensor<4>,
) -> Result<Stack> {
    record(gpu, tiling, kept, image, |layers, image| matting.forward(layers, image, pass))
}

/// The same by burn's own kernels.
///
/// # Errors
/// As [`run`].
pub fn run_by_burn(matting: &Matting, pass: Pass, image: Tensor<4>) -> Result<Stack> {
    let made = matting.forward(&Burn, image, pass).map_err(failed)?;
    made.device().sync().map_err(failed)?;
    Stack::of(made).map_err(failed)
}

/// One convolution of `image` and ReLU, as [`run`] computes it.
///
/// # Errors
/// As [`run`].
pub fn convolve(gpu: &Gpu, tiling: Tiling<'_>, kept: &Kept, conv: &Conv2d, image: Tensor<4>) -> Result<Stack> {
    record(gpu, tiling, kept, image, |layers, image| layers.convolve(conv, &[&image], Finish::RELU))
}

/// Records what `ask` asks for, and waits until the device has done it.
fn record(
    gpu: &Gpu,
    tiling: Tiling<'_>,
    kept: &Kept,
    image: Tensor<4>,
    ask: impl FnOnce(&Layers<'_>, Stack) -> Said<Stack>,
) -> Result<Stack> {
    // What burn has queued for the image and the weights comes first.
    image.device().flush().map_err(failed)?;
    let layers = Layers { gpu, tiling, kept, encoder: RefCell::new((gpu.encoder("network"), 0)) };
    let made = Stack::of(image).and_then(|image| ask(&layers, image)).map_err(failed)?;
    gpu.submit(layers.encoder.into_inner().0)?;
    Ok(made)
}

/// Records layers.
struct Layers<'a> {
    gpu: &'a Gpu,
    tiling: Tiling<'a>,
    kept: &'a Kept,
    /// With how many convolutions it holds.
    encoder: RefCell<(wgpu::CommandEncoder, usize)>,
}

impl Layers<'_> {
    fn stack(&self, channels: u32, [height, width]: [u32; 2]) -> Stack {
        let bytes = channels as u64 * height as u64 * width as u64 * 4;
        Stack { place: Place::Ours(self.gpu.bus.scratch("planes", bytes)), channels, height, width }
    }

    /// The weights of `conv`, which are made ready when they are asked for first.
    fn weights(&self, conv: &Conv2d, encoder: &mut wgpu::CommandEncoder) -> Said<Rc<Weights>> {
        if let Some(found) = self.kept.0.borrow().get(&conv.weight.id) {
            return Ok(found.clone());
        }
        let bias = conv.bias.as_ref().ok_or("a convolution has no bias")?.val();
        let [channels_out, channels_in, ..] = conv.weight.dims().map(|side| side as u32);
        let plain = cameo_device::memory(conv.weight.val())?;
        let kernel = if is_winograd(conv) {
            let padded = channels_out.next_multiple_of(4);
            let bus = &self.gpu.bus;
            let transformed = bus.scratch("weights", POINTS * channels_in as u64 * padded as u64 * self.tiling.bytes);
            let params = ConvWeights { channels_in, channels_out, padded, pad: 0 };
            let bindings = [plain.binding(), transformed.as_entire_binding()];
            let groups = [lines(padded)[0], channels_in];
            self.tiling.conv_weights.dispatch(bus, encoder, &params, &bindings, groups);
            Place::Ours(transformed)
        } else {
            Place::Burns(Rc::new(plain))
        };
        let weights = Rc::new(Weights { kernel, bias: cameo_device::memory(bias)? });
        self.kept.0.borrow_mut().insert(conv.weight.id, weights.clone());
        Ok(weights)
    }

    /// Hands what is recorded to the device once it is enough.
    fn count(&self, held: &mut (wgpu::CommandEncoder, usize)) {
        held.1 += 1;
        if held.1 == CONVOLUTIONS {
            let full = std::mem::replace(held, (self.gpu.encoder("network"), 0));
            self.gpu.bus.queue.submit([full.0.finish()]);
        }
    }

    /// `parts` behind each other in one.
    fn joined(&self, encoder: &mut wgpu::CommandEncoder, parts: &[&Stack]) -> Said<Stack> {
        if let [part] = parts {
            return Ok((*part).clone());
        }
        let Stack { height, width, .. } = *parts[0];
        let whole = self.stack(parts.iter().map(|part| part.channels).sum(), [height, width]);
        let mut at = 0;
        for part in parts {
            let (Some(from), Some(to)) = (part.buffer(), whole.buffer()) else {
                return Err("what is joined is not the network's own".into());
            };
            encoder.copy_buffer_to_buffer(from, 0, to, at, from.size());
            at += from.size();
        }
        Ok(whole)
    }
}

impl Place {
    fn binding(&self) -> wgpu::BindingResource<'_> {
        match self {
            Place::Ours(buffer) => buffer.as_entire_binding(),
            Place::Burns(memory) => memory.binding(),
        }
    }
}

fn is_winograd(conv: &Conv2d) -> bool {
    conv.weight.dims()[2..] == [3, 3] && conv.stride == [1, 1]
}

impl Ops for Layers<'_> {
    type Stack = Stack;

    fn size(&self, stack: &Stack) -> [usize; 2] {
        [stack.height as usize, stack.width as usize]
    }

    fn convolve(&self, conv: &Conv2d, parts: &[&Stack], finish: Finish<'_, Stack>) -> Said<Stack> {
        let mut held = self.encoder.borrow_mut();
        let weights = self.weights(conv, &mut held.0)?;
        let channels = conv.weight.dims()[0] as u32;
        let stride = conv.stride[0] as u32;
        let made = self.stack(channels, [parts[0].height, parts[0].width].map(|side| side.div_ceil(stride)));
        if is_winograd(conv) {
            let (gpu, tiling) = (self.gpu, &self.tiling);
            convolve::winograd(gpu, tiling, &mut held.0, &weights, parts, &made, (conv.dilation[0] as u32, &finish));
        } else if finish.relu || finish.plus.is_some() {
            return Err("nothing is done to the results of such a convolution".into());
        } else {
            let part = self.joined(&mut held.0, parts)?;
            convolve::direct(self.gpu, &mut held.0, &weights, conv, [&part, &made]);
        }
        self.count(&mut held);
        Ok(made)
    }

    fn halve(&self, stack: &Stack) -> Said<Stack> {
        let halved = self.stack(stack.channels, [stack.height.div_ceil(2), stack.width.div_ceil(2)]);
        let params =
            PlaneHalve { width: stack.width, height: stack.height, out_width: halved.width, out_height: halved.height };
        let bindings = [stack.binding(), halved.binding()];
        let groups = [lines(halved.width * halved.height)[0], stack.channels];
        let encoder = &mut self.encoder.borrow_mut().0;
        self.gpu.kernels.plane_halve.dispatch(&self.gpu.bus, encoder, &params, &bindings, groups);
        Ok(halved)
    }

    fn resize(&self, stack: Stack, size: [usize; 2]) -> Said<Stack> {
        if self.size(&stack) == size {
            return Ok(stack);
        }
        let resized = self.stack(stack.channels, size.map(|side| side as u32));
        let ratio = [stack.width as f32 / resized.width as f32, stack.height as f32 / resized.height as f32];
        let params = PlaneResize {
            width: stack.width,
            height: stack.height,
            out_width: resized.width,
            out_height: resized.height,
            ratio,
            ..Default::default()
        };
        let bindings = [stack.binding(), resized.binding()];
        let groups = [lines(resized.width * resized.height)[0], stack.channels];
        let encoder = &mut self.encoder.borrow_mut().0;
        self.gpu.kernels.plane_resize.dispatch(&self.gpu.bus, encoder, &params, &bindings, groups);
        Ok(resized)
    }

    fn sigmoid(&self, stack: Stack) -> Said<Stack> {
        let made = self.stack(stack.channels, [stack.height, stack.width]);
        let count = stack.channels * stack.height * stack.width;
        let params = PlaneSigmoid { count, ..Default::default() };
        let bindings = [stack.binding(), made.binding()];
        let encoder = &mut self.encoder.borrow_mut().0;
        self.gpu.kernels.plane_sigmoid.dispatch(&self.gpu.bus, encoder, &params, &bindings, lines(count));
        Ok(made)
    }
}
