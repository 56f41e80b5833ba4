//! The layers on the CPU, by the kernels of `cameo-kernels`.

use std::collections::HashMap;
use std::mem::take;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use burn::module::ParamId;
use cameo_kernels::conv::{self, ConvInput, ConvParams, ConvWeights, TransformedWeights, Workspace};
use cameo_kernels::layers;

use crate::conv2d::Conv2d;
use crate::cpu_weights::{transform_weights, with_weights};
use crate::layer_ops::{Epilogue, LayerOps};
use crate::matting_network::MattingNetwork;

/// Computes layers on the CPU.
///
/// The memory of feature maps that are no longer needed serves later layers, and the next network: to get it from the
/// system each time would cost a tenth of a large convolution's time.
#[derive(Debug, Default)]
pub struct CpuLayers {
    free_buffers: BufferPool,
    workspace: Mutex<Workspace>,
    /// Weights that were transformed in advance.
    transformed: HashMap<ParamId, TransformedWeights>,
}

type BufferPool = Arc<Mutex<Vec<Vec<f32>>>>;

/// `[channels, height, width]`
#[derive(Debug, Clone)]
pub struct CpuFeatureMap {
    height: usize,
    width: usize,
    buffer: Arc<Buffer>,
}

/// Values that return to the pool they came from when they are dropped.
#[derive(Debug)]
struct Buffer {
    values: Vec<f32>,
    /// The first elements of `values`, those that belong to the feature map.
    len: usize,
    pool: Weak<Mutex<Vec<Vec<f32>>>>,
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if let Some(pool) = self.pool.upgrade() {
            lock(&pool).push(take(&mut self.values));
        }
    }
}

impl CpuFeatureMap {
    /// Returns the feature map of `values`, `[channels, height, width]`.
    pub fn new(values: Vec<f32>, [height, width]: [usize; 2]) -> Self {
        Self { height, width, buffer: Arc::new(Buffer { len: values.len(), values, pool: Weak::new() }) }
    }

    pub fn values(&self) -> &[f32] {
        &self.buffer.values[..self.buffer.len]
    }

    fn channels(&self) -> usize {
        self.buffer.len / (self.height * self.width)
    }

    fn size(&self) -> [usize; 2] {
        [self.height, self.width]
    }
}

impl CpuLayers {
    /// Transforms the weights of all 3x3 convolutions of `network`, so that its forward passes need not do it each time.
    /// The transformed weights take four times the memory of the network. Returns the number of convolutions that were
    /// transformed; those of an earlier call are not transformed again.
    ///
    /// # Errors
    /// If the network was not loaded on the CPU.
    pub fn pretransform_weights(&mut self, network: &MattingNetwork) -> Result<usize, String> {
        transform_weights(network, &mut self.transformed)
    }

    /// Returns free memory to the system, the largest buffers first, until at most `max_bytes` of it are left.
    pub fn trim(&self, max_bytes: usize) {
        let mut free = lock(&self.free_buffers);
        free.sort_unstable_by_key(Vec::len);
        while free.iter().map(|buffer| size_of_val(&buffer[..])).sum::<usize>() > max_bytes {
            free.pop();
        }
    }

    /// Returns the feature map that `compute` fills. What it holds before is meaningless.
    fn fill(&self, channels: usize, [height, width]: [usize; 2], compute: impl FnOnce(&mut [f32])) -> CpuFeatureMap {
        let len = channels * height * width;
        let mut values = self.take_buffer(len).unwrap_or_else(|| vec![0.0; len]);
        compute(&mut values[..len]);
        let pool = Arc::downgrade(&self.free_buffers);
        CpuFeatureMap { height, width, buffer: Arc::new(Buffer { values, len, pool }) }
    }

    /// Takes the smallest free buffer of at least `len` elements.
    fn take_buffer(&self, len: usize) -> Option<Vec<f32>> {
        let mut free = lock(&self.free_buffers);
        let fitting = (0..free.len()).filter(|&i| free[i].len() >= len);
        let smallest = fitting.min_by_key(|&i| free[i].len())?;
        Some(free.swap_remove(smallest))
    }

