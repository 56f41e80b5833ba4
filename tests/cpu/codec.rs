//! Every readable format, every orientation, colour profiles, and files that must be refused.

use std::io::Cursor;

use cameo_core::codec::{self, CodecError, Compression, Encoding, Format, Image, InputLimits};
use image::{DynamicImage, ExtendedColorType, ImageEncoder, ImageFormat, RgbaImage};
use moxcms::ColorProfile;

use crate::common::{difference, pattern, visible};

fn decode(bytes: &[u8]) -> Result<Image, CodecError> {
    codec::decode(bytes, &InputLimits::default())
}

fn dynamic(image: &Image) -> DynamicImage {
    RgbaImage::from_raw(image.width, image.height, image.pixels.clone()).unwrap().into()
}

fn written(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    image.write_to(&mut out, format).unwrap();
    out.into_inner()
}

/// Four uniform quarters, which survive JPEG: red, green, blue and white from the upper left.
fn quarters(width: u32, height: u32) -> Image {
    let color = |x: u32, y: u32| match (x < width / 2, y < height / 2) {
        (true, true) => [200, 30, 30, 255],
        (false, true) => [30, 200, 30, 255],
        (true, false) => [30, 30, 200, 255],
        (false, false) => [230, 230, 230, 255],
    };
    let pixels = (0..height).flat_map(|y| (0..width).flat_map(move |x| color(x, y))).collect();
    Image::new(width, height, pixels)
}

fn jpeg(image: &Image, change: impl FnOnce(&mut jpeg_encoder::Encoder<&mut Vec<u8>>)) -> Vec<u8> {
    let rgb: Vec<u8> = image.pixels.as_chunks::<4>().0.iter().flat_map(|&[r, g, b, _]| [r, g, b]).collect();
    let mut out = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut out, 95);
    encoder.set_sampling_factor(jpeg_encoder::SamplingFactor::F_1_1);
    change(&mut encoder);
    encoder.encode(&rgb, image.width as u16, image.height as u16, jpeg_encoder::ColorType::Rgb).unwrap();
    out
}

#[track_caller]
fn assert_near(found: &Image, want: &Image, max: f32) {
    assert_eq!((found.width, found.height), (want.width, want.height));
    let found = difference(&visible(found), &visible(want));
    assert!(found.max <= max, "{found:?}");
}

#[test]
fn lossless_formats_read_back_to_the_last_bit() {
    let image = pattern(61, 43);
    for format in [ImageFormat::Png, ImageFormat::WebP, ImageFormat::Tiff, ImageFormat::Bmp] {
        assert!(decode(&written(&dynamic(&image), format)).unwrap() == image, "{format:?}");
    }
}

#[test]
fn every_colour_type_is_read() {
    let image = pattern(61, 43);
    let whole = dynamic(&image);
    let grey: DynamicImage = whole.to_luma8().into();
    let kinds: [(&str, DynamicImage); 7] = [
        ("grey", grey.clone()),
        ("grey and alpha", DynamicImage::ImageLumaA8(whole.to_luma_alpha8())),
        ("rgb", DynamicImage::ImageRgb8(whole.to_rgb8())),
        ("grey 16", DynamicImage::ImageLuma16(whole.to_luma16())),
        ("grey and alpha 16", DynamicImage::ImageLumaA16(whole.to_luma_alpha16())),
        ("rgb 16", DynamicImage::ImageRgb16(whole.to_rgb16())),
        ("rgba 16", DynamicImage::ImageRgba16(whole.to_rgba16())),
    ];
    for (kind, picture) in kinds {
        let found = decode(&written(&picture, ImageFormat::Png)).unwrap();
        let rgba = picture.to_rgba8();
        let want = Image::new(image.width, image.height, rgba.into_raw());
        assert_near(&found, &want, 1.0);
        println!("{kind} PNG");
    }
    for (kind, picture) in [("grey", grey), ("rgb 16", DynamicImage::ImageRgb16(whole.to_rgb16()))] {
        let found = decode(&written(&picture, ImageFormat::Tiff)).unwrap();
        let want = Image::new(image.width, image.height, picture.to_rgba8().into_raw());
        assert_near(&found, &want, 1.0);
        println!("{kind} TIFF");
    }
}

