//! The parameters of the kernels that compute the layers of the networks.

use super::mirror::Mirror;

params!(WinogradWeights { channels_in: u32, channels_out: u32, padded_out: u32 });
params!(WinogradInput {
    width: u32,
    height: u32,
    dilation: u32,
    tiles_across: u32,
    tiles_down: u32,
    first_tile: u32,
    tile_count: u32,
    tile_stride: u32,
    channels_in: u32,
    first_channels: u32,
});
params!(WinogradGemm {
    channels_in: u32,
    channels_out_vec4: u32,
    tiles_vec4: u32,
    channel_blocks: u32,
    channels_out: u32,
});
params!(WinogradOutput {
    width: u32,
    height: u32,
    dilation: u32,
    tiles_across: u32,
    tiles_down: u32,
    first_tile: u32,
    tile_count: u32,
    tile_stride: u32,
    channels_out: u32,
    activation: u32,
    has_residual: u32,
});
params!(ConvTiled {
    width: u32,
    height: u32,
    dilation: u32,
    tiles_across: u32,
    tiles_down: u32,
    channels_in: u32,
    channels_out: u32,
    activation: u32,
    has_residual: u32,
    first_channels: u32,
    first_width: u32,
    first_height: u32,
    first_sampling: u32,
    second_width: u32,
    second_height: u32,
    second_sampling: u32,
    first_scale: [f32; 2],
    second_scale: [f32; 2],
});
params!(ConvDirect {
    width: u32,
    height: u32,
    out_width: u32,
    out_height: u32,
    channels_in: u32,
    channels_out: u32,
    kernel: u32,
    stride: u32,
    dilation: u32,
    pad_left: u32,
    pad_top: u32,
    activation: u32,
    has_residual: u32,
});
params!(ConvDepthwise {
    width: u32,
    height: u32,
    out_width: u32,
    out_height: u32,
    kernel: u32,
    stride: u32,
    dilation: u32,
    pad_left: u32,
    pad_top: u32,
    activation: u32,
    has_residual: u32,
});
params!(MaxPool2 { width: u32, height: u32, out_width: u32, out_height: u32 });
params!(ResizeBilinear {
    width: u32,
    height: u32,
    out_width: u32,
    out_height: u32,
    scale: [f32; 2],
    pad0: u32,
    pad1: u32,
});
params!(Sigmoid { count: u32 });
params!(ChannelMeans { pixels: u32 });
params!(ChannelScale { pixels: u32, has_addend: u32 });
params!(Add { count: u32 });
params!(PixelShuffle2 { width: u32, height: u32 });
