//! What a result tells about its cut-out.

use serde::Serialize;
use utoipa::ToSchema;

use crate::tuning::MatteStats;

/// How far a cut-out can be trusted, and where its subject is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct CutoutReport {
    /// How uncertain the matte is, 0 to 1, rounded to thousandths: see [`MatteStats::uncertainty`].
    pub matte_uncertainty: f64,
    /// Whether a person was found and guided the matte.
    pub guided: bool,
    /// The subject's bounding box; `None` if there is no subject.
    pub foreground: Option<Foreground>,
}

impl CutoutReport {
    pub(super) fn new(stats: &MatteStats, foreground: Option<Foreground>) -> Self {
        Self {
            matte_uncertainty: (f64::from(stats.uncertainty()) * 1e3).round() / 1e3,
            guided: stats.person_present == 1,
            foreground,
        }
    }
}

/// The subject's bounding box in pixels of the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Foreground {
    pub left: u32,
    pub top: u32,
    pub width: u32,
    pub height: u32,
}

impl From<Foreground> for [u32; 4] {
    fn from(Foreground { left, top, width, height }: Foreground) -> Self {
        [left, top, width, height]
    }
}

impl From<[u32; 4]> for Foreground {
    fn from([left, top, width, height]: [u32; 4]) -> Self {
        Self { left, top, width, height }
    }
}
