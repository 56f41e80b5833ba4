//! Colour profiles: everything becomes sRGB, but Display P3 where it is to be kept. The work is moxcms's; what to hand
//! it is decided here.

use moxcms::{ColorProfile, DataColorSpace, Layout, RenderingIntent, TransformOptions};

/// A profile larger than this is ignored: display and camera profiles have a few KiB, print profiles up to 1 MiB.
const MAX_PROFILE_BYTES: usize = 2 << 20;

/// The profile in `icc` if it is one of colour space `space` that a transform can be made from.
///
/// A damaged or foreign profile is not the picture's end: browsers show such a file as sRGB, and so do we.
fn profile(icc: &[u8], space: DataColorSpace) -> Option<ColorProfile> {
    if icc.len() > MAX_PROFILE_BYTES {
        return None;
    }
    let profile = ColorProfile::new_from_slice(icc).ok()?;
    (profile.color_space == space).then_some(profile)
}

/// The profile of a picture whose colours are kept, as its file has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile(Vec<u8>);

impl Profile {
    /// `icc`, if it is a Display P3 profile: what it says of colours is what Display P3 says, but for rounding.
    pub(super) fn of_display_p3(icc: &[u8]) -> Option<Self> {
        let found = profile(icc, DataColorSpace::Rgb)?;
        let p3 = ColorProfile::new_display_p3();
        let transform = found.create_transform_8bit(Layout::Rgb, &p3, Layout::Rgb, options()).ok()?;
        let steps = || (0..=255u8).step_by(51);
        let colors: Vec<u8> =
            steps().flat_map(|r| steps().flat_map(move |g| steps().flat_map(move |b| [r, g, b]))).collect();
        let mut same = vec![0; colors.len()];
        transform.transform(&colors, &mut same).ok()?;
        colors.iter().zip(&same).all(|(one, other)| one.abs_diff(*other) <= 1).then(|| Self(icc.to_vec()))
    }

    /// The bytes of the ICC profile.
    pub fn icc(&self) -> &[u8] {
        &self.0
    }

    /// What sRGB's `color` is in it; itself, if there is no way.
    pub fn from_srgb(&self, color: [u8; 3]) -> [u8; 3] {
        let convert = || {
            let to = profile(&self.0, DataColorSpace::Rgb)?;
            let srgb = ColorProfile::new_srgb();
            let transform = srgb.create_transform_8bit(Layout::Rgb, &to, Layout::Rgb, options()).ok()?;
            let mut out = [0; 3];
            transform.transform(&color, &mut out).ok()?;
            Some(out)
        };
        convert().unwrap_or(color)
    }
}

fn options() -> TransformOptions {
    TransformOptions { rendering_intent: RenderingIntent::RelativeColorimetric, ..Default::default() }
}

/// Converts 8-bit RGBA from the colours of `icc` to sRGB in place; alpha is kept.
pub fn srgb_from_rgba8(pixels: &mut [u8], icc: &[u8]) {
    let Some(source) = profile(icc, DataColorSpace::Rgb) else { return };
    let srgb = ColorProfile::new_srgb();
    let Ok(transform) = source.create_transform_8bit(Layout::Rgba, &srgb, Layout::Rgba, options()) else { return };
    let mut out = vec![0; pixels.len()];
    if transform.transform(pixels, &mut out).is_ok() {
        pixels.copy_from_slice(&out);
    }
}

/// The same for 16 bits.
pub fn srgb_from_rgba16(pixels: &mut [u16], icc: &[u8]) {
    let Some(source) = profile(icc, DataColorSpace::Rgb) else { return };
    let srgb = ColorProfile::new_srgb();
    let Ok(transform) = source.create_transform_16bit(Layout::Rgba, &srgb, Layout::Rgba, options()) else { return };
    let mut out = vec![0; pixels.len()];
    if transform.transform(pixels, &mut out).is_ok() {
        pixels.copy_from_slice(&out);
    }
}

/// 8-bit grey with alpha in the tones of `icc` to sRGB RGBA; `None` if the profile is no grey profile.
pub fn srgb_from_grey8(grey_alpha: &[u8], icc: &[u8]) -> Option<Vec<u8>> {
    let source = profile(icc, DataColorSpace::Gray)?;
    let srgb = ColorProfile::new_srgb();
    let transform = source.create_transform_8bit(Layout::GrayAlpha, &srgb, Layout::Rgba, options()).ok()?;
    let mut out = vec![0; grey_alpha.len() * 2];
    transform.transform(grey_alpha, &mut out).ok()?;
    Some(out)
}

/// The same for 16 bits.
pub fn srgb_from_grey16(grey_alpha: &[u16], icc: &[u8]) -> Option<Vec<u16>> {
    let source = profile(icc, DataColorSpace::Gray)?;
    let srgb = ColorProfile::new_srgb();
    let transform = source.create_transform_16bit(Layout::GrayAlpha, &srgb, Layout::Rgba, options()).ok()?;
    let mut out = vec![0; grey_alpha.len() * 2];
    transform.transform(grey_alpha, &mut out).ok()?;
    Some(out)
}

/// 8-bit CMYK (255 is full ink) to opaque sRGB RGBA: by `icc` if it is a CMYK profile, else by the plain formula.
pub fn srgb_from_cmyk8(cmyk: &[u8], icc: Option<&[u8]>) -> Vec<u8> {
    let by_profile = || {
        let source = profile(icc?, DataColorSpace::Cmyk)?;
        let srgb = ColorProfile::new_srgb();
        // Four channels without alpha travel as "RGBA".
        let transform = source.create_transform_8bit(Layout::Rgba, &srgb, Layout::Rgb, options()).ok()?;
        let mut rgb = vec![0; cmyk.len() / 4 * 3];
        transform.transform(cmyk, &mut rgb).ok()?;
        Some(rgb.as_chunks::<3>().0.iter().flat_map(|&[r, g, b]| [r, g, b, 255]).collect())
    };
    by_profile().unwrap_or_else(|| {
        let tone = |ink: u8, black: u8| (((255 - ink as u32) * (255 - black as u32) + 127) / 255) as u8;
        let pixels = cmyk.as_chunks::<4>().0.iter();
        pixels.flat_map(|&[c, m, y, k]| [tone(c, k), tone(m, k), tone(y, k), 255]).collect()
    })
}
