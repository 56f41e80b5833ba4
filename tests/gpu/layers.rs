//! Each layer on the GPU against the same layer on the CPU.

use burn::module::Param;
use burn::tensor::{Device, Tensor, TensorData};
use cameo_gpu::GpuEngine;
use cameo_gpu::network::{self, WeightCache};
use cameo_matting::{Activation, Conv2d, ConvShape, CpuFeatureMap, CpuLayers, Epilogue, LayerOps, SampledInput};

use crate::common::difference;
use crate::networks::{read, upload};
use crate::on_gpu;

/// Sums in another order, of values of about 1. Winograd's transforms, which both engines round differently, multiply
/// values by up to 8 and cancel them again.
const MAX: f32 = 1e-5;
const WINOGRAD_MAX: f32 = 5e-5;

/// Channels of most of the inputs, and their height and width: odd, and more than a workgroup.
const CHANNELS: usize = 6;
const SIZE: [usize; 2] = [23, 37];

/// A size whose rows some kernels read four pixels at a time.
const WIDE_SIZE: [usize; 2] = [23, 36];

#[derive(Debug, Clone, Copy)]
enum Layer {
    Conv(Convolution),
    /// Of one input at twice the size, which is pooled.
    ConvPooled(Convolution),
    /// Of an input of another size, which is resized, and one that is not.
    ConvResized(Convolution),
    DepthwiseConv(Convolution),
    MaxPool2,
    ResizeBilinear([usize; 2]),
    Sigmoid,
    ChannelMeans,
    ScaleChannels {
        adds: bool,
    },
    Add,
    PixelShuffle2,
}

#[derive(Debug, Clone, Copy)]
struct Convolution {
    channels_out: usize,
    shape: ConvShape,
    activation: Activation,
    adds_residual: bool,
    size: [usize; 2],
}

impl Convolution {
    /// One that keeps the size.
    fn new(channels_out: usize, kernel: usize, activation: Activation) -> Self {
        let shape = ConvShape { kernel, stride: 1, dilation: 1, padding: [kernel / 2; 4] };
        Self { channels_out, shape, activation, adds_residual: false, size: SIZE }
    }

    /// One of stride 2 with TensorFlow's `SAME` padding of an even size: more at the end.
    fn halving(channels_out: usize, kernel: usize, activation: Activation) -> Self {
        let (before, after) = ((kernel - 2) / 2, (kernel - 1) / 2);
        let shape = ConvShape { kernel, stride: 2, dilation: 1, padding: [before, before, after, after] };
        Self { shape, ..Self::new(channels_out, kernel, activation) }
    }

    fn dilated(mut self, dilation: usize) -> Self {
        self.shape.dilation = dilation;
        self.shape.padding = self.shape.padding.map(|padding| padding * dilation);
        self
    }

    fn wide(self) -> Self {
        Self { size: WIDE_SIZE, ..self }
    }

    fn with_residual(self) -> Self {
        Self { adds_residual: true, ..self }
    }

    /// The module, with weights of about 1 over the root of their number.
    fn module(&self, channels_in: usize, groups: usize, device: &Device) -> Conv2d {
        let dims = [self.channels_out, channels_in / groups, self.shape.kernel, self.shape.kernel];
        let taps = (dims[1] * dims[2] * dims[3]) as f32;
        let weights: Vec<f32> = numbers(dims.iter().product(), 7).iter().map(|number| number / taps.sqrt()).collect();
        let bias = TensorData::new(numbers(self.channels_out, 8), [self.channels_out]);
        Conv2d {
            weight: Param::from_tensor(Tensor::from_data(TensorData::new(weights, dims), device)),
            bias: Param::from_tensor(Tensor::from_data(bias, device)),
            shape: self.shape,
            groups,
        }
    }
}

impl Layer {
    fn channels(&self) -> usize {
        if matches!(self, Self::PixelShuffle2) { 4 } else { CHANNELS }
    }

    /// Computes the layer of an input that depends on `seed`.
    fn compute<O: LayerOps>(
        &self,
        ops: &O,
        device: &Device,
        map: impl Fn(&[f32], [usize; 2]) -> O::FeatureMap,
        seed: u32,
    ) -> Result<O::FeatureMap, String> {
        let channels = self.channels();
        let random = |channels: usize, size: [usize; 2], seed| map(&numbers(channels * size[0] * size[1], seed), size);
        let input = random(channels, SIZE, seed);
        match *self {
            Self::Conv(layer) => {
                // Two inputs, to be concatenated.
                let conv = layer.module(channels + 3, 1, device);
                let residual = layer.adds_residual.then(|| random(layer.channels_out, layer.size, 3));
                let epilogue = Epilogue { activation: layer.activation, residual: residual.as_ref() };
                let input = random(channels, layer.size, seed);
                ops.conv(&conv, &[&input, &random(3, layer.size, 2)], epilogue)
            }
            Self::ConvPooled(layer) => {
                let conv = layer.module(channels, 1, device);
                let large = random(channels, [2 * SIZE[0] - 1, 2 * SIZE[1]], seed);
                ops.conv_sampled(&conv, &[SampledInput::pooled(&large)], Epilogue::new(layer.activation))
            }
            Self::ConvResized(layer) => {
                let conv = layer.module(channels + 30, 1, device);
                let small = random(30, [SIZE[0].div_ceil(2), SIZE[1].div_ceil(2)], seed + 1);
                let inputs = [SampledInput::resized(&small, SIZE), SampledInput::unchanged(&input)];
                let residual = layer.adds_residual.then(|| random(layer.channels_out, SIZE, 3));
                let epilogue = Epilogue { activation: layer.activation, residual: residual.as_ref() };
                ops.conv_sampled(&conv, &inputs, epilogue)
            }
            Self::DepthwiseConv(layer) => {
                let conv = layer.module(channels, channels, device);
                let residual = layer.adds_residual.then(|| random(channels, SIZE, 3));
                let epilogue = Epilogue { activation: layer.activation, residual: residual.as_ref() };
                ops.depthwise_conv(&conv, &input, epilogue)
            }
            Self::MaxPool2 => ops.max_pool2(&input),
            Self::ResizeBilinear(size) => ops.resize_bilinear(input, size),
            Self::Sigmoid => ops.sigmoid(input),
            Self::ChannelMeans => ops.channel_means(&input),
            Self::ScaleChannels { adds } => {
                let addend = adds.then(|| random(channels, SIZE, 2));
                ops.scale_channels(&input, &random(channels, [1, 1], 3), addend.as_ref())
            }
            Self::Add => ops.add(&input, &random(channels, SIZE, 2)),
            Self::PixelShuffle2 => ops.pixel_shuffle2(&input),
        }
    }

