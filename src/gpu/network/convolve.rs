//! The kernels of a convolution: into tiles, multiplied, and back; or as it is defined.

use burn::nn::conv::Conv2d;
use cameo_matting::Finish;

use super::{POINTS, Stack, Weights};
use crate::gpu::Gpu;
use crate::gpu::kernels::{Tiling, lines};
use crate::gpu::params::{ConvBack, ConvDirect, ConvForth, ConvProduct};

/// Bytes that transformed tiles of a band may take: as much as a GPU needs to be busy, and no more than bindings may be.
const TILES_BYTES: u64 = 96 << 20;

/// Records the 3x3 convolution of `parts`, concatenated, into `made`, band by band.
pub fn winograd(
    gpu: &Gpu,
    tiling: &Tiling<'_>,
    encoder: &mut wgpu::CommandEncoder,
    weights: &Weights,
    parts: &[&Stack],
    made: &Stack,
    (dilation, finish): (u32, &Finish<'_, Stack>),
) {
    let Gpu { bus, kernels, limits, .. } = gpu;
    let Stack { channels, height, width, .. } = *made;
    let channels_in: u32 = parts.iter().map(|part| part.channels).sum();
    let [down, across] = [height, width].map(|side| side.div_ceil(dilation).div_ceil(4));
    let tiles = dilation * dilation * down * across;
    let most = TILES_BYTES.min(limits.strip_bytes) / (POINTS * 4 * channels_in.max(channels) as u64);
    let band = (most as u32 / 4 * 4).clamp(4, tiles.next_multiple_of(4));
    let seen = bus.scratch("tiles seen", POINTS * channels_in as u64 * band as u64 * tiling.bytes);
    let products = bus.scratch("tiles made", POINTS * channels as u64 * band as u64 * 4);
    let lanes_down = if channels > 32 {
        8
    } else if channels > 16 {
        4
    } else {
        2
    };
    for first_tile in (0..tiles).step_by(band as usize) {
        let count = band.min(tiles - first_tile);
        // Of the last band too, so that all is in fours.
        let stride = count.next_multiple_of(4);
        let mut first_channel = 0;
        for part in parts {
            let params = ConvForth {
                width,
                height,
                dilation,
                across,
                down,
                first_tile,
                tiles: count,
                stride,
                channels: channels_in,
                first_channel,
                ..Default::default()
            };
            let bindings = [part.binding(), seen.as_entire_binding()];
            let groups = [lines(count)[0], part.channels];
            tiling.conv_forth.dispatch(bus, encoder, &params, &bindings, groups);
            first_channel += part.channels;
        }
        let blocks = channels.div_ceil(8 * lanes_down);
        let params = ConvProduct {
            channels_in,
            channels_out: channels.div_ceil(4),
            tiles: stride / 4,
            blocks,
            lanes_down,
            rows: channels,
            ..Default::default()
        };
        let bindings = [weights.kernel.binding(), seen.as_entire_binding(), products.as_entire_binding()];
        let groups = [count.div_ceil(512 / lanes_down), blocks * POINTS as u32];
        bus.count_operations(2 * POINTS * channels_in as u64 * channels as u64 * count as u64);
        tiling.conv_product.dispatch(bus, encoder, &params, &bindings, groups);
        let params = ConvBack {
            width,
            height,
            dilation,
            across,
            down,
            first_tile,
            tiles: count,
            stride,
            channels,
            least: if finish.relu { 0.0 } else { f32::MIN },
            adds: finish.plus.is_some().into(),
            pad: 0,
        };
        let products = products.as_entire_binding();
        // A binding must be given even where it is not read.
        let plus = finish.plus.map_or(products.clone(), Stack::binding);
        let bindings = [products, weights.bias.binding(), plus, made.binding()];
        kernels.conv_back.dispatch(bus, encoder, &params, &bindings, [lines(count)[0], channels]);
    }
}

/// Records the convolution of `part` into `made` as it is defined.
pub fn direct(
    gpu: &Gpu,
    encoder: &mut wgpu::CommandEncoder,
    weights: &Weights,
    conv: &Conv2d,
    [part, made]: [&Stack; 2],
) {
    let params = ConvDirect {
        width: part.width,
        height: part.height,
        out_width: made.width,
        out_height: made.height,
        channels_in: part.channels,
        side: conv.weight.dims()[3] as u32,
        stride: conv.stride[0] as u32,
        pad: 0,
    };
    let bindings = [part.binding(), weights.kernel.binding(), weights.bias.binding(), made.binding()];
    let groups = [lines(made.width * made.height)[0], made.channels];
    let taps = part.channels * params.side * params.side;
    gpu.bus.count_operations(2 * taps as u64 * made.channels as u64 * made.width as u64 * made.height as u64);
    gpu.kernels.conv_direct.dispatch(&gpu.bus, encoder, &params, &bindings, groups);
}
