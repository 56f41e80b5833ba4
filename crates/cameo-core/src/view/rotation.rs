//! Rotations by quarter turns.

/// A clockwise rotation by a multiple of 90 degrees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotation {
    None,
    Quarter,
    Half,
    ThreeQuarters,
}

impl Rotation {
    /// Returns the number of quarter turns.
    pub fn quarter_turns(self) -> u32 {
        self as u32
    }

    /// Returns the rotation that undoes this one.
    pub fn inverse(self) -> Self {
        match self {
            Self::None => Self::None,
            Self::Quarter => Self::ThreeQuarters,
            Self::Half => Self::Half,
            Self::ThreeQuarters => Self::Quarter,
        }
    }
}
