//! Operations of our own on the CPU: a quarter of the multiplications for a 3x3 convolution, concatenated stacks read
//! where they are, bias, ReLU and additions done as results are written.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use burn::backend::{BackendTensor, DispatchTensorKind};
use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::nn::conv::Conv2d;
use burn::tensor::Tensor;
use cameo_conv::{Input, Kernel, Manner, Transformed, Workspace};

use super::{Finish, Ops};
use crate::Matting;

/// Stacks are numbers on the host. What a layer no longer needs is used again by the next, and by the next network: memory
/// fresh from the system costs a tenth of a large convolution's time.
#[derive(Debug, Default)]
pub struct Host {
    idle: Idle,
    workspace: Mutex<Workspace>,
    /// The weights of 3x3 convolutions that were transformed in advance.
    kept: Kept,
}

type Kept = HashMap<ParamId, Transformed>;

type Idle = Arc<Mutex<Vec<Vec<f32>>>>;

/// `[channels, height, width]`
#[derive(Debug, Clone)]
pub struct Planes {
    pub height: usize,
    pub width: usize,
    held: Arc<Held>,
}

#[derive(Debug)]
struct Held {
    /// Of which the first `count` are the planes'.
    values: Vec<f32>,
    count: usize,
    idle: Weak<Mutex<Vec<Vec<f32>>>>,
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(idle) = self.idle.upgrade() {
            idle.lock().unwrap_or_else(PoisonError::into_inner).push(std::mem::take(&mut self.values));
        }
    }
}

impl Planes {
    pub fn new(values: Vec<f32>, [height, width]: [usize; 2]) -> Self {
        Self { height, width, held: Arc::new(Held { count: values.len(), values, idle: Weak::new() }) }
    }

    fn channels(&self) -> usize {
        self.held.count / (self.height * self.width)
    }

    pub fn values(&self) -> &[f32] {
        &self.held.values[..self.held.count]
    }
}

impl Host {
    /// Transforms the weights of all 3x3 convolutions of `network`, which was loaded on the CPU, unless they are kept
    /// already: so they need not be for each photo. They take four times the memory of the network. Returns how many
    /// convolutions' weights it transformed.
    ///
    /// # Errors
    /// If the weights are elsewhere.
    pub fn keep(&mut self, network: &Matting) -> Result<usize, String> {
        let before = self.kept.len();
        let mut keeper = Keeper { kept: &mut self.kept, done: Ok(()) };
        match network {
            Matting::IsNet(network) => network.visit(&mut keeper),
            Matting::U2NetP(network) => network.visit(&mut keeper),
        }
        keeper.done.map(|()| self.kept.len() - before)
    }

    /// Gives memory that no layer uses back to the system until `bytes` of it are left, the largest first.
    pub fn trim(&self, bytes: usize) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.sort_unstable_by_key(Vec::len);
        while idle.iter().map(|values| size_of_val(&values[..])).sum::<usize>() > bytes {
            idle.pop();
        }
    }

    /// Planes of `size` that `compute` fills; what they hold before is nonsense.
    fn fill(&self, channels: usize, [height, width]: [usize; 2], compute: impl FnOnce(&mut [f32])) -> Planes {
        let count = channels * height * width;
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        // The smallest that is large enough.
        let fits = (0..idle.len()).filter(|&i| idle[i].len() >= count).min_by_key(|&i| idle[i].len());
        let found = fits.map(|at| idle.swap_remove(at));
        drop(idle);
        let mut values = found.unwrap_or_else(|| vec![0.0; count]);
        compute(&mut values[..count]);
        Planes { height, width, held: Arc::new(Held { values, count, idle: Arc::downgrade(&self.idle) }) }
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
        let parts: Vec<&[f32]> = parts.iter().map(|part| part.values()).collect();
        let input = Input { parts: &parts, height, width };
        let (kernel, stride) = (conv.weight.dims()[3], conv.stride[0]);
        let bias = bias.reshape([1, channels_out, 1, 1]);
        with_numbers([conv.weight.val(), bias], |[weights, bias]| {
            if (kernel, stride) == (3, 1) {
                let plus = finish.plus.map(Planes::values);
                let manner = Manner { dilation: conv.dilation[0], relu: finish.relu, plus };
                let kernel = Kernel { weights, bias, transformed: self.kept.get(&conv.weight.id) };
                let workspace = &mut *self.workspace.lock().unwrap_or_else(PoisonError::into_inner);
                let compute = |out: &mut [f32]| cameo_conv::conv3x3(&input, &kernel, manner, workspace, out);
                return Ok(self.fill(channels_out, [height, width], compute));
            }
            if finish.relu || finish.plus.is_some() {
                return Err(format!(
                    "nothing is done to the results of a {kernel}x{kernel} convolution, stride {stride}"
                ));
            }
            let size = [height.div_ceil(stride), width.div_ceil(stride)];
            Ok(self.fill(channels_out, size, |out| cameo_conv::conv(&input, weights, bias, stride, out)))
        })?
    }

    fn halve(&self, stack: &Planes) -> Result<Planes, String> {
        let [height, width] = self.size(stack);
        let compute = |out: &mut [f32]| cameo_conv::halve(stack.values(), [height, width], out);
        Ok(self.fill(stack.channels(), [height.div_ceil(2), width.div_ceil(2)], compute))
    }

    fn resize(&self, stack: Planes, size: [usize; 2]) -> Result<Planes, String> {
        let from = self.size(&stack);
        if from == size {
            return Ok(stack);
        }
        Ok(self.fill(stack.channels(), size, |out| cameo_conv::resize(stack.values(), from, size, out)))
    }

    fn sigmoid(&self, stack: Planes) -> Result<Planes, String> {
        let values = stack.values().iter().map(|value| 1.0 / (1.0 + (-value).exp())).collect();
        Ok(Planes::new(values, self.size(&stack)))
    }
}