    fn on_cpu(&self, seed: u32) -> Vec<f32> {
        let map = |values: &[f32], size| CpuFeatureMap::new(values.to_vec(), size);
        self.compute(&CpuLayers::default(), &Device::flex(), map, seed).unwrap().values().to_vec()
    }

    fn on_gpu(&self, engine: &GpuEngine, seed: u32) -> Vec<f32> {
        let map = |values: &[f32], size| upload(engine, values, size);
        let (kernels, cache) = (engine.context.kernels.winograd(None), WeightCache::default());
        let output = network::record(&engine.context, kernels, &cache, |layers| {
            self.compute(layers, engine.library.device(), map, seed)
        });
        read(engine, &output.unwrap())
    }
}

/// Numbers in -2..2 that are the same everywhere.
fn numbers(count: usize, seed: u32) -> Vec<f32> {
    let mut state = seed;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 22) as f32 - 2.0
    };
    std::iter::repeat_with(next).take(count).collect()
}

/// Asserts that both engines compute the same, and that another input would give something else.
#[track_caller]
fn assert_agrees(layer: Layer) {
    let found = on_gpu(move |engine| layer.on_gpu(engine, 1));
    let same = difference(&found, &layer.on_cpu(1));
    let other = difference(&found, &layer.on_cpu(11));
    println!("{layer:?}: {same:?}");
    let max = match layer {
        Layer::Conv(Convolution { shape: ConvShape { kernel: 3, stride: 1, .. }, .. })
        | Layer::ConvPooled(_)
        | Layer::ConvResized(_) => WINOGRAD_MAX,
        _ => MAX,
    };
    assert!(same.max <= max, "{layer:?}: {same:?}");
    assert!(other.max > 1000.0 * max, "{layer:?}: the comparison notices no difference: {other:?}");
}

#[test]
fn a_convolution_agrees_with_the_cpu_for_every_shape_of_the_networks() {
    assert_agrees(Layer::Conv(Convolution::new(5, 1, Activation::Relu)));
    assert_agrees(Layer::Conv(Convolution::new(5, 1, Activation::Sigmoid).with_residual()));
    assert_agrees(Layer::Conv(Convolution::halving(16, 3, Activation::HardSwish)));
    assert_agrees(Layer::Conv(Convolution::new(5, 3, Activation::None)));
    assert_agrees(Layer::Conv(Convolution::new(20, 3, Activation::Relu).wide().with_residual()));
    assert_agrees(Layer::Conv(Convolution::new(5, 3, Activation::HardSwish).wide()));
    assert_agrees(Layer::Conv(Convolution::new(20, 3, Activation::Relu).dilated(4).with_residual()));
    assert_agrees(Layer::Conv(Convolution::new(40, 3, Activation::Relu).dilated(2)));
}

#[test]
fn a_small_convolution_of_pooled_and_resized_inputs_agrees_with_the_cpu() {
    assert_agrees(Layer::ConvPooled(Convolution::new(5, 3, Activation::Relu)));
    assert_agrees(Layer::ConvPooled(Convolution::new(20, 3, Activation::None).dilated(2)));
    assert_agrees(Layer::ConvResized(Convolution::new(16, 3, Activation::Relu).with_residual()));
    assert_agrees(Layer::ConvResized(Convolution::new(37, 3, Activation::None).dilated(8)));
}

#[test]
fn a_depthwise_convolution_agrees_with_the_cpu_for_every_shape_of_the_networks() {
    assert_agrees(Layer::DepthwiseConv(Convolution::new(CHANNELS, 3, Activation::Relu).with_residual()));
    assert_agrees(Layer::DepthwiseConv(Convolution::new(CHANNELS, 5, Activation::HardSwish)));
    assert_agrees(Layer::DepthwiseConv(Convolution::halving(CHANNELS, 3, Activation::Relu)));
    assert_agrees(Layer::DepthwiseConv(Convolution::halving(CHANNELS, 5, Activation::HardSwish)));
}

#[test]
fn pooling_and_resizing_agree_with_the_cpu() {
    assert_agrees(Layer::MaxPool2);
    assert_agrees(Layer::ResizeBilinear([46, 74]));
    assert_agrees(Layer::ResizeBilinear([17, 50]));
    assert_agrees(Layer::PixelShuffle2);
}

#[test]
fn channelwise_and_elementwise_layers_agree_with_the_cpu() {
    assert_agrees(Layer::Sigmoid);
    assert_agrees(Layer::ChannelMeans);
    assert_agrees(Layer::ScaleChannels { adds: false });
    assert_agrees(Layer::ScaleChannels { adds: true });
    assert_agrees(Layer::Add);
}