#[test]
fn a_palette_with_a_transparent_colour_is_read() {
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, 4, 1);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(png::BitDepth::Two);
    encoder.set_palette(vec![255, 0, 0, 0, 255, 0, 0, 0, 255]);
    encoder.set_trns(vec![255, 0]);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&[0b00_01_10_00]).unwrap();
    writer.finish().unwrap();
    let found = decode(&out).unwrap();
    assert_eq!(found.pixels, [255, 0, 0, 255, 0, 255, 0, 0, 0, 0, 255, 255, 255, 0, 0, 255]);
}

#[test]
fn the_first_frame_of_a_gif_is_read() {
    let mut out = Vec::new();
    {
        let mut encoder = image::codecs::gif::GifEncoder::new(&mut out);
        for image in [quarters(32, 16), pattern(32, 16)] {
            encoder.encode_frame(image::Frame::new(dynamic(&image).to_rgba8())).unwrap();
        }
    }
    assert_near(&decode(&out).unwrap(), &quarters(32, 16), 12.0);
}

#[test]
fn baseline_progressive_and_grey_jpegs_are_read() {
    let image = quarters(64, 32);
    assert_near(&decode(&jpeg(&image, |_| {})).unwrap(), &image, 6.0);
    assert_near(&decode(&jpeg(&image, |encoder| encoder.set_progressive(true))).unwrap(), &image, 6.0);
    let grey = vec![90u8; 32 * 16];
    let mut out = Vec::new();
    jpeg_encoder::Encoder::new(&mut out, 95).encode(&grey, 32, 16, jpeg_encoder::ColorType::Luma).unwrap();
    assert!(decode(&out).unwrap().pixels.as_chunks::<4>().0.iter().all(|pixel| pixel[0].abs_diff(90) < 3));
}

#[test]
fn cmyk_and_ycck_jpegs_are_read() {
    // Ink as Adobe's programs write it: 0 is full. Half cyan, no magenta, full yellow, no black: a green.
    let inverted = [127u8, 255, 0, 255].repeat(32 * 16);
    for color in [jpeg_encoder::ColorType::Cmyk, jpeg_encoder::ColorType::CmykAsYcck] {
        let mut out = Vec::new();
        let mut encoder = jpeg_encoder::Encoder::new(&mut out, 100);
        encoder.set_sampling_factor(jpeg_encoder::SamplingFactor::F_1_1);
        // The encoder takes true ink and inverts it, as Adobe does.
        let ink: Vec<u8> = inverted.iter().map(|tone| 255 - tone).collect();
        encoder.encode(&ink, 32, 16, color).unwrap();
        let found = decode(&out).unwrap();
        let [r, g, b, a] = found.pixels.as_chunks::<4>().0[100];
        assert!(r.abs_diff(127) < 5 && g > 250 && b < 5 && a == 255, "{color:?}: {r} {g} {b} {a}");
    }
}

/// An EXIF block that holds an orientation and nothing else.
fn exif(orientation: u8) -> Vec<u8> {
    let mut block = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    block.extend([orientation, 0, 0, 0, 0, 0, 0, 0]);
    block
}

/// Returns `upright` as a file stores it under `orientation`. EXIF defines each value by the sides of the upright image
/// that the first stored row and column show.
fn stored(upright: &Image, orientation: u8) -> Image {
    let (width, height) = (upright.width, upright.height);
    let swapped = orientation >= 5;
    let (stored_width, stored_height) = if swapped { (height, width) } else { (width, height) };
    let mut pixels = Vec::new();
    for row in 0..stored_height {
        for column in 0..stored_width {
            let (right, bottom) = (width - 1, height - 1);
            let (x, y) = match orientation {
                1 => (column, row),                  // top, left
                2 => (right - column, row),          // top, right
                3 => (right - column, bottom - row), // bottom, right
                4 => (column, bottom - row),         // bottom, left
                5 => (row, column),                  // left, top
                6 => (right - row, column),          // right, top
                7 => (right - row, bottom - column), // right, bottom
                8 => (row, bottom - column),         // left, bottom
                _ => unreachable!(),
            };
            let at = 4 * (y * width + x) as usize;
            pixels.extend_from_slice(&upright.pixels[at..at + 4]);
        }
    }
    Image::new(stored_width, stored_height, pixels)
}

