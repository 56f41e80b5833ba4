//! 3x3 convolutions of small feature maps, in one dispatch that pools or resizes their inputs as well.

use cameo_matting::{Conv2d, Epilogue, SampledInput, Sampling};

use super::feature_map::GpuFeatureMap;
use super::gpu_layers::{GpuLayers, activation_code};
use super::weights::GpuConvWeights;
use super::winograd;
use crate::params::ConvTiled;

/// Side of the tile of results that a workgroup computes, in pixels.
const TILE_SIDE: u32 = 8;

/// Output channels that a workgroup computes.
const CHANNELS_OUT: u32 = 16;

/// Multiplications up to which the launches of Winograd's three kernels, and of those that pool or resize, take longer
/// than the multiplications that they save: an estimate for GPUs of 8 to 60 TFLOP/s, at 4 microseconds a launch.
const MAX_MULTIPLICATIONS: f64 = 80e6;

/// Returns whether this kernel computes `conv` on inputs of `[height, width]` faster than Winograd's, if the network's input
/// has its native size instead of `input_scale` times its area.
pub fn pays(conv: &Conv2d, [height, width]: [u32; 2], input_scale: f64) -> bool {
    let [channels_out, channels_in, ..] = conv.weight.dims();
    let multiplications = [9, channels_in as u64, channels_out as u64, height.into(), width.into()];
    winograd::supports(&conv.shape)
        && conv.groups == 1
        && multiplications.iter().product::<u64>() as f64 <= MAX_MULTIPLICATIONS * input_scale
}

/// A convolution to be recorded.
pub struct TiledConv<'a> {
    pub layers: &'a GpuLayers<'a>,
    pub weights: &'a GpuConvWeights,
    pub first: &'a SampledInput<'a, GpuFeatureMap>,
    /// Concatenated to the first, of the same size after sampling.
    pub second: Option<&'a SampledInput<'a, GpuFeatureMap>>,
    pub output: &'a GpuFeatureMap,
    pub dilation: u32,
}

impl TiledConv<'_> {
    /// Records the convolution in one dispatch.
    pub fn record(&self, epilogue: &Epilogue<'_, GpuFeatureMap>) {
        let Self { layers, weights, first, output, dilation, .. } = *self;
        let GpuFeatureMap { width, height, channels: channels_out, .. } = *output;
        let [tiles_across, tiles_down] = [width, height].map(|side| side.div_ceil(dilation).div_ceil(TILE_SIDE));
        let channels_in = first.map.channels + self.second.map_or(0, |second| second.map.channels);
        // Every binding of a shader must be given, so the first input stands in for a missing one.
        let second = self.second.unwrap_or(first);
        let params = ConvTiled {
            width,
            height,
            dilation,
            tiles_across,
            tiles_down,
            channels_in,
            channels_out,
            activation: activation_code(epilogue.activation),
            has_residual: epilogue.residual.is_some().into(),
            first_channels: first.map.channels,
            first_width: first.map.width,
            first_height: first.map.height,
            first_sampling: sampling_code(first.sampling),
            second_width: second.map.width,
            second_height: second.map.height,
            second_sampling: sampling_code(second.sampling),
            first_scale: scale(first, output),
            second_scale: scale(second, output),
        };
        let residual = epilogue.residual.unwrap_or(first.map).binding();
        let inputs = [first.map.binding(), second.map.binding()];
        let bindings =
            [inputs[0].clone(), inputs[1].clone(), weights.kernel(), weights.bias(), residual, output.binding()];
        let multiplications: u64 = [9, channels_in, channels_out, output.pixels()].map(u64::from).iter().product();
        layers.context.count_operations(2 * multiplications);
        let workgroups = [tiles_across * tiles_down * dilation * dilation, channels_out.div_ceil(CHANNELS_OUT), 1];
        layers.context.dispatch(&layers.context.kernels.conv_tiled, &params, &bindings, workgroups);
    }
}

/// Returns height and width of what a convolution sees of `input`.
pub fn sampled_size(input: &SampledInput<'_, GpuFeatureMap>) -> [u32; 2] {
    let GpuFeatureMap { height, width, .. } = *input.map;
    match input.sampling {
        Sampling::Identity => [height, width],
        Sampling::MaxPool2 => [height.div_ceil(2), width.div_ceil(2)],
        Sampling::Bilinear(size) => size.map(|side| side as u32),
    }
}

/// Returns how many pixels of the input there are for each pixel that the convolution sees, across and down.
fn scale(input: &SampledInput<'_, GpuFeatureMap>, output: &GpuFeatureMap) -> [f32; 2] {
    [input.map.width as f32 / output.width as f32, input.map.height as f32 / output.height as f32]
}

/// Returns the number that stands for `sampling` in the parameters of the kernel.
fn sampling_code(sampling: Sampling) -> u32 {
    match sampling {
        Sampling::Identity => 0,
        Sampling::MaxPool2 => 1,
        Sampling::Bilinear(_) => 2,
    }
}
