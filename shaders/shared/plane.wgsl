// Small square planes.

// Sample `i` of `count` over a length of `to` samples: the first of the two it lies between, and its share of the other.
fn between(i: f32, count: f32, to: f32) -> vec2<f32> {
    let centre = clamp(i * (to / count) - 0.5, 0.0, to - 1.0);
    let low = min(floor(centre), max(to - 2.0, 0.0));
    return vec2<f32>(low, centre - low);
}

// Smooth from 0 at `ramp.x` to 1 at `ramp.y` (Hermite).
fn smooth_ramp(x: f32, ramp: vec2<f32>) -> f32 {
    let t = clamp((x - ramp.x) / (ramp.y - ramp.x), 0.0, 1.0);
    return t * t * (3.0 - 2.0 * t);
}
