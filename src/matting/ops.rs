//! The operations that a network spends its time on. On the CPU they are our own, elsewhere burn's.
//!
//! Ours need a quarter of the multiplications for a 3x3 convolution, read concatenated pictures where they are, and add
//! bias and ReLU as they write.

use burn::backend::{BackendTensor, DispatchTensorKind};
use burn::nn::conv::Conv2d;
use burn::tensor::activation;
use burn::tensor::module::max_pool2d;
use burn::tensor::ops::MaxPoolOptions;
use burn::tensor::{Int, Tensor, TensorData};
use cameo_conv::{Input, Manner};

/// What `compute` makes of the numbers of `tensors`; `None` if any is not on the CPU.
fn on_cpu<R>(tensors: Vec<Tensor<4>>, compute: impl FnOnce(&[&[f32]]) -> R) -> Option<R> {
    let inner = tensors.into_iter().map(|tensor| match tensor.into_dispatch().kind {
        DispatchTensorKind::Flex(BackendTensor::Float(inner)) => Some(inner.to_contiguous()),
        _ => None,
    });
    let inner: Vec<_> = inner.collect::<Option<_>>()?;
    let numbers: Vec<&[f32]> = inner.iter().map(|inner| inner.as_slice()).collect::<Option<_>>()?;
    Some(compute(&numbers))
}

/// A 3x3 convolution of `parts`, concatenated along their channels; of stride 1, it keeps the size.
pub fn conv3x3(conv: &Conv2d, parts: Vec<Tensor<4>>, relu: bool) -> Tensor<4> {
    let [_, _, height, width] = parts[0].dims();
    let device = parts[0].device();
    let channels_out = conv.weight.dims()[0];
    let bias = conv.bias.as_ref().map(|bias| bias.val().reshape([1, channels_out, 1, 1]));
    if let (Some(bias), [1, 1]) = (bias, conv.stride) {
        let mut tensors = vec![conv.weight.val(), bias];
        tensors.extend(parts.iter().cloned());
        let made = on_cpu(tensors, |numbers| {
            let mut out = vec![0.0; channels_out * height * width];
            let input = Input { parts: &numbers[2..], height, width };
            let manner = Manner { dilation: conv.dilation[0], relu };
            cameo_conv::conv3x3(&input, numbers[0], numbers[1], manner, &mut out);
            out
        });
        if let Some(made) = made {
            return Tensor::from_data(TensorData::new(made, [1, channels_out, height, width]), &device);
        }
    }
    let whole = if parts.len() == 1 { parts.into_iter().next().expect("one part") } else { Tensor::cat(parts, 1) };
    let made = conv.forward(whole);
    if relu { activation::relu(made) } else { made }
}

/// 2x2 maximum with stride 2; an odd row or column at the end counts as a whole cell.
pub fn halve(x: Tensor<4>) -> Tensor<4> {
    let [_, channels, height, width] = x.dims();
    let device = x.device();
    match on_cpu(vec![x.clone()], |numbers| cameo_conv::halve(numbers[0], height, width)) {
        Some(made) => {
            let shape = [1, channels, height.div_ceil(2), width.div_ceil(2)];
            Tensor::from_data(TensorData::new(made, shape), &device)
        }
        None => max_pool2d(x, MaxPoolOptions::new([2, 2]).with_ceil_mode(true)),
    }
}

/// [`resize_to`] the size of `like`.
pub fn resize_like(x: Tensor<4>, like: &Tensor<4>) -> Tensor<4> {
    let [_, _, height, width] = like.dims();
    resize_to(x, height, width)
}

/// Bilinear with half-pixel centres; as it is where it has that size.
///
/// Written with `select` and not with burn's `interpolate`, which on wgpu picks one of two kernels by their speed as it
/// runs: with it, IS-Net's matte was wrong by 0.35 in runs on a loaded machine, and right in all others.
pub fn resize_to(x: Tensor<4>, height: usize, width: usize) -> Tensor<4> {
    let [_, channels, from_height, from_width] = x.dims();
    if (from_height, from_width) == (height, width) {
        return x;
    }
    let device = x.device();
    let resize = |numbers: &[&[f32]]| cameo_conv::resize(numbers[0], [from_height, from_width], [height, width]);
    match on_cpu(vec![x.clone()], resize) {
        Some(made) => Tensor::from_data(TensorData::new(made, [1, channels, height, width]), &device),
        // Across first: rows are then copied whole, and there are fewer of them to gather from.
        None => resize_axis(resize_axis(x, 3, width), 2, height),
    }
}

fn resize_axis(x: Tensor<4>, axis: usize, to: usize) -> Tensor<4> {
    let from = x.dims()[axis];
    if from == to {
        return x;
    }
    let last = from as f32 - 1.0;
    let index = Tensor::<1, Int>::arange(0..to as i64, &x.device()).float();
    let centre = ((index + 0.5) * (from as f32 / to as f32) - 0.5).clamp(0.0, last);
    let low = centre.clone().floor();
    let high = (low.clone() + 1.0).clamp(0.0, last);
    let mut shape = [1; 4];
    shape[axis] = to;
    let share = (centre - low.clone()).reshape(shape);
    let low = x.clone().select(axis, low.int());
    let high = x.select(axis, high.int());
    low.clone() + (high - low) * share
}