#[test]
fn all_eight_orientations_are_applied() {
    let upright = quarters(64, 32);
    for orientation in 1..=8 {
        let turned = stored(&upright, orientation);
        let block = exif(orientation);
        let mut app1 = b"Exif\0\0".to_vec();
        app1.extend(&block);
        let file = jpeg(&turned, |encoder| encoder.add_app_segment(1, &app1).unwrap());
        assert_near(&decode(&file).unwrap(), &upright, 6.0);

        let mut out = Vec::new();
        let mut encoder = image::codecs::png::PngEncoder::new(&mut out);
        encoder.set_exif_metadata(block.clone()).unwrap();
        encoder.write_image(&turned.pixels, turned.width, turned.height, ExtendedColorType::Rgba8).unwrap();
        assert!(decode(&out).unwrap() == upright, "PNG {orientation}");

        let mut out = Vec::new();
        let mut encoder = image::codecs::webp::WebPEncoder::new_lossless(&mut out);
        encoder.set_exif_metadata(block).unwrap();
        encoder.write_image(&turned.pixels, turned.width, turned.height, ExtendedColorType::Rgba8).unwrap();
        assert!(decode(&out).unwrap() == upright, "WebP {orientation}");
    }
}

fn png_with_profile(pixels: &[u8], color: ExtendedColorType, icc: Vec<u8>) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = image::codecs::png::PngEncoder::new(&mut out);
    encoder.set_icc_profile(icc).unwrap();
    encoder.write_image(pixels, 1, 1, color).unwrap();
    out
}

#[test]
fn colour_profiles_are_converted_to_srgb() {
    // Muted colours, because saturated ones of Display P3 and Adobe RGB lie outside sRGB.
    let cases = [
        ("Display P3", ColorProfile::new_display_p3(), [120u8, 90, 60], [124u8, 89, 55]),
        ("Adobe RGB", ColorProfile::new_adobe_rgb(), [120, 90, 60], [132, 90, 57]),
        ("sRGB", ColorProfile::new_srgb(), [120, 90, 60], [120, 90, 60]),
    ];
    for (name, profile, [r, g, b], want) in cases {
        let file = png_with_profile(&[r, g, b, 200], ExtendedColorType::Rgba8, profile.encode().unwrap());
        let found = decode(&file).unwrap().pixels;
        let near = (0..3).all(|i| found[i].abs_diff(want[i]) <= 2);
        assert!(near && found[3] == 200, "{name}: {found:?} is not {want:?}");
        let wide = [r, g, b].map(|value| value as u16 * 257);
        let bytes: Vec<u8> = wide.iter().flat_map(|value| value.to_ne_bytes()).collect();
        let file = png_with_profile(&bytes, ExtendedColorType::Rgb16, profile.encode().unwrap());
        let found = decode(&file).unwrap().pixels;
        assert!((0..3).all(|i| found[i].abs_diff(want[i]) <= 2), "{name} in 16 bits: {found:?} is not {want:?}");
    }
}

#[test]
fn a_grey_profile_is_converted_to_srgb() {
    let profile = ColorProfile::new_gray_with_gamma(1.0).encode().unwrap();
    // In linear light, a fifth of the light is middle grey.
    let file = png_with_profile(&[51], ExtendedColorType::L8, profile);
    let [r, g, b, _] = decode(&file).unwrap().pixels[..] else { panic!("one pixel") };
    assert!(r.abs_diff(124) <= 2 && r == g && g == b, "{r} {g} {b}");
}

#[test]
fn a_damaged_profile_is_ignored() {
    let file = png_with_profile(&[120, 90, 60, 255], ExtendedColorType::Rgba8, vec![7; 300]);
    assert_eq!(decode(&file).unwrap().pixels, [120, 90, 60, 255]);
}

