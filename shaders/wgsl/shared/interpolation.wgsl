// Interpolation between the samples of small planes, and smooth ramps.

// Maps `position` on an axis of `length` units onto `samples` samples with half-pixel centres. Returns the first of the
// two samples to interpolate between, and the weight of the second.
fn bilinear_tap(position: f32, length: f32, samples: f32) -> vec2<f32> {
    let centre = clamp(position * (samples / length) - 0.5, 0.0, samples - 1.0);
    let first = min(floor(centre), max(samples - 2.0, 0.0));
    return vec2<f32>(first, centre - first);
}

// Rises smoothly from 0 at `ramp.x` to 1 at `ramp.y` (Hermite interpolation).
fn smooth_ramp(x: f32, ramp: vec2<f32>) -> f32 {
    let t = clamp((x - ramp.x) / (ramp.y - ramp.x), 0.0, 1.0);
    return t * t * (3.0 - 2.0 * t);
}
