// Multiplies transformed weights by transformed tiles: 36 matrix products, one for each point of a tile.
//
// A workgroup of 64 invocations computes a block of 8 * LANES_DOWN channels by 512 / LANES_DOWN tiles; each invocation
// keeps 8 by 8 sums of it in registers, so it reads 16 numbers from workgroup memory for 64 products. Eight input
// channels at a time are loaded into workgroup memory by contiguous reads of 16 bytes. In the inner loop, the invocations
// of a row read the same weights, which is a broadcast, and neighbouring tiles, 16 bytes each, which visits all banks in
// turn. About 96 registers and at most 10 KiB leave space for ten workgroups on a processor of today's GPUs, so that the
// loads of one are hidden behind the products of the others.

struct Params {
    channels_in: u32,
    // In vectors of four, as the tiles are.
    channels_out_vec4: u32,
    tiles_vec4: u32,
    // Blocks of output channels.
    channel_blocks: u32,
    // Output channels without the padding of the weights.
    channels_out: u32,
}

// How the invocations of a workgroup divide a block: 2, 4 or 8 of them over the channels, the others over the tiles. A
// constant of the pipeline, so that the driver knows how often the loops run and divides by shifting.
override LANES_DOWN: u32;
override LANES_ACROSS: u32 = 64u / LANES_DOWN;
override BLOCK_OUT: u32 = 2u * LANES_DOWN;
override BLOCK_TILES: u32 = 2u * LANES_ACROSS;

// Input channels that are loaded at a time.
const STEP = 8u;

var<immediate> params: Params;
// `[36, channels_in, channels_out_vec4]`
@group(0) @binding(0) var<storage, read> weights: array<vec4<Real>>;
// `[36, channels_in, tiles_vec4]`
@group(0) @binding(1) var<storage, read> input_tiles: array<vec4<Real>>;
// `[36, channels_out, tiles_vec4]`
@group(0) @binding(2) var<storage, read_write> products: array<vec4<f32>>;

// `[STEP, BLOCK_OUT]` and `[STEP, BLOCK_TILES]`
var<workgroup> weight_block: array<vec4<Real>, STEP * 16u>;
var<workgroup> tile_block: array<vec4<Real>, STEP * 64u>;

// Stores the products of one output channel for two vectors of tiles.
fn store(channel: u32, point: u32, tile: u32, near: vec4<f32>, far: vec4<f32>) {
    if (channel >= params.channels_out) {
        return;
    }
    let row = (point * params.channels_out + channel) * params.tiles_vec4;
    if (tile < params.tiles_vec4) {
        products[row + tile] = near;
    }
    if (tile + LANES_ACROSS < params.tiles_vec4) {
        products[row + tile + LANES_ACROSS] = far;
    }
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let lane_out = 2u * (lane / LANES_ACROSS);
    let lane_tile = lane % LANES_ACROSS;
    let first_out = group.y % params.channel_blocks * BLOCK_OUT;
    let first_tile = group.x * BLOCK_TILES;
    let point = group.y / params.channel_blocks;
    let first_row = point * params.channels_in;
    // Sums of eight output channels, for the near and the far vector of tiles. Not an array: where a driver does not
    // unroll the loop that indexes one, the array lies in memory instead of registers.
    var near_0 = vec4<f32>();
    var near_1 = vec4<f32>();
    var near_2 = vec4<f32>();
    var near_3 = vec4<f32>();
    var near_4 = vec4<f32>();
    var near_5 = vec4<f32>();
    var near_6 = vec4<f32>();
    var near_7 = vec4<f32>();
    var far_0 = vec4<f32>();
    var far_1 = vec4<f32>();
    var far_2 = vec4<f32>();
    var far_3 = vec4<f32>();
    var far_4 = vec4<f32>();
    var far_5 = vec4<f32>();
    var far_6 = vec4<f32>();
    var far_7 = vec4<f32>();
    for (var first = 0u; first < params.channels_in; first += STEP) {
        for (var i = lane; i < STEP * BLOCK_OUT; i += 64u) {
            let channel = first + i / BLOCK_OUT;
            let out = first_out + i % BLOCK_OUT;
            weight_block[i] = vec4<Real>();
            if (channel < params.channels_in && out < params.channels_out_vec4) {
                weight_block[i] = weights[(first_row + channel) * params.channels_out_vec4 + out];
            }
        }
        for (var i = lane; i < STEP * BLOCK_TILES; i += 64u) {
            let channel = first + i / BLOCK_TILES;
            let tile = first_tile + i % BLOCK_TILES;
            tile_block[i] = vec4<Real>();
            if (channel < params.channels_in && tile < params.tiles_vec4) {
                tile_block[i] = input_tiles[(first_row + channel) * params.tiles_vec4 + tile];
            }
        }
        workgroupBarrier();
        for (var c = 0u; c < STEP; c++) {
            let low = vec4<f32>(weight_block[c * BLOCK_OUT + lane_out]);
            let high = vec4<f32>(weight_block[c * BLOCK_OUT + lane_out + 1u]);
            let near = vec4<f32>(tile_block[c * BLOCK_TILES + lane_tile]);
            let far = vec4<f32>(tile_block[c * BLOCK_TILES + LANES_ACROSS + lane_tile]);
            near_0 += low.x * near;
            near_1 += low.y * near;
            near_2 += low.z * near;
            near_3 += low.w * near;
            near_4 += high.x * near;
            near_5 += high.y * near;
            near_6 += high.z * near;
            near_7 += high.w * near;
            far_0 += low.x * far;
            far_1 += low.y * far;
            far_2 += low.z * far;
            far_3 += low.w * far;
            far_4 += high.x * far;
            far_5 += high.y * far;
            far_6 += high.z * far;
            far_7 += high.w * far;
        }
        workgroupBarrier();
    }
    let channel = 4u * (first_out + lane_out);
    let tile = first_tile + lane_tile;
    store(channel, point, tile, near_0, far_0);
    store(channel + 1u, point, tile, near_1, far_1);
    store(channel + 2u, point, tile, near_2, far_2);
    store(channel + 3u, point, tile, near_3, far_3);
    store(channel + 4u, point, tile, near_4, far_4);
    store(channel + 5u, point, tile, near_5, far_5);
    store(channel + 6u, point, tile, near_6, far_6);
    store(channel + 7u, point, tile, near_7, far_7);
}