#[test]
fn results_are_lossless_and_a_png_is_tagged_as_srgb() {
    let mut image = pattern(33, 21);
    image.pixels[3] = 128;
    for &format in Format::ALL {
        let bytes = codec::encode(&image, format, None).unwrap();
        assert!(decode(&bytes).unwrap() == image, "{format}");
    }
    let bytes = codec::encode(&image, Format::Png, None).unwrap();
    assert!(bytes.windows(4).any(|window| window == b"sRGB"));
    let matte = decode(&codec::encode_matte(&image, Format::Png).unwrap()).unwrap();
    assert_eq!(matte.pixels[..8], [128, 128, 128, 255, 255, 255, 255, 255]);
}

/// Returns the samples of a PNG as it stores them, its bits per channel, and its profile.
fn stored_png(bytes: &[u8]) -> (Vec<u8>, u8, Option<Vec<u8>>) {
    let mut reader = png::Decoder::new(Cursor::new(bytes)).read_info().unwrap();
    let mut samples = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut samples).unwrap();
    let info = reader.info();
    (samples, info.bit_depth as u8, info.icc_profile.as_ref().map(|icc| icc.to_vec()))
}

/// An image with transparent parts, soft edges, and noise that no filter predicts.
fn mixed(width: u32, height: u32) -> Image {
    let mut seed = 1u32;
    let mut noise = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 24) as u8
    };
    let mut pixels = Vec::new();
    for y in 0..height {
        for x in 0..width {
            pixels.extend(match (x * 3 / width, y % 7) {
                (0, _) => [0; 4],
                (1, _) => [x as u8, y as u8, (x + y) as u8, (x * 5) as u8],
                (_, 0) => [noise(), noise(), noise(), noise()],
                _ => [200, 100, y as u8, 255],
            });
        }
    }
    Image::new(width, height, pixels)
}

/// Sizes of one row or column, smaller than a filter's neighbourhood, and one of several bands with rows left over.
const SIZES: [(u32, u32); 7] = [(1, 1), (1, 3), (3, 1), (1, 200_000), (200_000, 1), (7, 5), (701, 1003)];

#[test]
fn other_decoders_read_a_png_in_bands() {
    for (width, height) in SIZES {
        let image = mixed(width, height);
        let deep = Image::new(width, height, image.pixels.iter().map(|sample| *sample as u16 * 251 + 3).collect());
        for compression in [Compression::Fast, Compression::Small] {
            let name = format!("{width}x{height} {compression}");
            let encoding = Encoding { compression, ..Encoding::default() };
            let stored = stored_png(&codec::encode(&image, encoding, None).unwrap());
            assert!(stored.0 == image.pixels && stored.1 == 8, "{name}");
            let stored = stored_png(&codec::encode(&deep, encoding, None).unwrap());
            let bytes: Vec<u8> = deep.pixels.iter().flat_map(|sample| sample.to_be_bytes()).collect();
            assert!(stored.0 == bytes && stored.1 == 16, "{name}, 16 bits");
            let stored = stored_png(&codec::encode_matte(&image, encoding).unwrap());
            assert!(stored.0.iter().eq(image.pixels.iter().skip(3).step_by(4)), "{name}, the matte");
        }
    }
}

/// A grey picture with grain, whose rows repeat after `period` pixels.
fn grainy(width: u32, height: u32, period: u32) -> Image {
    let mut seed = 1u32;
    let mut grain = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        120 + (seed >> 29) as u8
    };
    let mut pixels = Vec::new();
    for _ in 0..height {
        let repeated: Vec<[u8; 4]> = (0..period).map(|_| [grain(), grain(), grain(), 255]).collect();
        pixels.extend(repeated.iter().cycle().take(width as usize).flatten());
    }
    Image::new(width, height, pixels)
}

