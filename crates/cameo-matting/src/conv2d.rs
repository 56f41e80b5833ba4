//! The convolution of the networks, as a burn module.

use burn::module::{Module, Param, ParamId, Parameter};
use burn::tensor::{Device, Tensor};

use cameo_kernels::conv::ConvShape;

/// A convolution with a bias.
///
/// burn's own `Conv2d` can initialise weights for training in ten ways, one of which calls matrix multiplication. That
/// made the linker keep burn's kernels for it, a third of the program. The parameters of this one are zero until they
/// are loaded.
#[derive(Module, Debug)]
pub struct Conv2d {
    /// `[channels_out, channels_in / groups, kernel, kernel]`
    pub weight: Param<Tensor<4>>,
    /// `[channels_out]`
    pub bias: Param<Tensor<1>>,
    #[module(skip)]
    pub shape: ConvShape,
    /// 1, or the number of channels in a depthwise convolution.
    #[module(skip)]
    pub groups: usize,
}

impl Conv2d {
    /// Returns a convolution of one group from `channels[0]` to `channels[1]` channels.
    pub fn new(channels: [usize; 2], shape: ConvShape, device: &Device) -> Self {
        Self::with_groups(channels, 1, shape, device)
    }

    /// Returns a convolution of single pixels, of one group.
    pub fn pointwise(channels: [usize; 2], device: &Device) -> Self {
        Self::new(channels, ConvShape { kernel: 1, stride: 1, dilation: 1, padding: [0; 4] }, device)
    }

    /// Returns a convolution of each of `channels` channels with a kernel of its own.
    pub fn depthwise(channels: usize, shape: ConvShape, device: &Device) -> Self {
        Self::with_groups([channels, channels], channels, shape, device)
    }

    fn with_groups([channels_in, channels_out]: [usize; 2], groups: usize, shape: ConvShape, device: &Device) -> Self {
        Self {
            weight: zeros([channels_out, channels_in / groups, shape.kernel, shape.kernel], device),
            bias: zeros([channels_out], device),
            shape,
            groups,
        }
    }
}

/// Returns a parameter whose memory is allocated when it is first read, unless it was loaded before.
fn zeros<const D: usize>(dims: [usize; D], device: &Device) -> Param<Tensor<D>>
where
    Tensor<D>: Parameter,
{
    let init = move |device: &Device, _| Tensor::zeros(dims, device);
    Param::uninitialized(ParamId::new(), init, device.clone(), false, dims.into())
}
