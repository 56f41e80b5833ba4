//! What the stages pass on: the photo, the input of a network, mattes, and the finished picture.

use std::ops::Range;

use cameo_core::codec::Depth;
use cameo_core::view::Rotation;

use crate::context::GpuContext;
use crate::network::GpuFeatureMap;
use crate::pool::GpuBuffer;
use crate::row_bands::{BoundRows, RowBands};

/// The photo on the device, and its matte once it has one.
#[derive(Debug)]
pub struct GpuFrame {
    /// Packed RGBA8 with straight alpha, in sRGB, or in Display P3 if the recipe keeps it.
    pub photo: RowBands,
    /// Alpha in 0..1 as f32, at the photo's size. It replaces the photo's own alpha.
    pub matte: Option<RowBands>,
    /// A `MatteStats`, from which the uncertainty of the matte is computed.
    pub stats: Option<GpuBuffer>,
}

/// How a network takes its input.
#[derive(Debug, Clone, Copy)]
pub struct InputFormat {
    /// Width and height in pixels.
    pub size: u32,
    /// Mean of red, green and blue, which is subtracted from values in 0..1.
    pub mean: [f32; 3],
    /// Standard deviation of red, green and blue, which the difference is divided by.
    pub std: [f32; 3],
    /// Whether the photo is mirrored left to right.
    pub mirrored: bool,
}

/// The input of a network.
#[derive(Debug)]
pub struct GpuInput {
    /// `[3, size, size]`: RGB, sRGB-encoded, normalised.
    pub map: GpuFeatureMap,
    pub format: InputFormat,
    /// How the network sees it rotated.
    pub rotation: Rotation,
}

/// The output of a matting network: alpha over the ROI.
#[derive(Debug)]
pub struct GpuMatte {
    /// `[1, size, size]` in 0..1.
    pub map: GpuFeatureMap,
    /// What the network got.
    pub input: GpuInput,
}

/// A repaired matte.
#[derive(Debug)]
pub struct GpuRepairedMatte {
    /// `[size, size]` f32, stretched to 0..1.
    pub matte: GpuBuffer,
    /// A `MatteStats`.
    pub stats: GpuBuffer,
    /// What the network got.
    pub input: GpuInput,
}

/// A finished picture on the device.
#[derive(Debug)]
pub struct GpuPicture {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    pub depth: Depth,
    /// RGBA with straight alpha, encoded as the photo: one word per pixel with 8 bits per channel, two with 16.
    pub bands: RowBands,
    pub stats: Option<GpuBuffer>,
}

/// Some rows of the photo and of its matte, one binding each.
pub struct FrameRows {
    pub photo: BoundRows,
    /// The photo again if there is no matte: every binding of a shader must be given.
    pub matte: BoundRows,
    pub has_matte: bool,
}

impl FrameRows {
    pub fn bind(context: &GpuContext, frame: &GpuFrame, rows: &Range<u32>) -> Self {
        let photo = frame.photo.bind(context, rows);
        let matte = frame.matte.as_ref().map(|matte| matte.bind(context, rows));
        let has_matte = matte.is_some();
        Self { matte: matte.unwrap_or_else(|| photo.clone()), photo, has_matte }
    }

    /// Returns the bindings `photo` and `matte` of a shader.
    pub fn bindings(&self) -> [wgpu::BufferBinding<'_>; 2] {
        [self.photo.binding(), self.matte.binding()]
    }
}