#[test]
fn fast_compression_finds_repetitions_where_there_are_some() {
    let bytes = |image: &Image, compression| {
        let bytes = codec::encode(image, Encoding { compression, ..Encoding::default() }, None).unwrap();
        assert!(stored_png(&bytes).0 == image.pixels, "{compression}");
        bytes.len()
    };
    let (grain, repeated) = (grainy(600, 500, 600), grainy(600, 500, 30));
    let (fast, small) = (bytes(&grain, Compression::Fast), bytes(&grain, Compression::Small));
    // In grain, there is nothing to be found.
    assert!(fast * 100 < small * 105, "{fast} {small}");
    assert!(bytes(&repeated, Compression::Fast) * 4 < fast);
}

#[test]
fn a_png_does_not_depend_on_the_number_of_threads() {
    let image = mixed(701, 1003);
    let encode = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| codec::encode(&image, Format::Png, None).unwrap())
    };
    assert!(encode(1) == encode(5));
}

#[test]
fn small_compression_is_smaller_than_fast() {
    let image = mixed(701, 1003);
    let bytes = |compression| {
        let encoding = Encoding { compression, ..Encoding::default() };
        codec::encode(&image, encoding, None).unwrap().len()
    };
    assert!(bytes(Compression::Small) < bytes(Compression::Fast));
}

#[test]
fn a_colour_jpeg_decodes_as_with_the_image_crate() {
    for (width, height) in [(1, 1), (17, 9), (250, 133)] {
        let progressive = |encoder: &mut jpeg_encoder::Encoder<&mut Vec<u8>>| encoder.set_progressive(true);
        let halved = |encoder: &mut jpeg_encoder::Encoder<&mut Vec<u8>>| {
            encoder.set_sampling_factor(jpeg_encoder::SamplingFactor::F_2_2);
        };
        for bytes in [jpeg(&pattern(width, height), progressive), jpeg(&pattern(width, height), halved)] {
            let want = image::load_from_memory(&bytes).unwrap().into_rgba8().into_raw();
            assert!(decode(&bytes).unwrap().pixels == want, "{width}x{height}");
        }
    }
}

#[test]
fn all_sixteen_bits_are_written() {
    let image = Image::new(1, 1, vec![0x0102u16, 0xfffe, 7, 0x8000]);
    let (samples, depth, _) = stored_png(&codec::encode(&image, Format::Png, None).unwrap());
    assert_eq!((samples, depth), (vec![1, 2, 0xff, 0xfe, 0, 7, 0x80, 0], 16));
    let (samples, depth, _) = stored_png(&codec::encode_matte(&image, Format::Png).unwrap());
    assert_eq!((samples, depth), (vec![0x80, 0], 16));
}

#[test]
fn only_display_p3_is_kept_on_request() {
    let limits = InputLimits::default();
    let p3 = ColorProfile::new_display_p3().encode().unwrap();
    let file = png_with_profile(&[200, 60, 40, 255], ExtendedColorType::Rgba8, p3.clone());
    let (image, profile) = codec::decode_keeping_p3(&file, &limits).unwrap();
    assert_eq!(image.pixels, [200, 60, 40, 255]);
    let profile = profile.expect("the profile is kept");
    for &format in Format::ALL {
        let written = codec::encode(&image, format, Some(&profile)).unwrap();
        let (again, found) = codec::decode_keeping_p3(&written, &limits).unwrap();
        assert_eq!((again.pixels, found.as_ref()), (image.pixels.clone(), Some(&profile)), "{format}");
    }
    let (_, _, written) = stored_png(&codec::encode(&image, Format::Png, Some(&profile)).unwrap());
    assert_eq!(written, Some(p3));
    // sRGB's red is within Display P3.
    let [r, g, b] = profile.convert_from_srgb([255, 0, 0]);
    assert!(r.abs_diff(234) <= 1 && g.abs_diff(51) <= 1 && b.abs_diff(35) <= 1, "{r} {g} {b}");
    for other in [ColorProfile::new_srgb(), ColorProfile::new_adobe_rgb(), ColorProfile::new_bt2020()] {
        let file = png_with_profile(&[200, 60, 40, 255], ExtendedColorType::Rgba8, other.encode().unwrap());
        let (image, profile) = codec::decode_keeping_p3(&file, &limits).unwrap();
        assert_eq!((image, profile), (decode(&file).unwrap(), None));
    }
}

