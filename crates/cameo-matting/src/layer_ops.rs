//! The layers that the networks consist of, which each engine computes with kernels of its own.

pub use cameo_kernels::conv::{Activation, ConvShape, Epilogue};

use crate::conv2d::Conv2d;

/// How a convolution sees one of its inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sampling {
    /// As it is.
    Identity,
    /// After [`LayerOps::max_pool2`].
    MaxPool2,
    /// After [`LayerOps::resize_bilinear`] to this height and width.
    Bilinear([usize; 2]),
}

/// An input of a convolution, which an engine may pool or resize as the convolution reads it.
#[derive(Debug)]
pub struct SampledInput<'a, F> {
    pub map: &'a F,
    pub sampling: Sampling,
}

impl<'a, F> SampledInput<'a, F> {
    pub fn unchanged(map: &'a F) -> Self {
        Self { map, sampling: Sampling::Identity }
    }

    pub fn pooled(map: &'a F) -> Self {
        Self { map, sampling: Sampling::MaxPool2 }
    }

    /// Resized to `size`, height and width.
    pub fn resized(map: &'a F, size: [usize; 2]) -> Self {
        Self { map, sampling: Sampling::Bilinear(size) }
    }
}

/// Computes the layers of a network.
///
/// Each method returns an error if the device refuses, or if it cannot compute a layer of these parameters: one
/// sentence that names the cause.
pub trait LayerOps {
    /// `[channels, height, width]`, f32.
    type FeatureMap: Clone;

    /// Height and width.
    fn size(&self, map: &Self::FeatureMap) -> [usize; 2];

    /// The convolution of `inputs`, concatenated along their channels, with `conv`, which has one group.
    fn conv(
        &self,
        conv: &Conv2d,
        inputs: &[&Self::FeatureMap],
        epilogue: Epilogue<'_, Self::FeatureMap>,
    ) -> Result<Self::FeatureMap, String>;

    /// The convolution of `inputs`, sampled, as [`conv`](Self::conv).
    fn conv_sampled(
        &self,
        conv: &Conv2d,
        inputs: &[SampledInput<'_, Self::FeatureMap>],
        epilogue: Epilogue<'_, Self::FeatureMap>,
    ) -> Result<Self::FeatureMap, String> {
        let sampled = inputs.iter().map(|input| self.sample(input)).collect::<Result<Vec<_>, _>>()?;
        self.conv(conv, &sampled.iter().collect::<Vec<_>>(), epilogue)
    }

    /// Returns what a convolution sees of `input`.
    fn sample(&self, input: &SampledInput<'_, Self::FeatureMap>) -> Result<Self::FeatureMap, String> {
        match input.sampling {
            Sampling::Identity => Ok(input.map.clone()),
            Sampling::MaxPool2 => self.max_pool2(input.map),
            Sampling::Bilinear(size) => self.resize_bilinear(input.map.clone(), size),
        }
    }

    /// The convolution of each channel with a square kernel of its own: `conv` has as many groups as channels.
    fn depthwise_conv(
        &self,
        conv: &Conv2d,
        input: &Self::FeatureMap,
        epilogue: Epilogue<'_, Self::FeatureMap>,
    ) -> Result<Self::FeatureMap, String>;

    /// The 2x2 maximum with stride 2. An odd last row or column makes cells of its own.
    fn max_pool2(&self, map: &Self::FeatureMap) -> Result<Self::FeatureMap, String>;

    /// Resamples bilinearly to `size`, height and width, with half-pixel centres.
    fn resize_bilinear(&self, map: Self::FeatureMap, size: [usize; 2]) -> Result<Self::FeatureMap, String>;

    fn sigmoid(&self, map: Self::FeatureMap) -> Result<Self::FeatureMap, String>;

    /// The mean of each channel, `[channels, 1, 1]`.
    fn channel_means(&self, map: &Self::FeatureMap) -> Result<Self::FeatureMap, String>;

    /// Multiplies each channel by its number of `scales`, `[channels, 1, 1]`, then adds `addend`, of the shape of `map`.
    fn scale_channels(
        &self,
        map: &Self::FeatureMap,
        scales: &Self::FeatureMap,
        addend: Option<&Self::FeatureMap>,
    ) -> Result<Self::FeatureMap, String>;

    /// The sum of two feature maps of one shape.
    fn add(&self, a: &Self::FeatureMap, b: &Self::FeatureMap) -> Result<Self::FeatureMap, String>;

    /// `[4, height, width]` to `[1, 2 * height, 2 * width]`: the four channels of a pixel become the four pixels of a 2x2
    /// cell, row by row.
    fn pixel_shuffle2(&self, map: &Self::FeatureMap) -> Result<Self::FeatureMap, String>;
}
