//! Which part of a photo the networks look at.

mod bars;
mod search;

pub use bars::scene;
pub use search::find_person;