#[track_caller]
fn refused(bytes: &[u8], says: &str) {
    let error = decode(bytes).expect_err("the file must be refused").to_string();
    assert!(error.contains(says), "{error:?} does not contain {says:?}");
    assert!(!error.contains('\n') && error.len() < 300, "{error:?} is not one clear sentence");
}

/// A PNG whose header states any size, and which has no such pixels.
fn png_header(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = written(&dynamic(&pattern(2, 2)), ImageFormat::Png);
    bytes[16..20].copy_from_slice(&width.to_be_bytes());
    bytes[20..24].copy_from_slice(&height.to_be_bytes());
    let crc = crc32(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&crc.to_be_bytes());
    bytes
}

/// CRC-32 of a PNG chunk.
fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for &byte in bytes {
        crc ^= byte as u32;
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    !crc
}

#[test]
fn bad_files_are_refused_with_one_sentence() {
    refused(b"", "empty");
    refused(b"hello, I am a text", "does not read this format");
    refused(b"%PDF-1.7 ........", "does not read this format");
    refused(&png_header(60_000, 60_000), "60000x60000");
    refused(&png_header(16_000, 16_000), "256.0 megapixels");
    refused(&png_header(0, 10), "cannot be decoded");
    let mut wide = jpeg(&quarters(32, 16), |_| {});
    let frame = wide.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    wide[frame + 5..frame + 9].copy_from_slice(&[0xff, 0xf0, 0xff, 0xf0]);
    refused(&wide, "too large");
    let mut empty = written(&dynamic(&pattern(4, 4)), ImageFormat::Bmp);
    empty[18..22].fill(0);
    refused(&empty, "cannot be decoded");
}

#[test]
fn the_header_of_every_format_states_the_stored_size() {
    let rgb = DynamicImage::ImageRgb8(dynamic(&pattern(61, 43)).to_rgb8());
    let formats =
        [ImageFormat::Png, ImageFormat::WebP, ImageFormat::Tiff, ImageFormat::Bmp, ImageFormat::Gif, ImageFormat::Jpeg];
    let folder = tempfile::tempdir().unwrap();
    for format in formats {
        let file = written(&rgb, format);
        let header = codec::header(&file, &InputLimits::default()).unwrap();
        assert_eq!((header.width, header.height), (61, 43), "{format:?}");
        let path = folder.path().join("image");
        std::fs::write(&path, file).unwrap();
        assert_eq!(codec::header_of_file(&path, &InputLimits::default()).unwrap(), header, "{format:?}");
    }
}

#[test]
fn an_encoded_image_larger_than_the_limit_is_refused() {
    let limits = InputLimits { max_bytes: 100, ..InputLimits::default() };
    let error = codec::decode(&written(&dynamic(&pattern(20, 20)), ImageFormat::Png), &limits).unwrap_err();
    assert!(matches!(error, CodecError::TooLarge(_)));
}

#[test]
fn text_chunks_are_skipped_without_taking_memory() {
    // Far more text than the decoder may allocate, between the header and the pixels. A decoder that reads text chunks
    // runs into the limit.
    let mut file = written(&dynamic(&pattern(2, 2)), ImageFormat::Png);
    let end = file.split_off(b"\x89PNG\r\n\x1a\n".len() + 12 + 13);
    let text = [b"tEXtkey\0".as_slice(), &[b'x'; 4000]].concat();
    for _ in 0..100 {
        file.extend(((text.len() - 4) as u32).to_be_bytes());
        file.extend(&text);
        file.extend(crc32(&text).to_be_bytes());
    }
    file.extend(end);
    let limits = InputLimits { max_decoder_bytes: 100 << 10, ..InputLimits::default() };
    assert!(codec::decode(&file, &limits).unwrap() == pattern(2, 2));
}

