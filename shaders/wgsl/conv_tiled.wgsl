// Computes a 3x3 convolution of stride 1 by its definition, in one dispatch: for small feature maps, where the launches
// of Winograd's three kernels would take longer than the multiplications that they save. The inputs are pooled or
// resized as they are read, which saves a dispatch each.
//
// A workgroup computes a tile of 8 by 8 results in 16 output channels. The results of a tile are `dilation` pixels
// apart, so that their 10 by 10 inputs are as well. A quarter of the workgroup computes all results of the tile, each
// invocation 4 neighbours in 4 channels, from every fourth quad of input channels; the quarters' sums are added at the
// end. So there are enough invocations to hide the latency of memory, even for a feature map of a single tile.

struct Params {
    width: u32,
    height: u32,
    dilation: u32,
    // Tiles of one phase of the dilation.
    tiles_across: u32,
    tiles_down: u32,
    // Channels of both inputs.
    channels_in: u32,
    channels_out: u32,
    activation: u32,
    has_residual: u32,
    // Channels, size and sampling of the first input. The second has the other channels, if there are any.
    first_channels: u32,
    first_width: u32,
    first_height: u32,
    first_sampling: u32,
    second_width: u32,
    second_height: u32,
    second_sampling: u32,
    // Input pixels for each pixel that the convolution sees, across and down.
    first_scale: vec2<f32>,
    second_scale: vec2<f32>,
}

const TILE = 8u;
const PATCH = 10u;
// Channels that are loaded at a time: a quad for each quarter of the workgroup.
const STEP = 16u;
const BLOCK_OUT = 16u;

var<immediate> params: Params;
// `[channels, height, width]`
@group(0) @binding(0) var<storage, read> first: array<f32>;
@group(0) @binding(1) var<storage, read> second: array<f32>;
// `[channels_out, channels_in, 3, 3]`
@group(0) @binding(2) var<storage, read> weights: array<f32>;
// `[channels_out]`
@group(0) @binding(3) var<storage, read> bias: array<f32>;
// `[channels_out, height, width]`, as `output`; read only if `has_residual`.
@group(0) @binding(4) var<storage, read> residual: array<f32>;
@group(0) @binding(5) var<storage, read_write> output: array<f32>;

// `[STEP / 4, PATCH, PATCH]`: four channels of a pixel.
var<workgroup> patch_block: array<vec4<f32>, 400>;
// `[STEP, 9, BLOCK_OUT / 4]`: four output channels.
var<workgroup> weight_block: array<vec4<f32>, 576>;

// The weights of four input channels, one in each column, for four output channels.
fn weight_columns(at: u32) -> mat4x4<f32> {
    const CHANNEL = 9u * BLOCK_OUT / 4u;
    return mat4x4<f32>(
        weight_block[at],
        weight_block[at + CHANNEL],
        weight_block[at + 2u * CHANNEL],
        weight_block[at + 3u * CHANNEL],
    );
}

// Stores four channels of a result.
fn store_channels(sums: vec4<f32>, pixel: vec2<u32>, channel: u32) {
    if (pixel.x >= params.width || pixel.y >= params.height) {
        return;
    }
    let at = pixel.y * params.width + pixel.x;
    let pixels = params.width * params.height;
    store(sums.x, channel, at, pixels);
    store(sums.y, channel + 1u, at, pixels);
    store(sums.z, channel + 2u, at, pixels);
    store(sums.w, channel + 3u, at, pixels);
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) invocation: u32) {
    let tiles = params.tiles_across * params.tiles_down;
    let phase = vec2<u32>(group.x / tiles % params.dilation, group.x / tiles / params.dilation);
    let tile = vec2<u32>(group.x % params.tiles_across, group.x / params.tiles_across % params.tiles_down);
    let origin = phase + TILE * params.dilation * tile;
    let first_out = BLOCK_OUT * group.y;

    let quarter = invocation / 64u;
    let quad_out = invocation / 16u % 4u;
    // The first of four neighbours in the tile.
    let cell = vec2<u32>(invocation % 2u * 4u, invocation / 2u % 8u);

    var sums_0 = vec4<f32>();
    var sums_1 = vec4<f32>();
    var sums_2 = vec4<f32>();
    var sums_3 = vec4<f32>();
    for (var channel = 0u; channel < params.channels_in; channel += STEP) {
        load_patch(channel, origin, invocation);
        load_weights(channel, first_out, invocation);
        workgroupBarrier();
        for (var row = 0u; row < 3u; row++) {
            let at = (quarter * PATCH + cell.y + row) * PATCH + cell.x;
            let a = patch_block[at];
            let b = patch_block[at + 1u];
            let c = patch_block[at + 2u];
            let d = patch_block[at + 3u];
            let e = patch_block[at + 4u];
            let f = patch_block[at + 5u];
            let weight = (quarter * 4u * 9u + row * 3u) * (BLOCK_OUT / 4u) + quad_out;
            let left = weight_columns(weight);
            let middle = weight_columns(weight + BLOCK_OUT / 4u);
            let right = weight_columns(weight + BLOCK_OUT / 2u);
            sums_0 += left * a + middle * b + right * c;
            sums_1 += left * b + middle * c + right * d;
            sums_2 += left * c + middle * d + right * e;
            sums_3 += left * d + middle * e + right * f;
        }
        workgroupBarrier();
    }

    // The last three quarters hand their sums to the first, in the memory that held weights and inputs.
    let cells = invocation % 64u;
    if (quarter > 0u) {
        let at = (quarter - 1u) * 192u + cells;
        weight_block[at] = sums_0;
        weight_block[at + 64u] = sums_1;
        weight_block[at + 128u] = sums_2;
        patch_block[(quarter - 1u) * 64u + cells] = sums_3;
    }
    workgroupBarrier();
    if (quarter > 0u) {
        return;
    }
    for (var other = 0u; other < 3u; other++) {
        sums_0 += weight_block[other * 192u + cells];
        sums_1 += weight_block[other * 192u + cells + 64u];
        sums_2 += weight_block[other * 192u + cells + 128u];
        sums_3 += patch_block[other * 64u + cells];
    }
    let channel_out = first_out + 4u * quad_out;
    let pixel = origin + params.dilation * cell;
    store_channels(sums_0, pixel, channel_out);
    store_channels(sums_1, pixel + vec2<u32>(params.dilation, 0u), channel_out);
    store_channels(sums_2, pixel + vec2<u32>(2u * params.dilation, 0u), channel_out);
    store_channels(sums_3, pixel + vec2<u32>(3u * params.dilation, 0u), channel_out);
}