/// What `compute` makes of the numbers of `tensors`, where they are.
fn with_numbers<R, const N: usize>(
    tensors: [Tensor<4>; N],
    compute: impl FnOnce([&[f32]; N]) -> R,
) -> Result<R, String> {
    let inner = tensors.map(|tensor| match tensor.into_dispatch().kind {
        DispatchTensorKind::Flex(BackendTensor::Float(inner)) => Some(inner.to_contiguous()),
        _ => None,
    });
    let mut numbers = [&[][..]; N];
    for (numbers, inner) in numbers.iter_mut().zip(&inner) {
        let found = inner.as_ref().and_then(|inner| inner.as_slice());
        *numbers = found.ok_or("the network's weights are not on the CPU")?;
    }
    Ok(compute(numbers))
}

/// Goes through a network's weights.
struct Keeper<'a> {
    kept: &'a mut Kept,
    done: Result<(), String>,
}

impl ModuleVisitor for Keeper<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let shape = param.dims();
        let [channels_out, channels_in, 3, 3] = shape[..] else { return };
        // A convolution to one channel transforms nothing.
        if channels_out == 1 || self.kept.contains_key(&param.id) || self.done.is_err() {
            return;
        }
        let weights = param.val().reshape([channels_out, channels_in, 3, 3]);
        let made = with_numbers([weights], |[weights]| Transformed::new(weights, channels_out));
        self.done = made.map(|made| drop(self.kept.insert(param.id, made)));
    }
}

#[cfg(test)]
mod tests {
    use burn::module::ModuleMapper;
    use burn::tensor::Device;

    use super::*;
    use crate::{Pass, U2NetP};

    fn forward(network: &Matting, host: &Host) -> Vec<f32> {
        let numbers = (0..3 * 64 * 64).map(|i| (i % 97) as f32 / 97.0).collect();
        network.forward(host, Planes::new(numbers, [64, 64]), Pass::Matte).unwrap().values().to_vec()
    }

    #[test]
    fn weights_that_were_transformed_in_advance_are_used_and_give_the_same() {
        let network = Matting::U2NetP(U2NetP::new(&Device::flex()));
        let mut host = Host::default();
        let plain = forward(&network, &host);
        // All of its 3x3 convolutions but the six that make one channel.
        assert_eq!((host.keep(&network), host.keep(&network)), (Ok(112), Ok(0)));
        assert!(forward(&network, &host) == plain);
        // What is kept is what is used: the plain weights have no say any more.
        let Matting::U2NetP(network) = network else { unreachable!() };
        let emptied = Matting::U2NetP(network.map(&mut Empty));
        assert!(forward(&emptied, &host) == plain);
        assert!(forward(&emptied, &Host::default()) != plain);
    }

    /// Has the weights of convolutions to several channels be zero.
    struct Empty;

    impl ModuleMapper for Empty {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            match D == 4 && param.dims()[0] > 1 {
                true => param.map(|weights| weights.zeros_like()),
                false => param,
            }
        }
    }
}
