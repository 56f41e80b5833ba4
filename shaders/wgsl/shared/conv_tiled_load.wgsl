// Loads inputs and weights into workgroup memory. Part of conv_tiled, whose bindings, parameters and workgroup memory it
// uses.

// Loads STEP channels of the patch whose first pixel is `origin`.
fn load_patch(first_channel: u32, origin: vec2<u32>, invocation: u32) {
    for (var i = invocation; i < STEP / 4u * PATCH * PATCH; i += 256u) {
        let cell = vec2<u32>(i % PATCH, i / PATCH % PATCH);
        // Before the first row or column this wraps around to a number past the last one, where the padding is zero as
        // well.
        let pixel = origin + params.dilation * cell - params.dilation;
        var quad = vec4<f32>();
        if (pixel.x < params.width && pixel.y < params.height) {
            let first_size = vec2<u32>(params.first_width, params.first_height);
            let second_size = vec2<u32>(params.second_width, params.second_height);
            let a = taps_at(pixel, params.first_sampling, first_size.x, first_size.y, params.first_scale);
            let b = taps_at(pixel, params.second_sampling, second_size.x, second_size.y, params.second_scale);
            let channel = first_channel + 4u * (i / (PATCH * PATCH));
            quad = vec4<f32>(
                input_at(channel, a, b),
                input_at(channel + 1u, a, b),
                input_at(channel + 2u, a, b),
                input_at(channel + 3u, a, b),
            );
        }
        patch_block[i] = quad;
    }
}

fn weight_at(channel_out: u32, channel: u32, tap: u32) -> f32 {
    if (channel_out < params.channels_out && channel < params.channels_in) {
        return weights[(channel_out * params.channels_in + channel) * 9u + tap];
    }
    return 0.0;
}

fn load_weights(first_channel: u32, first_out: u32, invocation: u32) {
    for (var i = invocation; i < STEP * 9u * BLOCK_OUT / 4u; i += 256u) {
        // Neighbours in the workgroup are neighbours in the weights.
        let row = i % (STEP * 9u);
        let quad_out = i / (STEP * 9u);
        let channel_out = first_out + 4u * quad_out;
        let channel = first_channel + row / 9u;
        let tap = row % 9u;
        weight_block[row * (BLOCK_OUT / 4u) + quad_out] = vec4<f32>(
            weight_at(channel_out, channel, tap),
            weight_at(channel_out + 1u, channel, tap),
            weight_at(channel_out + 2u, channel, tap),
            weight_at(channel_out + 3u, channel, tap),
        );
    }
}
