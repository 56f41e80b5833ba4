//! Rules about the source that the compiler does not check. None of these tests needs a GPU.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod imports;
mod names;
mod shaders;
mod sizes;
mod source;
mod stages;
