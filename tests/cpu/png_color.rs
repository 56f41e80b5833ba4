//! The colour spaces that PNG files state without an ICC profile.

use cameo_core::codec::{self, CodecError, InputLimits};
use png::{BitDepth, CodingIndependentCodePoints, ColorType, ScaledFloat, SourceChromaticities};

const LINEAR: u8 = 8;
const PQ: u8 = 16;
const SRGB: u8 = 13;
const BT_709: u8 = 1;
const DISPLAY_P3: u8 = 12;

/// A PNG of one pixel whose header `describe` completes.
fn decode(color: ColorType, pixel: &[u8], describe: impl Fn(&mut png::Info<'_>)) -> Result<Vec<u8>, CodecError> {
    let mut info = png::Info::with_size(1, 1);
    info.color_type = color;
    info.bit_depth = BitDepth::Eight;
    describe(&mut info);
    let points = info.coding_independent_code_points.take();
    let mut file = Vec::new();
    let mut writer = png::Encoder::with_info(&mut file, info).unwrap().write_header().unwrap();
    if let Some(points) = points {
        let full = u8::from(points.is_video_full_range_image);
        let data = [points.color_primaries, points.transfer_function, points.matrix_coefficients, full];
        writer.write_chunk(png::chunk::ChunkType(*b"cICP"), &data).unwrap();
    }
    writer.write_image_data(pixel).unwrap();
    writer.finish().unwrap();
    codec::decode(&file, &InputLimits::default()).map(|image| image.pixels)
}

fn code_points(color_primaries: u8, transfer_function: u8) -> CodingIndependentCodePoints {
    let (matrix_coefficients, is_video_full_range_image) = (0, true);
    CodingIndependentCodePoints { color_primaries, transfer_function, matrix_coefficients, is_video_full_range_image }
}

const PIXEL: [u8; 3] = [200, 30, 90];
const UNCHANGED: [u8; 4] = [200, 30, 90, 255];

#[track_caller]
fn assert_near(found: &[u8], want: [u8; 4]) {
    let is_near = found.iter().zip(want).all(|(found, want)| found.abs_diff(want) <= 1);
    assert!(is_near, "{found:?} instead of {want:?}");
}

#[test]
fn linear_values_become_lighter() {
    // 200, 30 and 90 of 255, by the transfer function of sRGB.
    let want = [229, 96, 160, 255];
    let gamma = decode(ColorType::Rgb, &PIXEL, |info| info.source_gamma = Some(ScaledFloat::new(1.0))).unwrap();
    assert_near(&gamma, want);
    let points = decode(ColorType::Rgb, &PIXEL, |info| {
        info.coding_independent_code_points = Some(code_points(BT_709, LINEAR));
    });
    assert_near(&points.unwrap(), want);
    let grey = decode(ColorType::Grayscale, &[30], |info| info.source_gamma = Some(ScaledFloat::new(1.0))).unwrap();
    assert_near(&grey, [96, 96, 96, 255]);
    let grey = decode(ColorType::GrayscaleAlpha, &[30, 7], |info| {
        info.coding_independent_code_points = Some(code_points(BT_709, LINEAR));
    });
    assert_near(&grey.unwrap(), [96, 96, 96, 7]);
}

#[test]
fn what_states_srgb_is_unchanged() {
    let srgb = SourceChromaticities::new((0.3127, 0.329), (0.64, 0.33), (0.3, 0.6), (0.15, 0.06));
    let by_measure = decode(ColorType::Rgb, &PIXEL, |info| {
        info.source_gamma = Some(ScaledFloat::new(0.45455));
        info.source_chromaticities = Some(srgb);
    });
    assert_eq!(by_measure.unwrap(), UNCHANGED);
    let by_points =
        decode(ColorType::Rgb, &PIXEL, |info| info.coding_independent_code_points = Some(code_points(BT_709, SRGB)));
    assert_eq!(by_points.unwrap(), UNCHANGED);
    // An sRGB chunk overrules gamma.
    let overruled = decode(ColorType::Rgb, &PIXEL, |info| {
        info.srgb = Some(png::SrgbRenderingIntent::Perceptual);
        info.source_gamma = Some(ScaledFloat::new(1.0));
    });
    assert_eq!(overruled.unwrap(), UNCHANGED);
}

#[test]
fn primaries_are_converted() {
    // Display P3's pure red is beyond sRGB; this red is within.
    let p3 = SourceChromaticities::new((0.3127, 0.329), (0.68, 0.32), (0.265, 0.69), (0.15, 0.06));
    let measured = decode(ColorType::Rgb, &PIXEL, |info| info.source_chromaticities = Some(p3)).unwrap();
    let points = decode(ColorType::Rgb, &PIXEL, |info| {
        info.coding_independent_code_points = Some(code_points(DISPLAY_P3, SRGB));
    });
    assert_near(&measured, [219, 0, 89, 255]);
    assert_near(&points.unwrap(), [219, 0, 89, 255]);
    let nonsense = SourceChromaticities::new((0.0, 0.0), (0.1, 0.1), (0.1, 0.1), (0.1, 0.1));
    let ignored = decode(ColorType::Rgb, &PIXEL, |info| info.source_chromaticities = Some(nonsense)).unwrap();
    assert_eq!(ignored, UNCHANGED);
}

#[test]
fn code_points_come_before_a_profile_and_a_profile_before_gamma() {
    let p3 = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    let both = decode(ColorType::Rgb, &PIXEL, |info| {
        info.icc_profile = Some(p3.clone().into());
        info.coding_independent_code_points = Some(code_points(BT_709, SRGB));
    });
    assert_eq!(both.unwrap(), UNCHANGED);
    let profile = decode(ColorType::Rgb, &PIXEL, |info| {
        info.icc_profile = Some(p3.clone().into());
        info.source_gamma = Some(ScaledFloat::new(1.0));
    });
    assert_near(&profile.unwrap(), [219, 0, 89, 255]);
}

#[test]
fn hdr_is_refused_by_name() {
    let error = decode(ColorType::Rgb, &PIXEL, |info| info.coding_independent_code_points = Some(code_points(9, PQ)));
    let error = error.unwrap_err();
    assert_eq!(error.code(), "unsupported_image_format");
    assert!(error.to_string().contains("HDR"), "{error}");
}
