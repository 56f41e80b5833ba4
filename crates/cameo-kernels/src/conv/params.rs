//! What all convolutions take: their input, their shape, and what is done to their results.

/// The feature maps that a convolution reads, concatenated along their channels: each `[channels, height, width]`.
pub struct ConvInput<'a> {
    pub maps: &'a [&'a [f32]],
    pub height: usize,
    pub width: usize,
}

impl ConvInput<'_> {
    /// The channels of all maps, each `[height, width]`.
    pub(crate) fn planes(&self) -> Vec<&[f32]> {
        self.maps.iter().flat_map(|map| map.chunks_exact(self.height * self.width)).collect()
    }
}

/// The shape of a convolution. Kernel, stride and dilation are the same down and across.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConvShape {
    /// Side of the kernel.
    pub kernel: usize,
    pub stride: usize,
    pub dilation: usize,
    /// Rows and columns of zeros around the input: top, left, bottom, right.
    pub padding: [usize; 4],
}

impl ConvShape {
    /// Height and width of the result for an input of that height and width.
    pub fn output_size(&self, [height, width]: [usize; 2]) -> [usize; 2] {
        let [top, left, bottom, right] = self.padding;
        let extent = self.dilation * (self.kernel - 1) + 1;
        [height + top + bottom, width + left + right].map(|padded| (padded - extent) / self.stride + 1)
    }
}

/// How a convolution is computed from its input and weights.
#[derive(Clone, Copy)]
pub struct ConvParams<'a> {
    pub shape: ConvShape,
    pub epilogue: Epilogue<'a, [f32]>,
}

/// A function that is applied to each result of a convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    None,
    Relu,
    /// `x * min(max(x + 3, 0), 6) / 6` (Howard et al. 2019, "Searching for MobileNetV3").
    HardSwish,
    Sigmoid,
}

impl Activation {
    #[inline(always)]
    pub(crate) fn apply(self, values: &mut [f32]) {
        match self {
            Self::None => {}
            Self::Relu => values.iter_mut().for_each(|value| *value = value.max(0.0)),
            Self::HardSwish => {
                values.iter_mut().for_each(|value| *value *= (*value + 3.0).clamp(0.0, 6.0) * (1.0 / 6.0));
            }
            Self::Sigmoid => values.iter_mut().for_each(|value| *value = 1.0 / (1.0 + (-*value).exp())),
        }
    }
}

/// What is applied to the results of a convolution before they are written: the activation, then the residual is added.
pub struct Epilogue<'a, F: ?Sized> {
    pub activation: Activation,
    /// Of the shape of the result.
    pub residual: Option<&'a F>,
}

impl<F: ?Sized> Epilogue<'_, F> {
    pub const NONE: Self = Self::new(Activation::None);
    pub const RELU: Self = Self::new(Activation::Relu);

    /// An epilogue without a residual.
    pub const fn new(activation: Activation) -> Self {
        Self { activation, residual: None }
    }
}

impl Epilogue<'_, [f32]> {
    /// Applies it to `values`, which begin at index `start` of the whole result.
    #[inline(always)]
    pub(crate) fn apply(&self, values: &mut [f32], start: usize) {
        self.activation.apply(values);
        if let Some(residual) = self.residual {
            values.iter_mut().zip(&residual[start..]).for_each(|(value, residual)| *value += residual);
        }
    }
}

// Derived, they would ask the same of `F`.
impl<F: ?Sized> Clone for Epilogue<'_, F> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<F: ?Sized> Copy for Epilogue<'_, F> {}
