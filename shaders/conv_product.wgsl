// 36 matrix products, one a point of the transformed tiles: weights `[channels_in, channels_out]` times tiles
// `[channels_in, tiles]`, all in fours. `seen` is `[36, channels_in, tiles]`, `made` is `[36, channels_out, tiles]`.
//
// A workgroup of 64 makes a block of 8 x lanes_down channels by 512 / lanes_down tiles, each invocation 8 by 8 of it in
// registers: 16 numbers read from workgroup memory for 64 products. Eight channels_in at a time are brought there by
// contiguous reads of 16 bytes. In the inner loop the invocations of a row read the same weights, a broadcast, and
// neighbouring tiles, 16 bytes each, which falls on all banks in turn. About 96 registers and at most 10 KiB leave room
// for ten workgroups on a processor of today's GPUs; the loads of one hide behind the products of the others.

struct Params {
    channels_in: u32,
    // In fours.
    channels_out: u32,
    tiles: u32,
    // Blocks of channels_out.
    blocks: u32,
    // Of the invocations, how many lie beside each other over channels_out: 2, 4 or 8.
    lanes_down: u32,
    // Results that exist.
    rows: u32,
    pad0: u32,
    pad1: u32,
}

const STEP = 8u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> weights: array<vec4<Real>>;
@group(0) @binding(2) var<storage, read> seen: array<vec4<Real>>;
@group(0) @binding(3) var<storage, read_write> made: array<vec4<f32>>;

var<workgroup> weights_near: array<vec4<Real>, STEP * 16u>;
var<workgroup> seen_near: array<vec4<Real>, STEP * 64u>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let lanes_across = 64u / params.lanes_down;
    let block_out = 2u * params.lanes_down;
    let block_tiles = 2u * lanes_across;
    let lane_out = 2u * (lane / lanes_across);
    let lane_tile = lane % lanes_across;
    let first_out = group.y % params.blocks * block_out;
    let first_tile = group.x * block_tiles;
    let point = group.y / params.blocks * params.channels_in;
    var sums: array<vec4<f32>, 16>;
    for (var first = 0u; first < params.channels_in; first += STEP) {
        for (var i = lane; i < STEP * block_out; i += 64u) {
            let c = first + i / block_out;
            let out = first_out + i % block_out;
            weights_near[i] = vec4<Real>();
            if (c < params.channels_in && out < params.channels_out) {
                weights_near[i] = weights[(point + c) * params.channels_out + out];
            }
        }
        for (var i = lane; i < STEP * block_tiles; i += 64u) {
            let c = first + i / block_tiles;
            let tile = first_tile + i % block_tiles;
            seen_near[i] = vec4<Real>();
            if (c < params.channels_in && tile < params.tiles) {
                seen_near[i] = seen[(point + c) * params.tiles + tile];
            }
        }
        workgroupBarrier();
        for (var c = 0u; c < STEP; c++) {
            let u = vec4<f32>(weights_near[c * block_out + lane_out]);
            let w = vec4<f32>(weights_near[c * block_out + lane_out + 1u]);
            let a = vec4<f32>(seen_near[c * block_tiles + lane_tile]);
            let b = vec4<f32>(seen_near[c * block_tiles + lanes_across + lane_tile]);
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
        let row = 4u * (first_out + lane_out) + r;
        if (row < params.rows) {
            let at = (group.y / params.blocks * params.rows + row) * params.tiles;
            let tile = first_tile + lane_tile;
            if (tile < params.tiles) {
                made[at + tile] = sums[r];
            }
            if (tile + lanes_across < params.tiles) {
                made[at + tile + lanes_across] = sums[8u + r];
            }
        }
    }
}
