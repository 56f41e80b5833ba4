//! Feature maps on the device.

use crate::context::GpuContext;
use crate::pool::GpuBuffer;

/// `[channels, height, width]`, f32, on the device. Clones share the memory.
#[derive(Debug, Clone)]
pub struct GpuFeatureMap {
    pub channels: u32,
    pub height: u32,
    pub width: u32,
    buffer: GpuBuffer,
}

impl GpuFeatureMap {
    /// Returns a feature map for a kernel to write, of `[height, width]`.
    pub fn scratch(context: &GpuContext, label: &str, channels: u32, [height, width]: [u32; 2]) -> Self {
        let bytes = u64::from(channels) * u64::from(height) * u64::from(width) * 4;
        Self { channels, height, width, buffer: context.scratch(label, bytes) }
    }

    /// Returns a feature map with `values`, of `[height, width]`.
    pub fn upload(context: &GpuContext, label: &str, channels: u32, [height, width]: [u32; 2], values: &[f32]) -> Self {
        Self { channels, height, width, buffer: context.upload(label, bytemuck::cast_slice(values)) }
    }

    pub fn buffer(&self) -> &GpuBuffer {
        &self.buffer
    }

    pub fn binding(&self) -> wgpu::BufferBinding<'_> {
        self.buffer.as_entire_buffer_binding()
    }

    /// Pixels of one channel.
    pub fn pixels(&self) -> u32 {
        self.height * self.width
    }

    /// Pixels a side of a square map.
    pub fn side(&self) -> u32 {
        self.width
    }
}
