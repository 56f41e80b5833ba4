//! The layers that are not convolutions. Feature maps are `[channels, height, width]`.

mod bilinear;
mod channels;
mod pool;

pub use bilinear::resize_bilinear;
pub use channels::{add, pixel_shuffle2, scale_channels, sigmoid};
pub use pool::{channel_means, max_pool2};
