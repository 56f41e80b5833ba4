//! The layers of the networks on the GPU: each call records the dispatches of one layer.

use cameo_matting::{Conv2d, Epilogue, LayerOps, SampledInput};

use super::direct::DirectConv;
use super::feature_map::GpuFeatureMap;
use super::gpu_layers::{GpuLayers, workgroups};
use super::tiled::{self, TiledConv};
use super::winograd::{self, WinogradConv};
use crate::params::{Add, ChannelMeans, ChannelScale, MaxPool2, PixelShuffle2, ResizeBilinear, Sigmoid};

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
        let uses_winograd = winograd::supports(&conv.shape) && conv.groups == 1;
        let weights = self.weights(conv, uses_winograd)?;
        let first = inputs.first().ok_or("a convolution has no input")?;
        let size = conv.shape.output_size(self.size(first)).map(|side| side as u32);
        let output = self.scratch(conv.weight.dims()[0] as u32, size);
        if uses_winograd {
            let dilation = conv.shape.dilation as u32;
            let concatenated;
            let (first, second) = match inputs {
                [first] => (*first, None),
                [first, second] => (*first, Some(*second)),
                _ => {
                    concatenated = self.concat(inputs);
                    (&concatenated, None)
                }
            };
            let conv = WinogradConv { layers: self, weights: &weights, first, second, output: &output, dilation };
            conv.record(&epilogue);
        } else {
            let input = self.concat(inputs);
            let conv = DirectConv { layers: self, conv, weights: &weights, input: &input, output: &output };
            conv.record(&epilogue);
        }
        Ok(output)
    }

    fn conv_sampled(
        &self,
        conv: &Conv2d,
        inputs: &[SampledInput<'_, GpuFeatureMap>],
        epilogue: Epilogue<'_, GpuFeatureMap>,
    ) -> Result<GpuFeatureMap, String> {
        if let [first, others @ ..] = inputs
            && others.len() <= 1
            && tiled::pays(conv, tiled::sampled_size(first), self.input_scale)
        {
            let weights = self.weights(conv, false)?;
            let output = self.scratch(conv.weight.dims()[0] as u32, tiled::sampled_size(first));
            let second = others.first();
            let dilation = conv.shape.dilation as u32;
            TiledConv { layers: self, weights: &weights, first, second, output: &output, dilation }.record(&epilogue);
            return Ok(output);
        }
        let sampled = inputs.iter().map(|input| self.sample(input)).collect::<Result<Vec<_>, _>>()?;
        self.conv(conv, &sampled.iter().collect::<Vec<_>>(), epilogue)
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
        self.context.dispatch(&self.context.kernels.max_pool2, &params, &[map.binding(), output.binding()], workgroups);
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
        self.context.dispatch(
            &self.context.kernels.resize_bilinear,
            &params,
            &[map.binding(), output.binding()],
            workgroups,
        );
        Ok(output)
    }

    fn sigmoid(&self, map: GpuFeatureMap) -> Result<GpuFeatureMap, String> {
        let output = self.scratch(map.channels, [map.height, map.width]);
        let count = map.channels * map.pixels();
        let params = Sigmoid { count };
        let bindings = [map.binding(), output.binding()];
        self.context.dispatch(&self.context.kernels.sigmoid, &params, &bindings, workgroups(count, 1));
        Ok(output)
    }

    fn channel_means(&self, map: &GpuFeatureMap) -> Result<GpuFeatureMap, String> {
        let means = self.scratch(map.channels, [1, 1]);
        let params = ChannelMeans { pixels: map.pixels() };
        let bindings = [map.binding(), means.binding()];
        self.context.dispatch(&self.context.kernels.channel_means, &params, &bindings, [map.channels, 1, 1]);
        Ok(means)
    }

    fn scale_channels(
        &self,
        map: &GpuFeatureMap,
        scales: &GpuFeatureMap,
        addend: Option<&GpuFeatureMap>,
    ) -> Result<GpuFeatureMap, String> {
        let output = self.scratch(map.channels, [map.height, map.width]);
        let params = ChannelScale { pixels: map.pixels(), has_addend: addend.is_some().into() };
        // Every binding of a shader must be given, so the map stands in for a missing addend.
        let bindings = [map.binding(), scales.binding(), addend.unwrap_or(map).binding(), output.binding()];
        let workgroups = workgroups(map.pixels(), map.channels);
        self.context.dispatch(&self.context.kernels.channel_scale, &params, &bindings, workgroups);
        Ok(output)
    }

    fn add(&self, a: &GpuFeatureMap, b: &GpuFeatureMap) -> Result<GpuFeatureMap, String> {
        let output = self.scratch(a.channels, [a.height, a.width]);
        let count = a.channels * a.pixels();
        let params = Add { count };
        let bindings = [a.binding(), b.binding(), output.binding()];
        self.context.dispatch(&self.context.kernels.add, &params, &bindings, workgroups(count, 1));
        Ok(output)
    }

    fn pixel_shuffle2(&self, map: &GpuFeatureMap) -> Result<GpuFeatureMap, String> {
        if map.channels != 4 {
            return Err(format!("a pixel shuffle needs 4 channels, not {}", map.channels));
        }
        let output = self.scratch(1, [2 * map.height, 2 * map.width]);
        let params = PixelShuffle2 { width: map.width, height: map.height };
        let bindings = [map.binding(), output.binding()];
        self.context.dispatch(&self.context.kernels.pixel_shuffle2, &params, &bindings, workgroups(output.pixels(), 1));
        Ok(output)
    }
}
