//! What the layers of the matting networks are computed by: burn's own operations, or faster ones of the engine.

mod burn;
mod host;

use ::burn::nn::conv::Conv2d;

pub use self::burn::{Burn, resize_to};
pub use host::{Host, Planes};

/// Computes layers. Its stacks are planes of one height and width, f32, as `[channels, height, width]`.
pub trait Ops {
    type Stack: Clone;

    /// Height and width.
    fn size(&self, stack: &Self::Stack) -> [usize; 2];

    /// The convolution of `parts`, concatenated along their channels.
    ///
    /// # Errors
    /// This and all others: what the device says, in a sentence.
    fn convolve(
        &self,
        conv: &Conv2d,
        parts: &[&Self::Stack],
        finish: Finish<'_, Self::Stack>,
    ) -> Result<Self::Stack, String>;

    /// 2x2 maximum with stride 2; an odd row or column at the end counts as a whole cell.
    fn halve(&self, stack: &Self::Stack) -> Result<Self::Stack, String>;

    /// Bilinear with half-pixel centres to height and width; as it is where it has that size.
    fn resize(&self, stack: Self::Stack, size: [usize; 2]) -> Result<Self::Stack, String>;

    fn sigmoid(&self, stack: Self::Stack) -> Result<Self::Stack, String>;
}

/// What becomes of the results of a convolution.
pub struct Finish<'a, S> {
    pub relu: bool,
    /// Added after that.
    pub plus: Option<&'a S>,
}

impl<S> Finish<'_, S> {
    /// Left as they are.
    pub const NONE: Self = Self { relu: false, plus: None };
    pub const RELU: Self = Self { relu: true, plus: None };
}
