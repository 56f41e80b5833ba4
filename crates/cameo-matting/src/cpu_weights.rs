//! The weights of convolutions as the CPU's kernels read them.

use std::collections::HashMap;

use burn::backend::{BackendTensor, DispatchTensorKind};
use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::tensor::Tensor;
use cameo_kernels::conv::TransformedWeights;

use crate::conv2d::Conv2d;
use crate::matting_network::MattingNetwork;

/// Transforms the weights of all 3x3 convolutions of `network` that are not in `transformed` yet. Returns their number.
///
/// # Errors
/// If the network was not loaded on the CPU.
pub fn transform_weights(
    network: &MattingNetwork,
    transformed: &mut HashMap<ParamId, TransformedWeights>,
) -> Result<usize, String> {
    let before = transformed.len();
    let mut visitor = WeightTransformer { transformed, result: Ok(()) };
    match network {
        MattingNetwork::IsNet(network) => network.visit(&mut visitor),
        MattingNetwork::U2NetP(network) => network.visit(&mut visitor),
    }
    visitor.result?;
    Ok(transformed.len() - before)
}

/// Calls `compute` with the kernel and the bias of `conv`, without copying them.
pub fn with_weights<R>(conv: &Conv2d, compute: impl FnOnce(&[f32], &[f32]) -> R) -> Result<R, String> {
    with_values(conv.weight.val(), |kernel| with_values(conv.bias.val(), |bias| compute(kernel, bias)))?
}

/// Calls `compute` with the values of `tensor`, without copying them.
fn with_values<R, const D: usize>(tensor: Tensor<D>, compute: impl FnOnce(&[f32]) -> R) -> Result<R, String> {
    let tensor = match tensor.into_dispatch().kind {
        DispatchTensorKind::Flex(BackendTensor::Float(tensor)) => tensor.to_contiguous(),
        _ => return Err(NOT_ON_THE_CPU.into()),
    };
    Ok(compute(tensor.as_slice().ok_or(NOT_ON_THE_CPU)?))
}

const NOT_ON_THE_CPU: &str = "the weights of the network are not f32 numbers on the CPU";

/// Visits the weights of a network and transforms those of 3x3 convolutions.
struct WeightTransformer<'a> {
    transformed: &'a mut HashMap<ParamId, TransformedWeights>,
    result: Result<(), String>,
}

impl ModuleVisitor for WeightTransformer<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let [channels_out, _, 3, 3] = param.dims()[..] else { return };
        // A convolution to one channel uses its weights as they are.
        if channels_out == 1 || self.transformed.contains_key(&param.id) || self.result.is_err() {
            return;
        }
        let weights = with_values(param.val(), |kernel| TransformedWeights::new(kernel, channels_out));
        self.result = weights.map(|weights| drop(self.transformed.insert(param.id, weights)));
    }
}

#[cfg(test)]
mod tests {
    use burn::module::ModuleMapper;
    use burn::tensor::{Device, TensorData};

    use super::*;
    use crate::{CpuFeatureMap, CpuLayers, NetworkOutput, U2NetP};

    fn forward(network: &MattingNetwork, layers: &CpuLayers) -> Vec<f32> {
        let values = (0..3 * 64 * 64).map(|i| (i % 97) as f32 / 97.0).collect();
        let image = CpuFeatureMap::new(values, [64, 64]);
        network.forward(layers, image, NetworkOutput::Matte).unwrap().values().to_vec()
    }

    #[test]
    fn weights_that_were_transformed_in_advance_are_used_and_give_the_same_matte() {
        let network = MattingNetwork::U2NetP(U2NetP::new(&Device::flex()).map(&mut Weights));
        let mut layers = CpuLayers::default();
        let matte = forward(&network, &layers);
        // All of its 3x3 convolutions but the six to one channel.
        assert_eq!(layers.pretransform_weights(&network), Ok(112));
        assert_eq!(layers.pretransform_weights(&network), Ok(0));
        assert!(forward(&network, &layers) == matte);
        // The plain weights do not matter any more.
        let MattingNetwork::U2NetP(network) = network else { unreachable!() };
        let zeroed = MattingNetwork::U2NetP(network.map(&mut ZeroWeights));
        assert!(forward(&zeroed, &layers) == matte);
        assert!(forward(&zeroed, &CpuLayers::default()) != matte);
    }

    /// Sets all parameters to numbers between -0.1 and 0.1.
    struct Weights;

    impl ModuleMapper for Weights {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            param.map(|tensor| {
                let numbers = (0..tensor.shape().num_elements()).map(|i| ((i * 37) % 201) as f32 / 1000.0 - 0.1);
                let data = TensorData::new(numbers.collect::<Vec<f32>>(), tensor.shape());
                Tensor::from_data(data, &tensor.device())
            })
        }
    }

    /// Sets the weights of convolutions to several channels to zero.
    struct ZeroWeights;

    impl ModuleMapper for ZeroWeights {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            match D == 4 && param.dims()[0] > 1 {
                true => param.map(|weights| weights.zeros_like()),
                false => param,
            }
        }
    }
}
