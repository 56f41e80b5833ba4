//! Memory that convolutions use again: fresh from the system it would cost them a tenth of their time.

use std::cell::RefCell;

use crate::kernel::ROWS;
use crate::tiles::Lines;
use crate::transform::Lanes;

/// What the convolutions of a network work in, one after another.
#[derive(Debug, Default)]
pub struct Workspace {
    /// Tiles that are seen, transformed.
    pub(crate) seen: Vec<Lanes>,
    /// Weights, transformed.
    pub(crate) panels: Vec<[f32; ROWS]>,
}

/// What a thread works in; it keeps it, a few megabytes, for as long as it lives.
#[derive(Default)]
pub struct Scratch {
    pub lines: Lines,
    pub seen: Vec<Lanes>,
    pub made: Vec<Lanes>,
    pub panels: Vec<[f32; ROWS]>,
    pub results: Vec<f32>,
}

thread_local! {
    static SCRATCH: RefCell<Box<Scratch>> = RefCell::default();
}

impl Scratch {
    /// This thread's.
    pub fn with(work: impl FnOnce(&mut Self)) {
        SCRATCH.with_borrow_mut(|scratch| work(scratch));
    }
}

/// The first `count` of `held`, which grows to as many; what they hold is nonsense.
pub fn room<T: Copy>(held: &mut Vec<T>, count: usize, any: T) -> &mut [T] {
    if held.len() < count {
        // Nothing of it is copied.
        *held = Vec::new();
        *held = vec![any; count];
    }
    &mut held[..count]
}
