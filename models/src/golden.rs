//! The pictures on which engines test themselves. `cargo xtask golden` writes them.

use crate::manifest::Network;

/// A portrait of 320x320 pixels (PNG), for engines to test themselves on.
pub const SELF_TEST_PORTRAIT: &[u8] = include_bytes!("../selftest/portrait.png");

/// What the original of a network computes from a part of [`SELF_TEST_PORTRAIT`].
#[derive(Debug, Clone, Copy)]
pub struct Golden {
    /// The first column of the part. The part starts at the first row, and has the golden's size.
    pub left: u32,
    /// The network's output in 0..1, by onnxruntime or MediaPipe, as 16-bit grey PNG.
    pub png: &'static [u8],
}

impl Golden {
    /// Returns the golden of `network`.
    ///
    /// That of IS-Net has 256 pixels a side instead of 1024. The network is fully convolutional, so every layer and every
    /// weight is the same, and a software adapter runs it in seconds instead of minutes.
    pub const fn of(network: Network) -> Self {
        match network {
            Network::IsNet => Self { left: 32, png: include_bytes!("../selftest/isnet_256.png") },
            Network::U2NetP => Self { left: 0, png: include_bytes!("../selftest/u2netp_matte.png") },
            Network::Selfie => Self { left: 32, png: include_bytes!("../selftest/selfie_256.png") },
        }
    }
}
