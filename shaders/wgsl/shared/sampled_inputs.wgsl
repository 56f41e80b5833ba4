// Reads the inputs of a convolution, pooled or resized. Expects the bindings `first` and `second`, `[channels, height,
// width]`, and the parameters `channels_in`, `first_channels`, and width, height, sampling and scale of each input.

// Numbers of the samplings; any other number reads the input as it is.
const MAX_POOL2 = 1u;
const BILINEAR = 2u;

// The pixels that a sample is computed of, as offsets into a channel, and the weights of the farther ones.
struct Taps {
    near_above: u32,
    far_above: u32,
    near_below: u32,
    far_below: u32,
    fraction: vec2<f32>,
}

fn taps_at(pixel: vec2<u32>, sampling: u32, width: u32, height: u32, scale: vec2<f32>) -> Taps {
    let last = vec2<u32>(width - 1u, height - 1u);
    var near = pixel;
    var far = pixel;
    var fraction = vec2<f32>();
    switch sampling {
        case MAX_POOL2: {
            near = 2u * pixel;
            far = min(near + 1u, last);
        }
        case BILINEAR: {
            let centre = clamp((vec2<f32>(pixel) + 0.5) * scale - 0.5, vec2<f32>(), vec2<f32>(last));
            near = vec2<u32>(floor(centre));
            far = min(near + 1u, last);
            fraction = centre - floor(centre);
        }
        default: {}
    }
    return Taps(
        near.y * width + near.x,
        near.y * width + far.x,
        far.y * width + near.x,
        far.y * width + far.x,
        fraction,
    );
}

// Combines the values of the four pixels of `Taps`: near and far above, near and far below.
fn sampled(values: vec4<f32>, sampling: u32, fraction: vec2<f32>) -> f32 {
    switch sampling {
        case MAX_POOL2: {
            return max(max(values.x, values.y), max(values.z, values.w));
        }
        case BILINEAR: {
            let above = values.x + (values.y - values.x) * fraction.x;
            let below = values.z + (values.w - values.z) * fraction.x;
            return above + (below - above) * fraction.y;
        }
        default: {
            return values.x;
        }
    }
}

fn first_at(channel: u32, taps: Taps) -> f32 {
    let plane = channel * params.first_width * params.first_height;
    let near = first[plane + taps.near_above];
    if (params.first_sampling == 0u) {
        return near;
    }
    let values = vec4<f32>(
        near,
        first[plane + taps.far_above],
        first[plane + taps.near_below],
        first[plane + taps.far_below],
    );
    return sampled(values, params.first_sampling, taps.fraction);
}

fn second_at(channel: u32, taps: Taps) -> f32 {
    let plane = channel * params.second_width * params.second_height;
    let near = second[plane + taps.near_above];
    if (params.second_sampling == 0u) {
        return near;
    }
    let values = vec4<f32>(
        near,
        second[plane + taps.far_above],
        second[plane + taps.near_below],
        second[plane + taps.far_below],
    );
    return sampled(values, params.second_sampling, taps.fraction);
}

fn input_at(channel: u32, first_taps: Taps, second_taps: Taps) -> f32 {
    if (channel < params.first_channels) {
        return first_at(channel, first_taps);
    }
    if (channel < params.channels_in) {
        return second_at(channel - params.first_channels, second_taps);
    }
    return 0.0;
}
