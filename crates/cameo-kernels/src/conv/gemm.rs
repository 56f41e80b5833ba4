//! The innermost step of all convolutions but the depthwise ones: a small matrix product in registers.

use multiversion::target::Target;

/// Columns of a product: pixels or tiles beside each other, in one or several of the processor's vectors.
pub const LANES: usize = 16;

pub type Lanes = [f32; LANES];

/// Rows of a product: output channels that are computed together.
pub const BLOCK: usize = 6;

/// The weights of a block of output channels for one input channel.
pub type PanelColumn = [f32; BLOCK];

/// Returns whether the processor that `target` stands for has a fused multiply-add; without one, `mul_add` is a slow
/// call.
pub const fn has_fma(target: &Target) -> bool {
    cfg!(target_arch = "aarch64") || (cfg!(target_arch = "x86_64") && target.supports_feature_str("fma"))
}

/// Multiplies a panel of weights by `values`: `products[r] = sum over c of panel[c][r] * values[c]`.
#[inline(always)]
pub fn gemm<const FMA: bool>(values: &[Lanes], panel: &[PanelColumn], products: &mut [Lanes]) {
    let products: &mut [Lanes; BLOCK] = products.first_chunk_mut().expect("the products of a block fit");
    // Sums that nothing borrows stay in registers from the first to the last.
    let mut sums = [[0.0; LANES]; BLOCK];
    for (values, weights) in values.iter().zip(panel) {
        for r in 0..BLOCK {
            for n in 0..LANES {
                sums[r][n] =
                    if FMA { weights[r].mul_add(values[n], sums[r][n]) } else { weights[r] * values[n] + sums[r][n] };
            }
        }
    }
    *products = sums;
}
