//! 3x3 convolutions by Winograd's minimal filtering F(4x4, 3x3) (Lavin and Gray 2016): the input is transformed in
//! tiles of 6x6 values, multiplied by the transformed weights in 36 matrix products, and transformed back to tiles of
//! 4x4 results.

use cameo_matting::{ConvShape, Epilogue};

use super::feature_map::GpuFeatureMap;
use super::gpu_layers::{GpuLayers, activation_code, workgroups};
use super::weights::{GpuConvWeights, POINTS};
use crate::params::{WinogradGemm, WinogradInput, WinogradOutput};
use crate::pool::GpuBuffer;

/// Side of a tile of results, in pixels.
const TILE_SIDE: u32 = 4;

/// Bytes of one buffer of transformed tiles: enough tiles to keep a GPU busy. A convolution with more tiles is computed
/// in bands of them.
const TILES_BYTES: u64 = 96 << 20;

/// Returns whether these kernels compute convolutions of `shape`, if they have one group.
pub fn supports(shape: &ConvShape) -> bool {
    (shape.kernel, shape.stride) == (3, 1) && shape.padding == [shape.dilation; 4]
}

/// A convolution to be recorded.
pub struct WinogradConv<'a> {
    pub layers: &'a GpuLayers<'a>,
    pub weights: &'a GpuConvWeights,
    pub first: &'a GpuFeatureMap,
    /// Concatenated to the first along the channels; of the same size.
    pub second: Option<&'a GpuFeatureMap>,
    /// Of the size of the inputs.
    pub output: &'a GpuFeatureMap,
    pub dilation: u32,
}

/// Consecutive tiles that are transformed and multiplied together.
#[derive(Clone, Copy)]
struct TileBand {
    first_tile: u32,
    tile_count: u32,
    /// The count, rounded up to a multiple of 4: the matrix products read vectors of four tiles.
    tile_stride: u32,
}

impl WinogradConv<'_> {
    /// Records the convolution, one band of tiles after another.
    pub fn record(&self, epilogue: &Epilogue<'_, GpuFeatureMap>) {
        let context = self.layers.context;
        let [tiles_across, tiles_down] = self.phase_tiles();
        let tiles = self.dilation * self.dilation * tiles_across * tiles_down;
        let band_tiles = self.max_band_tiles().clamp(4, tiles.next_multiple_of(4));
        let bytes = |channels: u32| u64::from(POINTS) * u64::from(channels) * u64::from(band_tiles);
        let input_tiles = context.scratch("input tiles", bytes(self.channels_in()) * self.layers.winograd.bytes);
        let products = context.scratch("winograd products", bytes(self.output.channels) * 4);
        for first_tile in (0..tiles).step_by(band_tiles as usize) {
            let tile_count = band_tiles.min(tiles - first_tile);
            let band = TileBand { first_tile, tile_count, tile_stride: tile_count.next_multiple_of(4) };
            self.transform_inputs(band, &input_tiles);
            self.multiply(band, &input_tiles, &products);
            self.transform_output(band, &products, epilogue);
        }
    }

    fn channels_in(&self) -> u32 {
        self.first.channels + self.second.map_or(0, |second| second.channels)
    }

    /// Returns the tiles of one phase, across and down. A convolution of dilation d consists of d * d convolutions
    /// without dilation, its phases.
    fn phase_tiles(&self) -> [u32; 2] {
        [self.output.width, self.output.height].map(|side| side.div_ceil(self.dilation).div_ceil(TILE_SIDE))
    }

    /// Returns the number of tiles, a multiple of 4, whose transformed values fit into a buffer.
    fn max_band_tiles(&self) -> u32 {
        let max_bytes = TILES_BYTES.min(self.layers.context.limits.binding_bytes);
        let tile_bytes = u64::from(POINTS) * 4 * u64::from(self.channels_in().max(self.output.channels));
        (max_bytes / tile_bytes) as u32 / 4 * 4
    }

    /// Returns whether `winograd_input_wide` and `winograd_output_wide` can run: four neighbouring pixels of a row must be
    /// neighbours in a tile, and lie at a multiple of 16 bytes.
    fn is_wide(&self) -> bool {
        self.dilation == 1 && self.output.width.is_multiple_of(4)
    }

    fn transform_inputs(&self, band: TileBand, input_tiles: &GpuBuffer) {
        let Self { layers, dilation, .. } = *self;
        let [tiles_across, tiles_down] = self.phase_tiles();
        let GpuFeatureMap { width, height, channels: first_channels, .. } = *self.first;
        let TileBand { first_tile, tile_count, tile_stride } = band;
        let channels_in = self.channels_in();
        // Every binding of a shader must be given, so the first input stands in for a missing second one.
        let second = self.second.unwrap_or(self.first);
        let bindings = [self.first.binding(), second.binding(), input_tiles.as_entire_buffer_binding()];
        let workgroups = workgroups(tile_count, channels_in);
        let params = WinogradInput {
            width,
            height,
            dilation,
            tiles_across,
            tiles_down,
            first_tile,
            tile_count,
            tile_stride,
            channels_in,
            first_channels,
        };
        let kernel = if self.is_wide() { &layers.winograd.input_wide } else { &layers.winograd.input };
        layers.context.dispatch(kernel, &params, &bindings, workgroups);
    }

    fn multiply(&self, band: TileBand, input_tiles: &GpuBuffer, products: &GpuBuffer) {
        let (channels_in, channels_out) = (self.channels_in(), self.output.channels);
        let (kernel, lanes_down) = self.layers.winograd.gemm(channels_out);
        let channel_blocks = channels_out.div_ceil(8 * lanes_down);
        let params = WinogradGemm {
            channels_in,
            channels_out_vec4: channels_out.div_ceil(4),
            tiles_vec4: band.tile_stride / 4,
            channel_blocks,
            channels_out,
        };
        let bindings =
            [self.weights.kernel(), input_tiles.as_entire_buffer_binding(), products.as_entire_buffer_binding()];
        let workgroups = [band.tile_count.div_ceil(512 / lanes_down), channel_blocks * POINTS, 1];
        let multiplications: u64 = [POINTS, channels_in, channels_out, band.tile_count].map(u64::from).iter().product();
        self.layers.context.count_operations(2 * multiplications);
        self.layers.context.dispatch(kernel, &params, &bindings, workgroups);
    }

    fn transform_output(&self, band: TileBand, products: &GpuBuffer, epilogue: &Epilogue<'_, GpuFeatureMap>) {
        let Self { layers, dilation, .. } = *self;
        let [tiles_across, tiles_down] = self.phase_tiles();
        let GpuFeatureMap { width, height, channels: channels_out, .. } = *self.output;
        let TileBand { first_tile, tile_count, tile_stride } = band;
        let (activation, has_residual) = (activation_code(epilogue.activation), epilogue.residual.is_some().into());
        let products = products.as_entire_buffer_binding();
        // Every binding of a shader must be given, so another buffer stands in for a missing residual.
        let residual = epilogue.residual.map_or(products.clone(), GpuFeatureMap::binding);
        let bindings = [products, self.weights.bias(), residual, self.output.binding()];
        let workgroups = workgroups(tile_count, channels_out);
        let kernels = &layers.context.kernels;
        let params = WinogradOutput {
            width,
            height,
            dilation,
            tiles_across,
            tiles_down,
            first_tile,
            tile_count,
            tile_stride,
            channels_out,
            activation,
            has_residual,
        };
        let kernel = if self.is_wide() { &kernels.winograd_output_wide } else { &kernels.winograd_output };
        layers.context.dispatch(kernel, &params, &bindings, workgroups);
    }
}
