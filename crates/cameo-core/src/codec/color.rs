//! Colour profiles: conversion of every colour space to sRGB, and recognition of Display P3. moxcms does the
//! arithmetic.

use moxcms::{CmsError, ColorProfile, DataColorSpace, Layout, RenderingIntent, TransformOptions};

/// Larger profiles are ignored. Display and camera profiles have a few KiB, print profiles up to 1 MiB.
pub(super) const MAX_PROFILE_BYTES: usize = 2 << 20;

/// Parses `icc`. `None` if it is damaged, too large or not a profile of colour space `space`.
///
/// Such a profile does not make the image unusable: browsers show it as sRGB, and so does Cameo.
fn profile(icc: &[u8], space: DataColorSpace) -> Option<ColorProfile> {
    if icc.len() > MAX_PROFILE_BYTES {
        return None;
    }
    let profile = ColorProfile::new_from_slice(icc).ok()?;
    (profile.color_space == space).then_some(profile)
}

/// The ICC profile of an image whose colour values are kept, byte for byte as its file stores it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile(Vec<u8>);

impl Profile {
    /// Returns `icc` if it is a Display P3 profile: it maps every test colour to what Display P3 does, up to rounding.
    pub(super) fn of_display_p3(icc: &[u8]) -> Option<Self> {
        let found = profile(icc, DataColorSpace::Rgb)?;
        let p3 = ColorProfile::new_display_p3();
        let transform = with_intents(|options| found.create_transform_8bit(Layout::Rgb, &p3, Layout::Rgb, options))?;
        let levels = || (0..=255u8).step_by(51);
        let colors: Vec<u8> =
            levels().flat_map(|r| levels().flat_map(move |g| levels().flat_map(move |b| [r, g, b]))).collect();
        let mut converted = vec![0; colors.len()];
        transform.transform(&colors, &mut converted).ok()?;
        colors
            .iter()
            .zip(&converted)
            .all(|(color, converted)| color.abs_diff(*converted) <= 1)
            .then(|| Self(icc.to_vec()))
    }

    /// The bytes of the ICC profile.
    pub fn icc(&self) -> &[u8] {
        &self.0
    }

    /// Converts the sRGB colour `color` to this profile; returns it unchanged if that is impossible.
    pub fn convert_from_srgb(&self, color: [u8; 3]) -> [u8; 3] {
        let convert = || {
            let to = profile(&self.0, DataColorSpace::Rgb)?;
            let srgb = ColorProfile::new_srgb();
            let transform = with_intents(|options| srgb.create_transform_8bit(Layout::Rgb, &to, Layout::Rgb, options))?;
            let mut out = [0; 3];
            transform.transform(&color, &mut out).ok()?;
            Some(out)
        };
        convert().unwrap_or(color)
    }
}

/// Returns the transform that `create` makes for relative colorimetry; else for perceptual rendering, because a profile
/// that is made of tables may have one for that intent alone (ICC.1, section 8.2: `AToB0` serves where `AToB1` is
/// missing).
fn with_intents<T>(create: impl Fn(TransformOptions) -> Result<T, CmsError>) -> Option<T> {
    let intents = [RenderingIntent::RelativeColorimetric, RenderingIntent::Perceptual];
    let options = intents.map(|rendering_intent| TransformOptions { rendering_intent, ..Default::default() });
    options.into_iter().find_map(|options| create(options).ok())
}

/// Converts 8-bit RGBA from the colour space of `icc` to sRGB in place. Alpha is unchanged.
pub fn srgb_from_rgba8(pixels: &mut [u8], icc: &[u8]) {
    let Some(source) = profile(icc, DataColorSpace::Rgb) else { return };
    let srgb = ColorProfile::new_srgb();
    let create = |options| source.create_transform_8bit(Layout::Rgba, &srgb, Layout::Rgba, options);
    let Some(transform) = with_intents(create) else { return };
    let mut out = vec![0; pixels.len()];
    if transform.transform(pixels, &mut out).is_ok() {
        pixels.copy_from_slice(&out);
    }
}

/// Converts 16-bit RGBA as [`srgb_from_rgba8`] does.
pub fn srgb_from_rgba16(pixels: &mut [u16], icc: &[u8]) {
    let Some(source) = profile(icc, DataColorSpace::Rgb) else { return };
    let srgb = ColorProfile::new_srgb();
    let create = |options| source.create_transform_16bit(Layout::Rgba, &srgb, Layout::Rgba, options);
    let Some(transform) = with_intents(create) else { return };
    let mut out = vec![0; pixels.len()];
    if transform.transform(pixels, &mut out).is_ok() {
        pixels.copy_from_slice(&out);
    }
}

/// Converts 8-bit grey with alpha to sRGB RGBA. `None` if `icc` is not a grey profile.
pub fn srgb_from_grey8(grey_alpha: &[u8], icc: &[u8]) -> Option<Vec<u8>> {
    let source = profile(icc, DataColorSpace::Gray)?;
    let srgb = ColorProfile::new_srgb();
    let create = |options| source.create_transform_8bit(Layout::GrayAlpha, &srgb, Layout::Rgba, options);
    let transform = with_intents(create)?;
    let mut out = vec![0; grey_alpha.len() * 2];
    transform.transform(grey_alpha, &mut out).ok()?;
    Some(out)
}

/// Converts 16-bit grey with alpha as [`srgb_from_grey8`] does.
pub fn srgb_from_grey16(grey_alpha: &[u16], icc: &[u8]) -> Option<Vec<u16>> {
    let source = profile(icc, DataColorSpace::Gray)?;
    let srgb = ColorProfile::new_srgb();
    let create = |options| source.create_transform_16bit(Layout::GrayAlpha, &srgb, Layout::Rgba, options);
    let transform = with_intents(create)?;
    let mut out = vec![0; grey_alpha.len() * 2];
    transform.transform(grey_alpha, &mut out).ok()?;
    Some(out)
}

/// Converts 8-bit CMYK (255 is full ink) to opaque sRGB RGBA: by `icc` if it is a CMYK profile, else by the formula
/// `(255 - ink) * (255 - black) / 255`.
pub fn srgb_from_cmyk8(cmyk: &[u8], icc: Option<&[u8]>) -> Vec<u8> {
    let by_profile = || {
        let source = profile(icc?, DataColorSpace::Cmyk)?;
        let srgb = ColorProfile::new_srgb();
        // moxcms takes any four channels as `Layout::Rgba`.
        let transform =
            with_intents(|options| source.create_transform_8bit(Layout::Rgba, &srgb, Layout::Rgb, options))?;
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
