// Stores the results of a convolution. Expects the bindings `bias`, `residual` and `output`, and the parameters
// `channels_out`, `activation` and `has_residual`.

// Adds the bias, applies the epilogue and stores the result of pixel `pixel`, of `pixels`, in a channel, if there is one.
fn store(sum: f32, channel: u32, pixel: u32, pixels: u32) {
    if (channel >= params.channels_out) {
        return;
    }
    let at = channel * pixels + pixel;
    var value = activate(sum + bias[channel], params.activation);
    if (params.has_residual != 0u) {
        value += residual[at];
    }
    output[at] = value;
}
