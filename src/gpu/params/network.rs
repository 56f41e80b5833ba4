//! Of the shaders that compute a network's layers.

use super::Mirror;

params!(ConvWeights { channels_in: u32, channels_out: u32, padded: u32, pad: u32 });
params!(ConvForth {
    width: u32,
    height: u32,
    dilation: u32,
    across: u32,
    down: u32,
    first_tile: u32,
    tiles: u32,
    stride: u32,
    channels: u32,
    first_channel: u32,
    pad0: u32,
    pad1: u32,
});
params!(ConvProduct {
    channels_in: u32,
    channels_out: u32,
    tiles: u32,
    blocks: u32,
    lanes_down: u32,
    rows: u32,
    pad0: u32,
    pad1: u32,
});
params!(ConvBack {
    width: u32,
    height: u32,
    dilation: u32,
    across: u32,
    down: u32,
    first_tile: u32,
    tiles: u32,
    stride: u32,
    channels: u32,
    least: f32,
    adds: u32,
    pad: u32,
});
params!(ConvDirect {
    width: u32,
    height: u32,
    out_width: u32,
    out_height: u32,
    channels_in: u32,
    side: u32,
    stride: u32,
    pad: u32,
});
params!(PlaneHalve { width: u32, height: u32, out_width: u32, out_height: u32 });
params!(PlaneResize {
    width: u32,
    height: u32,
    out_width: u32,
    out_height: u32,
    ratio: [f32; 2],
    pad0: u32,
    pad1: u32,
});
params!(PlaneSigmoid { count: u32, pad0: u32, pad1: u32, pad2: u32 });
