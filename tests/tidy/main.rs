//! Rules about the source that the compiler does not check. None of these tests needs a GPU.

mod imports;
mod names;
mod shaders;
mod sizes;
mod source;
mod stages;
