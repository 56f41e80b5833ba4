//! The colour space that a PNG states without an ICC profile: by code points (cICP), or by gamma (gAMA) and primaries
//! (cHRM). PNG, third edition, section 4.3.

use moxcms::{Chromaticity, CicpProfile, ColorPrimaries, ColorProfile, MatrixCoefficients, ToneReprCurve, XyY};

use super::error::CodecError;

/// Gamma and primaries that differ from those of sRGB by less than this are those of sRGB: programs that mean sRGB write
/// rounded values, and libpng has the same tolerance for gamma.
const GAMMA_TOLERANCE: f32 = 0.05;
const PRIMARIES_TOLERANCE: f32 = 0.005;

/// The gamma that stands for sRGB: 1 / 2.2.
const SRGB_GAMMA: f32 = 0.45455;

/// The code points of sRGB: the primaries of BT.709, and its own transfer function.
const SRGB_CODE_POINTS: (u8, u8) = (1, 13);

/// The transfer functions of HDR: PQ and HLG.
const HDR_TRANSFERS: [u8; 2] = [16, 18];

/// White, red, green and blue of sRGB, as x and y.
const SRGB_PRIMARIES: [[f32; 2]; 4] = [[0.3127, 0.3290], [0.64, 0.33], [0.30, 0.60], [0.15, 0.06]];

/// What the profile that is made applies to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Channels {
    Grey,
    Rgb,
}

/// Returns the ICC profile of the colours that `info` describes: by cICP, else by `embedded`, the file's iCCP, else by
/// gAMA and cHRM. `None` for sRGB, and for a description that makes no sense.
///
/// # Errors
/// [`CodecError::Unsupported`] for HDR without a profile, which has no equal among ordinary pictures.
pub(super) fn profile_of_png(
    info: &png::Info<'_>,
    embedded: Option<Vec<u8>>,
    channels: Channels,
) -> Result<Option<Vec<u8>>, CodecError> {
    // Narrow-range samples would have to be stretched as well; no known program writes them.
    if let Some(points) = info.coding_independent_code_points.filter(|points| points.is_video_full_range_image) {
        if (points.color_primaries, points.transfer_function) == SRGB_CODE_POINTS {
            return Ok(None);
        }
        let is_hdr = HDR_TRANSFERS.contains(&points.transfer_function);
        match by_code_points(points, channels) {
            Some(icc) if !is_hdr => return Ok(Some(icc)),
            _ if is_hdr && embedded.is_none() => return Err(CodecError::Unsupported("PNG in HDR (PQ or HLG)".into())),
            _ => {}
        }
    }
    if embedded.is_some() || info.srgb.is_some() {
        return Ok(embedded);
    }
    let gamma = info.gama_chunk.map(png::ScaledFloat::into_value);
    let primaries = info
        .chrm_chunk
        .map(|chunk| [chunk.white, chunk.red, chunk.green, chunk.blue].map(|(x, y)| [x.into_value(), y.into_value()]));
    Ok(by_gamma(gamma, primaries, channels))
}

/// Returns the profile of code points of ITU-T H.273; `None` if they name no colours.
fn by_code_points(points: png::CodingIndependentCodePoints, channels: Channels) -> Option<Vec<u8>> {
    let points = CicpProfile {
        color_primaries: points.color_primaries.try_into().ok()?,
        transfer_characteristics: points.transfer_function.try_into().ok()?,
        matrix_coefficients: MatrixCoefficients::Identity,
        full_range: true,
    };
    ColorPrimaries::try_from(points.color_primaries).ok()?;
    ToneReprCurve::try_from(points.transfer_characteristics).ok()?;
    let mut profile = ColorProfile::new_srgb();
    // What it returns says nothing: moxcms 0.8.1 returns false after success as well.
    profile.update_rgb_colorimetry_from_cicp(points);
    encoded(profile, channels)
}

/// Returns the profile of a gamma and of white, red, green and blue; what is missing is that of sRGB.
fn by_gamma(gamma: Option<f32>, primaries: Option<[[f32; 2]; 4]>, channels: Channels) -> Option<Vec<u8>> {
    let gamma = gamma.filter(|gamma| (0.05..=5.0).contains(gamma) && (gamma - SRGB_GAMMA).abs() > GAMMA_TOLERANCE);
    let primaries = primaries.filter(|primaries| channels == Channels::Rgb && !is_srgb(primaries));
    if gamma.is_none() && primaries.is_none() {
        return None;
    }
    let mut profile = ColorProfile::new_srgb();
    if let Some([white, red, green, blue]) = primaries {
        if !are_primaries([white, red, green, blue]) {
            return None;
        }
        let point = |[x, y]: [f32; 2]| Chromaticity { x, y };
        let white = XyY { x: white[0].into(), y: white[1].into(), yb: 1.0 };
        let primaries = ColorPrimaries { red: point(red), green: point(green), blue: point(blue) };
        profile.update_rgb_colorimetry(white, primaries);
    }
    if let Some(gamma) = gamma {
        let curve = ToneReprCurve::Parametric(vec![1.0 / gamma]);
        profile.red_trc = Some(curve.clone());
        profile.green_trc = Some(curve.clone());
        profile.blue_trc = Some(curve);
    }
    encoded(profile, channels)
}

fn is_srgb(primaries: &[[f32; 2]; 4]) -> bool {
    let pairs = primaries.as_flattened().iter().zip(SRGB_PRIMARIES.as_flattened());
    pairs.into_iter().all(|(stated, srgb)| (stated - srgb).abs() < PRIMARIES_TOLERANCE)
}

/// Returns whether white is a light and the primaries span a triangle.
fn are_primaries([white, red, green, blue]: [[f32; 2]; 4]) -> bool {
    let area = (green[0] - red[0]) * (blue[1] - red[1]) - (green[1] - red[1]) * (blue[0] - red[0]);
    white[1] > 0.01 && [red, green, blue].iter().all(|point| point[1] > 0.0) && area.abs() > 0.001
}

/// Encodes an RGB profile, or the profile of greys that have its tone curve.
fn encoded(mut profile: ColorProfile, channels: Channels) -> Option<Vec<u8>> {
    // The curves and colorants say all; some readers trust code points only as far as they know them.
    profile.cicp = None;
    let profile = match channels {
        Channels::Rgb => profile,
        Channels::Grey => {
            let mut grey = ColorProfile::new_gray_with_gamma(1.0);
            grey.gray_trc = profile.green_trc;
            grey
        }
    };
    profile.encode().ok()
}
