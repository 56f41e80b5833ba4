//! The layers of the networks on the GPU: each call records the dispatches of one layer.

use std::cell::RefCell;

use burn::nn::conv::Conv2d;
use cameo_matting::{Activation, Epilogue, LayerOps, conv_shape};

use super::direct::DirectConv;
use super::feature_map::GpuFeatureMap;
use super::weights::WeightCache;
use super::winograd::{self, WinogradConv};
use crate::context::GpuContext;
use crate::kernels::{Kernel, WORKGROUP_1D, WinogradKernels};
use crate::params::{Add, ChannelMeans, ChannelScale, MaxPool2, Mirror, PixelShuffle2, ResizeBilinear, Sigmoid};

/// Convolutions in one command buffer: the device computes these while the next are recorded.
const CONVS_PER_SUBMISSION: usize = 16;

/// Records layers, and submits them as command buffers fill up.
#[derive(Debug)]
pub struct GpuLayers<'a> {
    pub(super) context: &'a GpuContext,
    pub(super) winograd: WinogradKernels<'a>,
    pub(super) cache: &'a WeightCache,
    recorder: RefCell<Recorder>,
}

#[derive(Debug)]
struct Recorder {
    encoder: wgpu::CommandEncoder,
    /// Convolutions that the encoder holds.
    convs: usize,
}

impl<'a> GpuLayers<'a> {
    pub(super) fn new(context: &'a GpuContext, winograd: WinogradKernels<'a>, cache: &'a WeightCache) -> Self {
        let recorder = RefCell::new(Recorder { encoder: context.encoder("network"), convs: 0 });
        Self { context, winograd, cache, recorder }
    }

    /// Returns the commands that are not submitted yet.
    pub(super) fn finish(self) -> wgpu::CommandEncoder {
        self.recorder.into_inner().encoder
    }

    pub(super) fn dispatch<P: Mirror>(
        &self,
        kernel: &Kernel<P>,
        params: &P,
        bindings: &[wgpu::BindingResource<'_>],
        workgroups: [u32; 2],
    ) {
        let encoder = &mut self.recorder.borrow_mut().encoder;
        self.context.dispatch(encoder, kernel, params, bindings, workgroups);
    }

    fn scratch(&self, channels: u32, size: [u32; 2]) -> GpuFeatureMap {
        GpuFeatureMap::scratch(self.context, "feature map", channels, size)
    }

    /// Counts a recorded convolution, and submits the command buffer if it holds enough of them.
    fn count_conv(&self) {
        let recorder = &mut *self.recorder.borrow_mut();
        recorder.convs += 1;
        if recorder.convs == CONVS_PER_SUBMISSION {
            let encoder = std::mem::replace(&mut recorder.encoder, self.context.encoder("network"));
            recorder.convs = 0;
            self.context.queue.submit([encoder.finish()]);
        }
    }

    /// Copies `maps`, of one size, into one along their channels.
    fn concat(&self, maps: &[&GpuFeatureMap]) -> GpuFeatureMap {
        if let [map] = maps {
            return (*map).clone();
        }
        let GpuFeatureMap { height, width, .. } = *maps[0];
        let channels = maps.iter().map(|map| map.channels).sum();
        let whole = self.scratch(channels, [height, width]);
        let encoder = &mut self.recorder.borrow_mut().encoder;
        let mut offset = 0;
        for map in maps {
            let bytes = map.buffer().size();
            encoder.copy_buffer_to_buffer(map.buffer(), 0, whole.buffer(), offset, bytes);
            offset += bytes;
        }
        whole
    }
}

impl LayerOps for GpuLayers<'_> {
    type FeatureMap = GpuFeatureMap;

    fn size(&self, map: &GpuFeatureMap) -> [usize; 2] {
        [map.height as usize, map.width as usize]
    }

    fn conv(
        &self,
        conv: &Conv2d,
        inputs: &[&GpuFeatureMap],
        epilogue: Epilogue<'_, GpuFeatureMap>,
    ) -> Result<GpuFeatureMap, String> {
        let shape = conv_shape(conv)?;
        let uses_winograd = winograd::supports(&shape) && conv.groups == 1;
        let weights = self.weights(conv, uses_winograd)?;
        let first = inputs.first().ok_or("a convolution has no input")?;
        let size = shape.output_size(self.size(first)).map(|side| side as u32);
        let output = self.scratch(conv.weight.dims()[0] as u32, size);
        if uses_winograd {
            let dilation = shape.dilation as u32;
            WinogradConv { layers: self, weights: &weights, inputs, output: &output, dilation }.record(&epilogue);
        } else {
            let input = self.concat(inputs);
            let conv = DirectConv { layers: self, conv, shape, weights: &weights, input: &input, output: &output };
            conv.record(&epilogue);
        }
        self.count_conv();
        Ok(output)
    }

