//! Convolutions by their definition: those with strides, with other kernels than 3x3, or of single channels.

use cameo_matting::{Conv2d, ConvShape, Epilogue};

use super::feature_map::GpuFeatureMap;
use super::gpu_layers::{GpuLayers, activation_code};
use super::weights::GpuConvWeights;
use crate::kernels::workgroups_3d;
use crate::params::{ConvDepthwise, ConvDirect};

/// Output channels that an invocation of `conv_direct` computes.
const CHANNELS_OUT: u32 = 8;

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
        let multiplications = (group_in * kernel * kernel * channels_out) as u64 * u64::from(output.pixels());
        let [kernel, stride, dilation] = [kernel, stride, dilation].map(|size| size as u32);
        let [pad_top, pad_left, ..] = padding.map(|padding| padding as u32);
        let GpuFeatureMap { width, height, .. } = *input;
        let GpuFeatureMap { width: out_width, height: out_height, channels: channels_out, .. } = *output;
        let (activation, has_residual) = (activation_code(epilogue.activation), epilogue.residual.is_some().into());
        // Every binding of a shader must be given, so the input stands in for a missing residual.
        let residual = epilogue.residual.unwrap_or(input);
        let bindings = [input.binding(), weights.kernel(), weights.bias(), residual.binding(), output.binding()];
        layers.context.count_operations(2 * multiplications);
        if self.conv.groups == 1 {
            let params = ConvDirect {
                width,
                height,
                out_width,
                out_height,
                channels_in: input.channels,
                channels_out,
                kernel,
                stride,
                dilation,
                pad_left,
                pad_top,
                activation,
                has_residual,
            };
            let workgroups = workgroups_3d(out_width, out_height, channels_out.div_ceil(CHANNELS_OUT));
            layers.context.dispatch(&layers.context.kernels.conv_direct, &params, &bindings, workgroups);
        } else {
            let params = ConvDepthwise {
                width,
                height,
                out_width,
                out_height,
                kernel,
                stride,
                dilation,
                pad_left,
                pad_top,
                activation,
                has_residual,
            };
            let workgroups = workgroups_3d(out_width, out_height, channels_out);
            layers.context.dispatch(&layers.context.kernels.conv_depthwise, &params, &bindings, workgroups);
        }
    }
}
