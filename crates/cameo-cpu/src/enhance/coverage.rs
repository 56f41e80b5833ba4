//! Alpha along whole rows: rows that are clear or opaque take shorter paths to the same result.

use multiversion::multiversion;

/// The alpha of all pixels of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Coverage {
    /// 0 everywhere.
    #[default]
    Clear,
    /// 1 everywhere.
    Opaque,
    /// Anything else.
    Soft,
}

impl Coverage {
    fn new(clear: bool, opaque: bool) -> Self {
        match (clear, opaque) {
            (true, _) => Coverage::Clear,
            (_, true) => Coverage::Opaque,
            _ => Coverage::Soft,
        }
    }

    /// Returns the coverage of several rows together.
    pub fn and(self, other: Self) -> Self {
        if self == other { self } else { Coverage::Soft }
    }
}

/// Returns the coverage of a row of `pixels`, by its `matte` if there is one.
#[multiversion(targets("x86_64+avx2"))]
pub fn row_coverage(pixels: &[[u8; 4]], matte: Option<&[f32]>) -> Coverage {
    match matte {
        Some(matte) => {
            let (clear, opaque) = matte
                .iter()
                .fold((true, true), |(clear, opaque), &alpha| (clear & (alpha == 0.0), opaque & (alpha == 1.0)));
            Coverage::new(clear, opaque)
        }
        None => {
            let (any, all) = pixels.iter().fold((0, 255), |(any, all), pixel| (any | pixel[3], all & pixel[3]));
            Coverage::new(any == 0, all == 255)
        }
    }
}
