// Multiplies transformed weights by transformed tiles: 36 matrix products, one for each point of a tile.
//
// A workgroup of 64 invocations computes a block of 8 * lanes_down channels by 512 / lanes_down tiles; each invocation
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
    // How the invocations of a workgroup divide a block: 2, 4 or 8 of them over the channels, the others over the tiles.
    lanes_down: u32,
    // Output channels without the padding of the weights.
    channels_out: u32,
}

// Input channels that are loaded at a time.
const STEP = 8u;

var<immediate> params: Params;
// `[36, channels_in, channels_out_vec4]`
@group(0) @binding(0) var<storage, read> weights: array<vec4<Real>>;
// `[36, channels_in, tiles_vec4]`
@group(0) @binding(1) var<storage, read> input_tiles: array<vec4<Real>>;
// `[36, channels_out, tiles_vec4]`
@group(0) @binding(2) var<storage, read_write> products: array<vec4<f32>>;

var<workgroup> weight_block: array<vec4<Real>, STEP * 16u>;
var<workgroup> tile_block: array<vec4<Real>, STEP * 64u>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let lanes_across = 64u / params.lanes_down;
    let block_out = 2u * params.lanes_down;
    let block_tiles = 2u * lanes_across;
    let lane_out = 2u * (lane / lanes_across);
    let lane_tile = lane % lanes_across;
    let first_out = group.y % params.channel_blocks * block_out;
    let first_tile = group.x * block_tiles;
    let point = group.y / params.channel_blocks;
    let first_row = point * params.channels_in;
    var sums: array<vec4<f32>, 16>;
    for (var first = 0u; first < params.channels_in; first += STEP) {
        for (var i = lane; i < STEP * block_out; i += 64u) {
            let channel = first + i / block_out;
            let out = first_out + i % block_out;
            weight_block[i] = vec4<Real>();
            if (channel < params.channels_in && out < params.channels_out_vec4) {
                weight_block[i] = weights[(first_row + channel) * params.channels_out_vec4 + out];
            }
        }
        for (var i = lane; i < STEP * block_tiles; i += 64u) {
            let channel = first + i / block_tiles;
            let tile = first_tile + i % block_tiles;
            tile_block[i] = vec4<Real>();
            if (channel < params.channels_in && tile < params.tiles_vec4) {
                tile_block[i] = input_tiles[(first_row + channel) * params.tiles_vec4 + tile];
            }
        }
        workgroupBarrier();
        for (var c = 0u; c < STEP; c++) {
            let u = vec4<f32>(weight_block[c * block_out + lane_out]);
            let w = vec4<f32>(weight_block[c * block_out + lane_out + 1u]);
            let a = vec4<f32>(tile_block[c * block_tiles + lane_tile]);
            let b = vec4<f32>(tile_block[c * block_tiles + lanes_across + lane_tile]);
            sums[0] += u.x * a;
            sums[1] += u.y * a;
            sums[2] += u.z * a;
            sums[3] += u.w * a;
            sums[4] += w.x * a;
            sums[5] += w.y * a;
            sums[6] += w.z * a;
            sums[7] += w.w * a;
            sums[8] += u.x * b;
            sums[9] += u.y * b;
            sums[10] += u.z * b;
            sums[11] += u.w * b;
            sums[12] += w.x * b;
            sums[13] += w.y * b;
            sums[14] += w.z * b;
            sums[15] += w.w * b;
        }
        workgroupBarrier();
    }
    for (var r = 0u; r < 8u; r++) {
        let channel = 4u * (first_out + lane_out) + r;
        if (channel < params.channels_out) {
            let row = (point * params.channels_out + channel) * params.tiles_vec4;
            let tile = first_tile + lane_tile;
            if (tile < params.tiles_vec4) {
                products[row + tile] = sums[r];
            }
            if (tile + lanes_across < params.tiles_vec4) {
                products[row + tile + lanes_across] = sums[8u + r];
            }
        }
    }
}
