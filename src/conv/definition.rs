//! What a convolution is defined as, for the tests to compare with.

/// How it is convolved.
#[derive(Clone, Copy)]
pub struct Steps {
    pub stride: usize,
    pub dilation: usize,
}

/// The convolution of `x`, `[_, height, width]`, by square kernels of odd side, padded by zeros so that stride 1 keeps
/// the size.
pub fn convolution(x: &[f32], [height, width]: [usize; 2], weights: &[f32], bias: &[f32], steps: Steps) -> Vec<f32> {
    let Steps { stride, dilation } = steps;
    let channels = x.len() / (height * width);
    let side = (weights.len() / (channels * bias.len())).isqrt();
    let reach = side / 2 * dilation;
    let at = |c: usize, y: usize, x_at: usize| {
        let (y, x_at) = (y.wrapping_sub(reach), x_at.wrapping_sub(reach));
        if y < height && x_at < width { x[(c * height + y) * width + x_at] as f64 } else { 0.0 }
    };
    let mut out = Vec::new();
    for (weights, bias) in weights.chunks_exact(channels * side * side).zip(bias) {
        for y in (0..height).step_by(stride) {
            for x_at in (0..width).step_by(stride) {
                let tap = |(k, weight): (usize, &f32)| {
                    let (ky, kx) = (k / side % side * dilation, k % side * dilation);
                    *weight as f64 * at(k / (side * side), y + ky, x_at + kx)
                };
                out.push(weights.iter().enumerate().map(tap).sum::<f64>() as f32 + bias);
            }
        }
    }
    out
}

/// Numbers from -0.5 to 0.5 in no order, the same for the same seed.
pub fn numbers(count: usize, seed: usize) -> Vec<f32> {
    (0..count).map(|i| (((i + seed) * 7919) % 1009) as f32 / 1009.0 - 0.5).collect()
}
