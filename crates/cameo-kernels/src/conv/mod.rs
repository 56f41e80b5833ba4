//! Convolutions, most of a network's time.
//!
//! [`conv`] picks the algorithm for the shape: Winograd's for 3x3 kernels that keep the size, the definition for all
//! others. [`depthwise_conv`] convolves each channel with a kernel of its own.

mod depthwise;
mod direct;
mod gemm;
mod params;
mod single_output;
mod winograd;

#[cfg(test)]
mod reference;

pub use depthwise::depthwise_conv;
pub use params::{Activation, ConvInput, ConvParams, ConvShape, Epilogue};
pub use winograd::{ConvWeights, TransformedWeights, Workspace};

/// Convolves `input` with `weights` into `out`, `[channels_out, height, width]` of the shape's output size.
///
/// What `workspace` holds is meaningless before and after; its memory is used again.
pub fn conv(
    input: &ConvInput<'_>,
    weights: &ConvWeights<'_>,
    params: ConvParams<'_>,
    workspace: &mut Workspace,
    out: &mut [f32],
) {
    let ConvShape { kernel, stride, dilation, padding } = params.shape;
    let ConvWeights { kernel: values, bias, .. } = *weights;
    match (kernel, stride) {
        (3, 1) if padding == [1; 4] && dilation == 1 && bias.len() == 1 => {
            single_output::conv3x3(input, values, bias[0], params.epilogue, out);
        }
        (3, 1) if padding == [dilation; 4] => {
            winograd::conv3x3(input, weights, dilation, params.epilogue, workspace, out);
        }
        _ => direct::conv(input, values, bias, params, out),
    }
}
