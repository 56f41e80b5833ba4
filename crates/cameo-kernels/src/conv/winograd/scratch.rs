//! Memory that convolutions use again: to get it from the system each time would cost a tenth of their time.

use std::cell::RefCell;

use crate::conv::gemm::{Lanes, PanelColumn};
use crate::conv::winograd::rows::RowBuffers;

/// What the convolutions of a network share, one after another.
#[derive(Debug, Default)]
pub struct Workspace {
    /// Transformed tiles of the input.
    pub(crate) tiles: Vec<Lanes>,
    /// Transformed weights.
    pub(crate) panels: Vec<PanelColumn>,
}

/// What one thread uses. It keeps a few megabytes for as long as it lives.
#[derive(Default)]
pub struct Scratch {
    pub rows: RowBuffers,
    /// Transformed tiles of the input.
    pub tiles: Vec<Lanes>,
    /// Products of tiles and weights.
    pub products: Vec<Lanes>,
    /// Transformed weights.
    pub panels: Vec<PanelColumn>,
    pub results: Vec<f32>,
}

thread_local! {
    static SCRATCH: RefCell<Box<Scratch>> = RefCell::default();
}

impl Scratch {
    /// Runs `work`, which must not wait for other rayon jobs, with the scratch of this thread.
    pub fn with(work: impl FnOnce(&mut Self)) {
        SCRATCH.with_borrow_mut(|scratch| work(scratch));
    }
}

/// Returns the first `len` elements of `buffer`, which grows to that length. Their values are meaningless.
pub fn sized<T: Copy>(buffer: &mut Vec<T>, len: usize, fill: T) -> &mut [T] {
    if buffer.len() < len {
        // Dropped first, so that nothing is copied.
        *buffer = Vec::new();
        *buffer = vec![fill; len];
    }
    &mut buffer[..len]
}