    fn depthwise_conv(
        &self,
        conv: &Conv2d,
        input: &GpuFeatureMap,
        epilogue: Epilogue<'_, GpuFeatureMap>,
    ) -> Result<GpuFeatureMap, String> {
        self.conv(conv, &[input], epilogue)
    }

    fn max_pool2(&self, map: &GpuFeatureMap) -> Result<GpuFeatureMap, String> {
        let size = [map.height.div_ceil(2), map.width.div_ceil(2)];
        let output = self.scratch(map.channels, size);
        let params =
            MaxPool2 { width: map.width, height: map.height, out_width: output.width, out_height: output.height };
        let workgroups = workgroups(output.pixels(), output.channels);
        self.dispatch(&self.context.kernels.max_pool2, &params, &[map.binding(), output.binding()], workgroups);
        Ok(output)
    }

    fn resize_bilinear(&self, map: GpuFeatureMap, size: [usize; 2]) -> Result<GpuFeatureMap, String> {
        if self.size(&map) == size {
            return Ok(map);
        }
        let output = self.scratch(map.channels, size.map(|side| side as u32));
        let params = ResizeBilinear {
            width: map.width,
            height: map.height,
            out_width: output.width,
            out_height: output.height,
            scale: [map.width as f32 / output.width as f32, map.height as f32 / output.height as f32],
            ..Default::default()
        };
        let workgroups = workgroups(output.pixels(), output.channels);
        self.dispatch(&self.context.kernels.resize_bilinear, &params, &[map.binding(), output.binding()], workgroups);
        Ok(output)
    }

    fn sigmoid(&self, map: GpuFeatureMap) -> Result<GpuFeatureMap, String> {
        let output = self.scratch(map.channels, [map.height, map.width]);
        let count = map.channels * map.pixels();
        let params = Sigmoid { count, ..Default::default() };
        let bindings = [map.binding(), output.binding()];
        self.dispatch(&self.context.kernels.sigmoid, &params, &bindings, workgroups(count, 1));
        Ok(output)
    }

    fn channel_means(&self, map: &GpuFeatureMap) -> Result<GpuFeatureMap, String> {
        let means = self.scratch(map.channels, [1, 1]);
        let params = ChannelMeans { pixels: map.pixels(), ..Default::default() };
        let bindings = [map.binding(), means.binding()];
        self.dispatch(&self.context.kernels.channel_means, &params, &bindings, [map.channels, 1]);
        Ok(means)
    }

    fn scale_channels(
        &self,
        map: &GpuFeatureMap,
        scales: &GpuFeatureMap,
        addend: Option<&GpuFeatureMap>,
    ) -> Result<GpuFeatureMap, String> {
        let output = self.scratch(map.channels, [map.height, map.width]);
        let params =
            ChannelScale { pixels: map.pixels(), has_addend: addend.is_some().into(), ..Default::default() };
        // Every binding of a shader must be given, so the map stands in for a missing addend.
        let bindings = [map.binding(), scales.binding(), addend.unwrap_or(map).binding(), output.binding()];
        let workgroups = workgroups(map.pixels(), map.channels);
        self.dispatch(&self.context.kernels.channel_scale, &params, &bindings, workgroups);
        Ok(output)
    }

    fn add(&self, a: &GpuFeatureMap, b: &GpuFeatureMap) -> Result<GpuFeatureMap, String> {
        let output = self.scratch(a.channels, [a.height, a.width]);
        let count = a.channels * a.pixels();
        let params = Add { count, ..Default::default() };
        let bindings = [a.binding(), b.binding(), output.binding()];
        self.dispatch(&self.context.kernels.add, &params, &bindings, workgroups(count, 1));
        Ok(output)
    }

    fn pixel_shuffle2(&self, map: &GpuFeatureMap) -> Result<GpuFeatureMap, String> {
        if map.channels != 4 {
            return Err(format!("a pixel shuffle needs 4 channels, not {}", map.channels));
        }
        let output = self.scratch(1, [2 * map.height, 2 * map.width]);
        let params = PixelShuffle2 { width: map.width, height: map.height, ..Default::default() };
        let bindings = [map.binding(), output.binding()];
        self.dispatch(&self.context.kernels.pixel_shuffle2, &params, &bindings, workgroups(output.pixels(), 1));
        Ok(output)
    }
}

/// Returns the workgroups that compute `count` results in each of `channels` channels.
pub(super) fn workgroups(count: u32, channels: u32) -> [u32; 2] {
    [count.div_ceil(WORKGROUP_1D), channels]
}

/// Returns the number that stands for `activation` in the parameters of a kernel; shared/activation.wgsl has the same
/// numbers.
pub(super) fn activation_code(activation: Activation) -> u32 {
    match activation {
        Activation::None => 0,
        Activation::Relu => 1,
        Activation::HardSwish => 2,
        Activation::Sigmoid => 3,
    }
}