    /// Runs `compute` with the workspace, or with a new one while another network uses it.
    // It does not stay locked: while `compute` waits for other threads, its own may run a layer of another network.
    fn with_workspace(&self, compute: impl FnOnce(&mut Workspace)) {
        let mut workspace = take(&mut *lock(&self.workspace));
        compute(&mut workspace);
        *lock(&self.workspace) = workspace;
    }
}

impl LayerOps for CpuLayers {
    type FeatureMap = CpuFeatureMap;

    fn size(&self, map: &CpuFeatureMap) -> [usize; 2] {
        map.size()
    }

    fn conv(
        &self,
        conv: &Conv2d,
        inputs: &[&CpuFeatureMap],
        epilogue: Epilogue<'_, CpuFeatureMap>,
    ) -> Result<CpuFeatureMap, String> {
        let params = conv_params(conv, &epilogue);
        let maps: Vec<&[f32]> = inputs.iter().map(|map| map.values()).collect();
        let [height, width] = inputs[0].size();
        let input = ConvInput { maps: &maps, height, width };
        with_weights(conv, |kernel, bias| {
            let transformed = self.transformed.get(&conv.weight.id);
            let weights = ConvWeights { kernel, bias, transformed };
            self.fill(bias.len(), params.shape.output_size([height, width]), |out| {
                self.with_workspace(|workspace| conv::conv(&input, &weights, params, workspace, out));
            })
        })
    }

    fn depthwise_conv(
        &self,
        conv: &Conv2d,
        input: &CpuFeatureMap,
        epilogue: Epilogue<'_, CpuFeatureMap>,
    ) -> Result<CpuFeatureMap, String> {
        let params = conv_params(conv, &epilogue);
        with_weights(conv, |kernels, bias| {
            self.fill(bias.len(), params.shape.output_size(input.size()), |out| {
                conv::depthwise_conv(input.values(), input.size(), kernels, bias, params, out);
            })
        })
    }

    fn max_pool2(&self, map: &CpuFeatureMap) -> Result<CpuFeatureMap, String> {
        let size = map.size().map(|side| side.div_ceil(2));
        Ok(self.fill(map.channels(), size, |out| layers::max_pool2(map.values(), map.size(), out)))
    }

    fn resize_bilinear(&self, map: CpuFeatureMap, size: [usize; 2]) -> Result<CpuFeatureMap, String> {
        if map.size() == size {
            return Ok(map);
        }
        Ok(self.fill(map.channels(), size, |out| layers::resize_bilinear(map.values(), map.size(), size, out)))
    }

    fn sigmoid(&self, map: CpuFeatureMap) -> Result<CpuFeatureMap, String> {
        Ok(self.fill(map.channels(), map.size(), |out| layers::sigmoid(map.values(), out)))
    }

    fn channel_means(&self, map: &CpuFeatureMap) -> Result<CpuFeatureMap, String> {
        Ok(self.fill(map.channels(), [1, 1], |means| layers::channel_means(map.values(), means)))
    }

    fn scale_channels(
        &self,
        map: &CpuFeatureMap,
        scales: &CpuFeatureMap,
        addend: Option<&CpuFeatureMap>,
    ) -> Result<CpuFeatureMap, String> {
        let addend = addend.map(CpuFeatureMap::values);
        let compute = |out: &mut [f32]| layers::scale_channels(map.values(), scales.values(), addend, out);
        Ok(self.fill(map.channels(), map.size(), compute))
    }

    fn add(&self, a: &CpuFeatureMap, b: &CpuFeatureMap) -> Result<CpuFeatureMap, String> {
        Ok(self.fill(a.channels(), a.size(), |out| layers::add(a.values(), b.values(), out)))
    }

    fn pixel_shuffle2(&self, map: &CpuFeatureMap) -> Result<CpuFeatureMap, String> {
        let size = map.size().map(|side| 2 * side);
        Ok(self.fill(1, size, |out| layers::pixel_shuffle2(map.values(), map.width, out)))
    }
}

fn conv_params<'a>(conv: &Conv2d, epilogue: &Epilogue<'a, CpuFeatureMap>) -> ConvParams<'a> {
    let epilogue = Epilogue { activation: epilogue.activation, residual: epilogue.residual.map(CpuFeatureMap::values) };
    ConvParams { shape: conv.shape, epilogue }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
