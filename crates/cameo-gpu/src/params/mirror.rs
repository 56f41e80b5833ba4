//! Rust structs that mirror the parameters of shaders.

/// A struct that mirrors the parameters of a shader. Its fields are documented in the shader.
pub trait Mirror: bytemuck::Pod {
    const SIZE: usize;
    /// `(field, byte offset)`
    const FIELDS: &'static [(&'static str, usize)];
}

/// Defines a struct that mirrors the `Params` of a shader, with its layout for the test that compares the two.
macro_rules! params {
    ($name:ident { $($field:ident: $kind:ty),* $(,)? }) => {
        #[repr(C)]
        #[derive(Debug, Clone, Copy, Default, bytemuck::Pod, bytemuck::Zeroable)]
        pub struct $name {
            $(pub $field: $kind),*
        }

        impl Mirror for $name {
            const SIZE: usize = size_of::<Self>();
            const FIELDS: &'static [(&'static str, usize)] =
                &[$((stringify!($field), std::mem::offset_of!(Self, $field))),*];
        }
    };
}
