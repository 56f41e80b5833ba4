//! MediaPipe's selfie segmentation (Google 2021): finds people at 256x256, at under one percent of IS-Net's cost.
//!
//! The encoder consists of inverted residual blocks with squeeze-and-excitation, as in MobileNetV3 (Howard et al.
//! 2019); the decoder weighs each skip connection by a gate. A logistic regression on the channel means that the gates
//! read, which is not part of the published network, tells people from animals and things: the network alone takes most
//! animals for people.
//!
//! The names of fields are those of the parameters in the file of weights.

use burn::module::Module;
use burn::tensor::Device;
use cameo_models::selfie::{
    BLOCKS, ENCODER_CHANNELS, HEAD_CHANNELS, LEVEL_CHANNELS, PERSON_FEATURES, SKIP_BLOCKS, STEM_CHANNELS, SelfieBlock,
};

use crate::conv2d::Conv2d;
use crate::layer_ops::{Activation, ConvShape, Epilogue, LayerOps};

/// The network that finds people.
#[derive(Module, Debug)]
pub struct SelfieSegmenter {
    stem: Conv2d,
    blocks: Vec<InvertedResidual>,
    head: Head,
    levels: Vec<DecoderLevel>,
    /// To four channels: the four pixels that each pixel becomes.
    last: Conv2d,
    person: Conv2d,
}

/// Where the network sees people in a picture.
#[derive(Debug, Clone)]
pub struct PersonSegmentation<F> {
    /// The probability that each pixel belongs to a person: `[1, 256, 256]` in 0..1.
    pub confidence: F,
    /// The probability that the picture shows a person at all, rather than an animal or a thing: `[1, 1, 1]` in 0..1.
    pub probability: F,
}

impl SelfieSegmenter {
    pub fn new(device: &Device) -> Self {
        let inputs = std::iter::once(HEAD_CHANNELS).chain(LEVEL_CHANNELS);
        Self {
            stem: Conv2d::new([3, STEM_CHANNELS], same_padded(3, 2), device),
            blocks: BLOCKS.iter().map(|block| InvertedResidual::new(block, device)).collect(),
            head: Head::new(device),
            levels: inputs
                .zip(LEVEL_CHANNELS)
                .map(|(input, output)| DecoderLevel::new(input, output, device))
                .collect(),
            last: Conv2d::pointwise([LEVEL_CHANNELS[2], 4], device),
            person: Conv2d::pointwise([PERSON_FEATURES, 1], device),
        }
    }

    /// Finds people in `image`, `[3, 256, 256]`, RGB in 0..1.
    ///
    /// # Errors
    /// If `ops` cannot compute a layer.
    pub fn forward<O: LayerOps>(
        &self,
        ops: &O,
        image: O::FeatureMap,
    ) -> Result<PersonSegmentation<O::FeatureMap>, String> {
        let mut x = ops.conv(&self.stem, &[&image], Epilogue::new(Activation::HardSwish))?;
        let mut skips = vec![x.clone()];
        let mut gate_means = Vec::new();
        for (i, block) in self.blocks.iter().enumerate() {
            let means;
            (x, means) = block.forward(ops, &x)?;
            // Those of the gates at the coarsest size, which are in the blocks with hard swish.
            gate_means.extend(means.filter(|_| block.activation() == Activation::HardSwish));
            if SKIP_BLOCKS.contains(&i) {
                skips.push(x.clone());
            }
        }
        x = self.head.forward(ops, &x)?;
        for (level, skip) in self.levels.iter().zip(skips.iter().rev()) {
            x = level.forward(ops, x, skip)?;
        }
        let gate_means: Vec<_> = gate_means.iter().collect();
        let probability = ops.conv(&self.person, &gate_means, Epilogue::new(Activation::Sigmoid))?;
        let quarters = ops.conv(&self.last, &[&x], Epilogue::new(Activation::Sigmoid))?;
        Ok(PersonSegmentation { confidence: ops.pixel_shuffle2(&quarters)?, probability })
    }
}

/// Expands the channels, convolves each, weighs them by a gate, and projects them to fewer.
#[derive(Module, Debug)]
struct InvertedResidual {
    expand: Conv2d,
    /// Depthwise.
    spread: Conv2d,
    gate: Option<Gate>,
    project: Conv2d,
    #[module(skip)]
    hard_swish: bool,
    #[module(skip)]
    residual: bool,
}

impl InvertedResidual {
    fn new(block: &SelfieBlock, device: &Device) -> Self {
        let expanded = block.channels_expanded;
        Self {
            expand: Conv2d::pointwise([block.channels_in, expanded], device),
            spread: Conv2d::depthwise(expanded, same_padded(block.kernel, block.stride), device),
            gate: block.channels_squeezed.map(|squeezed| Gate::new(expanded, squeezed, device)),
            project: Conv2d::pointwise([expanded, block.channels_out], device),
            hard_swish: block.swish,
            residual: block.is_residual(),
        }
    }

