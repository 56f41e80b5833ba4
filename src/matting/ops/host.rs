//! Operations of our own on the CPU: a quarter of the multiplications for a 3x3 convolution, concatenated stacks read
//! where they are, bias, ReLU and additions done as results are written.

use std::sync::Arc;

use burn::backend::{BackendTensor, DispatchTensorKind};
use burn::nn::conv::Conv2d;
use burn::tensor::Tensor;
use cameo_conv::{Input, Manner};

use super::{Finish, Ops};

/// Stacks are numbers on the host.
#[derive(Debug, Clone, Copy)]
pub struct Host;

/// `[channels, height, width]`
#[derive(Debug, Clone)]
pub struct Planes {
    pub values: Arc<Vec<f32>>,
    pub height: usize,
    pub width: usize,
}

impl Planes {
    pub fn new(values: Vec<f32>, [height, width]: [usize; 2]) -> Self {
        Self { values: Arc::new(values), height, width }
    }
}

impl Ops for Host {
    type Stack = Planes;

    fn size(&self, stack: &Planes) -> [usize; 2] {
        [stack.height, stack.width]
    }

    fn convolve(&self, conv: &Conv2d, parts: &[&Planes], finish: Finish<'_, Planes>) -> Result<Planes, String> {
        let Planes { height, width, .. } = *parts[0];
        let bias = conv.bias.as_ref().ok_or("a convolution has no bias")?.val();
        let channels_out = bias.dims()[0];
        let parts: Vec<&[f32]> = parts.iter().map(|part| &part.values[..]).collect();
        let input = Input { parts: &parts, height, width };
        let (kernel, stride) = (conv.weight.dims()[3], conv.stride[0]);
        with_numbers([conv.weight.val(), bias.reshape([1, channels_out, 1, 1])], |[weights, bias]| {
            if (kernel, stride) == (3, 1) {
                let mut out = vec![0.0; channels_out * height * width];
                let plus = finish.plus.map(|plus| &plus.values[..]);
                let manner = Manner { dilation: conv.dilation[0], relu: finish.relu, plus };
                cameo_conv::conv3x3(&input, weights, bias, manner, &mut out);
                return Ok(Planes::new(out, [height, width]));
            }
            if finish.relu || finish.plus.is_some() {
                return Err(format!(
                    "nothing is done to the results of a {kernel}x{kernel} convolution, stride {stride}"
                ));
            }
            let out = cameo_conv::conv(&input, weights, bias, stride);
            Ok(Planes::new(out, [height.div_ceil(stride), width.div_ceil(stride)]))
        })?
    }

    fn halve(&self, stack: &Planes) -> Result<Planes, String> {
        let Planes { height, width, .. } = *stack;
        let values = cameo_conv::halve(&stack.values, height, width);
        Ok(Planes::new(values, [height.div_ceil(2), width.div_ceil(2)]))
    }

    fn resize(&self, stack: Planes, size: [usize; 2]) -> Result<Planes, String> {
        let from = self.size(&stack);
        if from == size {
            return Ok(stack);
        }
        Ok(Planes::new(cameo_conv::resize(&stack.values, from, size), size))
    }

    fn sigmoid(&self, stack: Planes) -> Result<Planes, String> {
        let values = stack.values.iter().map(|value| 1.0 / (1.0 + (-value).exp())).collect();
        Ok(Planes::new(values, [stack.height, stack.width]))
    }
}

/// What `compute` makes of the numbers of `tensors`, where they are.
fn with_numbers<R>(tensors: [Tensor<4>; 2], compute: impl FnOnce([&[f32]; 2]) -> R) -> Result<R, String> {
    let inner = tensors.map(|tensor| match tensor.into_dispatch().kind {
        DispatchTensorKind::Flex(BackendTensor::Float(inner)) => Some(inner.to_contiguous()),
        _ => None,
    });
    let numbers = inner.each_ref().map(|inner| inner.as_ref().and_then(|inner| inner.as_slice()));
    match numbers {
        [Some(first), Some(second)] => Ok(compute([first, second])),
        _ => Err("the network's weights are not on the CPU".into()),
    }
}
