//! Convolutions by their definition: those with strides, with other kernels than 3x3, or of single channels.

use cameo_matting::{Conv2d, ConvShape, Epilogue};

use super::feature_map::GpuFeatureMap;
use super::gpu_layers::{GpuLayers, activation_code, workgroups};
use super::weights::GpuConvWeights;
use crate::params::ConvDirect;

/// A convolution to be recorded.
pub struct DirectConv<'a> {
    pub layers: &'a GpuLayers<'a>,
    pub conv: &'a Conv2d,
    pub weights: &'a GpuConvWeights,
    pub input: &'a GpuFeatureMap,
    pub output: &'a GpuFeatureMap,
}

impl DirectConv<'_> {
    /// Records the convolution in one dispatch.
    pub fn record(&self, epilogue: &Epilogue<'_, GpuFeatureMap>) {
        let Self { layers, weights, input, output, .. } = *self;
        let ConvShape { kernel, stride, dilation, padding } = self.conv.shape;
        let [channels_out, group_in, ..] = self.conv.weight.dims();
        let params = ConvDirect {
            width: input.width,
            height: input.height,
            out_width: output.width,
            out_height: output.height,
            group_in: group_in as u32,
            group_out: (channels_out / self.conv.groups) as u32,
            kernel: kernel as u32,
            stride: stride as u32,
            dilation: dilation as u32,
            pad_left: padding[1] as u32,
            pad_top: padding[0] as u32,
            activation: activation_code(epilogue.activation),
            has_residual: epilogue.residual.is_some().into(),
        };
        // Every binding of a shader must be given, so the input stands in for a missing residual.
        let residual = epilogue.residual.unwrap_or(input);
        let bindings = [input.binding(), weights.kernel(), weights.bias(), residual.binding(), output.binding()];
        let multiplications = (group_in * kernel * kernel * channels_out) as u64 * u64::from(output.pixels());
        layers.context.count_operations(2 * multiplications);
        let workgroups = workgroups(output.pixels(), output.channels);
        layers.context.dispatch(&layers.context.kernels.conv_direct, &params, &bindings, workgroups);
    }
}