    fn activation(&self) -> Activation {
        if self.hard_swish { Activation::HardSwish } else { Activation::Relu }
    }

    /// Returns the block's output, and the channel means that its gate read.
    fn forward<O: LayerOps>(
        &self,
        ops: &O,
        input: &O::FeatureMap,
    ) -> Result<(O::FeatureMap, Option<O::FeatureMap>), String> {
        let expanded = ops.conv(&self.expand, &[input], Epilogue::new(self.activation()))?;
        let mut x = ops.depthwise_conv(&self.spread, &expanded, Epilogue::new(self.activation()))?;
        let mut means = None;
        if let Some(gate) = &self.gate {
            let means = means.insert(ops.channel_means(&x)?);
            x = ops.scale_channels(&x, &gate.forward(ops, means)?, None)?;
        }
        let residual = self.residual.then_some(input);
        let output = ops.conv(&self.project, &[&x], Epilogue { activation: Activation::None, residual })?;
        Ok((output, means))
    }
}

/// Squeeze-and-excitation: the weight of each channel, 0..1, from the means of all.
#[derive(Module, Debug)]
struct Gate {
    squeeze: Conv2d,
    excite: Conv2d,
}

impl Gate {
    fn new(channels: usize, squeezed: usize, device: &Device) -> Self {
        Self {
            squeeze: Conv2d::pointwise([channels, squeezed], device),
            excite: Conv2d::pointwise([squeezed, channels], device),
        }
    }

    fn forward<O: LayerOps>(&self, ops: &O, means: &O::FeatureMap) -> Result<O::FeatureMap, String> {
        let squeezed = ops.conv(&self.squeeze, &[means], Epilogue::RELU)?;
        ops.conv(&self.excite, &[&squeezed], Epilogue::new(Activation::Sigmoid))
    }
}

#[derive(Module, Debug)]
struct Head {
    features: Conv2d,
    gate: Conv2d,
}

impl Head {
    fn new(device: &Device) -> Self {
        let channels = [ENCODER_CHANNELS, HEAD_CHANNELS];
        Self { features: Conv2d::pointwise(channels, device), gate: Conv2d::pointwise(channels, device) }
    }

    fn forward<O: LayerOps>(&self, ops: &O, x: &O::FeatureMap) -> Result<O::FeatureMap, String> {
        let scales = ops.conv(&self.gate, &[&ops.channel_means(x)?], Epilogue::new(Activation::Sigmoid))?;
        let features = ops.conv(&self.features, &[x], Epilogue::RELU)?;
        ops.scale_channels(&features, &scales, None)
    }
}

/// Doubles the size and joins the result with a skip connection.
#[derive(Module, Debug)]
struct DecoderLevel {
    up: Conv2d,
    gate: Gate,
    mix: Conv2d,
    /// Depthwise.
    spread: Conv2d,
}

impl DecoderLevel {
    fn new(channels_in: usize, channels: usize, device: &Device) -> Self {
        Self {
            up: Conv2d::pointwise([channels_in, channels], device),
            gate: Gate::new(channels, channels, device),
            mix: Conv2d::pointwise([channels; 2], device),
            spread: Conv2d::depthwise(channels, same_padded(3, 1), device),
        }
    }

    fn forward<O: LayerOps>(&self, ops: &O, x: O::FeatureMap, skip: &O::FeatureMap) -> Result<O::FeatureMap, String> {
        let resized = ops.resize_bilinear(x, ops.size(skip))?;
        let up = ops.conv(&self.up, &[&resized], Epilogue::NONE)?;
        // The mean of a sum is the sum of the means.
        let means = ops.add(&ops.channel_means(skip)?, &ops.channel_means(&up)?)?;
        let joined = ops.scale_channels(skip, &self.gate.forward(ops, &means)?, Some(&up))?;
        let mixed = ops.conv(&self.mix, &[&joined], Epilogue::RELU)?;
        ops.depthwise_conv(&self.spread, &mixed, Epilogue { activation: Activation::Relu, residual: Some(&mixed) })
    }
}

/// The shape of a convolution with the padding of TensorFlow's `SAME`: at stride 2 of an even size, more at the end.
fn same_padded(kernel: usize, stride: usize) -> ConvShape {
    let (before, after) = ((kernel - stride) / 2, (kernel - stride).div_ceil(2));
    ConvShape { kernel, stride, dilation: 1, padding: [before, before, after, after] }
}