/// Files of each format, truncated and with bytes changed: each is decoded or refused, none panics.
#[test]
fn corrupted_files_are_decoded_or_refused() {
    let picture = dynamic(&pattern(40, 30));
    let rgb = DynamicImage::ImageRgb8(picture.to_rgb8());
    let formats =
        [ImageFormat::Png, ImageFormat::WebP, ImageFormat::Tiff, ImageFormat::Bmp, ImageFormat::Gif, ImageFormat::Jpeg];
    let mut files: Vec<Vec<u8>> = formats.iter().map(|&format| written(&rgb, format)).collect();
    files.push(jpeg(&pattern(40, 30), |encoder| encoder.set_progressive(true)));
    let (mut decoded, mut refused) = (0, 0);
    let mut seed = 99u32;
    let mut random = move |below: usize| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 8) as usize % below
    };
    let limits = InputLimits { max_decoder_bytes: 64 << 20, max_pixels: 4_000_000, ..InputLimits::default() };
    for file in files {
        for round in 0..150 {
            let mut bytes = file.clone();
            if round % 3 == 0 {
                bytes.truncate(random(bytes.len()));
            }
            for _ in 0..random(12) {
                if !bytes.is_empty() {
                    // Half of the changes hit the headers.
                    let end = if random(2) == 0 { bytes.len().min(100) } else { bytes.len() };
                    bytes[random(end)] = random(256) as u8;
                }
            }
            match codec::decode(&bytes, &limits) {
                Ok(image) => {
                    assert!(image.width as u64 * image.height as u64 <= limits.max_pixels);
                    decoded += 1;
                }
                Err(_) => refused += 1,
            }
        }
    }
    println!("{decoded} decoded, {refused} refused");
    assert!(decoded > 50 && refused > 200);
}

#[test]
fn a_file_cut_short_is_refused() {
    for format in [ImageFormat::Png, ImageFormat::Tiff, ImageFormat::Gif, ImageFormat::WebP] {
        let file = written(&DynamicImage::ImageRgb8(dynamic(&pattern(40, 30)).to_rgb8()), format);
        refused(&file[..file.len() / 2], "cut short");
    }
    for progressive in [false, true] {
        let file = jpeg(&pattern(40, 30), |encoder| encoder.set_progressive(progressive));
        for part in [100, file.len() / 2, file.len() - 40] {
            refused(&file[..part], "cut short");
        }
        // Without its end marker, a progressive file might lack a scan, but a sequential one is whole.
        match progressive {
            true => refused(&file[..file.len() - 2], "cut short"),
            false => assert!(decode(&file[..file.len() - 2]).unwrap() == decode(&file).unwrap()),
        }
        // Bytes behind the end marker are ignored.
        assert!(decode(&[&file[..], b"trailing"].concat()).is_ok());
    }
}

#[test]
fn a_jpeg_of_two_channels_is_unsupported_rather_than_damaged() {
    let frame = [0xff, 0xc0, 0, 14, 8, 0, 8, 0, 8, 2, 1, 0x11, 0, 2, 0x11, 0];
    let scan = [0xff, 0xda, 0, 10, 2, 1, 0, 2, 0, 0, 63, 0];
    let file = [&[0xff, 0xd8], &frame[..], &scan, &[0xff, 0xd9]].concat();
    let error = decode(&file).unwrap_err();
    assert!(error.code() == "unsupported_image_format" && error.to_string().contains("2 channels"), "{error}");
}

#[test]
fn a_progressive_jpeg_that_ends_within_a_scan_is_refused_though_it_has_an_end_marker() {
    // By libjpeg, with scans that refine others.
    let file = std::fs::read(crate::common::project().join("fuzz/seeds/decode_jpeg/progressive.jpg")).unwrap();
    assert!(decode(&file).is_ok());
    let scans = file.windows(2).enumerate().filter(|(_, pair)| *pair == [0xff, 0xda]).map(|(at, _)| at);
    let scans: Vec<usize> = scans.collect();
    assert_eq!(scans.len(), 10);
    for &scan in &scans {
        let header_bytes = usize::from(u16::from_be_bytes([file[scan + 2], file[scan + 3]]));
        refused(&[&file[..scan + 2 + header_bytes], &[0xff, 0xd9]].concat(), "a part of it is missing");
    }
}
