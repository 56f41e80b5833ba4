//! Files that other programs write: each shows its picture, or is refused for the true reason.

use std::fs;

use cameo_core::codec::{self, CodecError, Image, InputLimits};
use image::imageops::FilterType;

use crate::common;

fn input(name: &str) -> Vec<u8> {
    fs::read(common::project().join("tests/cpu/inputs").join(name)).unwrap()
}

fn decode(bytes: &[u8]) -> Result<Image, CodecError> {
    codec::decode(bytes, &InputLimits::default())
}

/// Asserts that `bytes` decode to the upper `height` rows of the photo from which all inputs were made.
#[track_caller]
fn assert_shows_the_photo(name: &str, bytes: &[u8], height: u32) {
    assert!(codec::header(bytes, &InputLimits::default()).is_ok(), "{name}");
    let found = decode(bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!((found.width, found.height), (240, height), "{name}");
    assert_is_the_photo(name, &found);
}

/// Asserts that `found` shows the upper rows of the photo, at its own width.
#[track_caller]
fn assert_is_the_photo(name: &str, found: &Image) {
    let photo = image::open(common::project().join("samples/astronaut.png")).unwrap();
    let photo = photo.resize_exact(found.width, found.width, FilterType::Lanczos3);
    let want = photo.crop_imm(0, 0, found.width, found.height).into_rgba8().into_raw();
    let difference: u64 = found.pixels.iter().zip(&want).map(|(found, want)| u64::from(found.abs_diff(*want))).sum();
    let mean = difference as f64 / want.len() as f64;
    assert!(mean < 4.0, "{name}: the mean difference is {mean}");
}

#[track_caller]
fn assert_refused(name: &str, bytes: &[u8], code: &str, reason: &str) {
    let error = decode(bytes).err().unwrap_or_else(|| panic!("{name} is not refused"));
    assert_eq!(error.code(), code, "{name}: {error}");
    assert!(error.to_string().contains(reason), "{name}: {error}");
}

#[test]
fn unusual_but_sound_jpegs_show_their_picture() {
    for name in [
        "jpeg-noninterleaved-420.jpg",
        "jpeg-no-end-marker-trailer.jpg",
        "jpeg-junk-between-segments.jpg",
        "jpeg-rgb.jpg",
    ] {
        assert_shows_the_photo(name, &input(name), 240);
    }
    let ordinary = input("jpeg-no-end-marker-trailer.jpg");
    // Three components that are said to be YCCK.
    let adobe = [&b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0\x02"[..]].concat();
    assert_shows_the_photo("adobe", &[&ordinary[..2], &adobe, &ordinary[2..]].concat(), 240);
    // The height behind the scan, where it is known already.
    let height = b"\xff\xdc\0\x04\0\xf0\xff\xd9";
    assert_shows_the_photo("height", &[&ordinary[..ordinary.len() - 47], height].concat(), 240);
}

#[test]
fn the_orientation_may_stand_behind_the_pixels_of_a_png() {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, 2, 1);
    encoder.set_color(png::ColorType::Grayscale);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&[1, 2]).unwrap();
    // One entry: the orientation, 6.
    let exif = b"MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
    writer.write_chunk(png::chunk::ChunkType(*b"eXIf"), exif).unwrap();
    writer.finish().unwrap();
    let image = decode(&file).unwrap();
    assert_eq!((image.width, image.height, image.pixels[0], image.pixels[4]), (1, 2, 1, 2));
}

#[test]
fn tiffs_of_scanners_and_editors_show_their_picture() {
    for name in ["tiff-jpeg-rgb.tif", "tiff-jpeg-ycbcr.tif", "tiff-tiled-planar.tif", "tiff-bigtiff.tif"] {
        assert_shows_the_photo(name, &input(name), 240);
    }
    let cmyk = decode(&input("tiff-cmyk-profile.tif")).unwrap();
    assert_eq!((cmyk.width, cmyk.height), (200, 200));
    assert_is_the_photo("tiff-cmyk-profile.tif", &cmyk);
}

#[test]
fn associated_alpha_leaves_no_dark_rims() {
    let mut image = decode(&input("tiff-associated-alpha.tif")).unwrap();
    let photo = image::open(common::project().join("samples/astronaut.png")).unwrap();
    let photo = photo.resize_exact(240, 240, FilterType::Lanczos3).into_rgba8();
    let mut half_transparent = 0;
    for (found, want) in image.pixels.as_chunks_mut::<4>().0.iter_mut().zip(photo.pixels()) {
        half_transparent += usize::from(matches!(found[3], 32..224));
        // Colours under little alpha are coarse.
        if found[3] < 32 {
            *found = want.0;
        }
        found[3] = 255;
    }
    assert!(half_transparent > 1000, "{half_transparent}");
    assert_is_the_photo("tiff-associated-alpha.tif", &image);
}

#[test]
fn linear_values_of_a_png_are_converted() {
    assert_shows_the_photo("png-gamma-1.png", &input("png-gamma-1.png"), 240);
}

#[test]
fn a_jpeg_strip_of_a_tiff_is_never_completed_with_invented_pixels() {
    let mut tiff = input("tiff-jpeg-ycbcr.tif");
    let middle = tiff.len() / 2;
    tiff[middle..middle + 64].fill(0xff);
    assert_refused("tiff", &tiff, "undecodable_image", "damaged or cut short");
}

#[test]
fn a_damaged_jpeg_is_never_completed_with_invented_pixels() {
    assert_refused("bad sector", &input("jpeg-bad-sector.jpg"), "undecodable_image", "damaged or cut short");
    let whole = input("jpeg-no-end-marker-trailer.jpg");
    let whole = &whole[..whole.len() - 47];
    for percent in [10, 50, 90, 98] {
        let cut = &whole[..whole.len() * percent / 100];
        assert_refused(&format!("{percent} percent"), cut, "undecodable_image", "damaged or cut short");
        // The same with an end marker behind the cut.
        let ended = [cut, &[0xff, 0xd9]].concat();
        assert_refused(&format!("{percent} percent, ended"), &ended, "undecodable_image", "damaged or cut short");
    }
}

#[test]
fn a_jpeg_that_no_decoder_reads_is_named() {
    let arithmetic = input("jpeg-arithmetic.jpg");
    assert_refused("arithmetic", &arithmetic, "unsupported_image_format", "JPEG with arithmetic coding");
    let header = codec::header(&arithmetic, &InputLimits::default());
    assert_eq!(header.unwrap_err().code(), "unsupported_image_format", "it is refused before it is accepted");
}

#[test]
fn a_jpeg_of_many_empty_segments_is_refused_at_once() {
    let mut flood = vec![0xff, 0xd8];
    for _ in 0..2_000_000 {
        flood.extend([0xff, 0xfe, 0x00, 0x02]);
    }
    flood.extend(&input("jpeg-no-end-marker-trailer.jpg")[2..]);
    assert_refused("segments", &flood, "undecodable_image", "segments before its pixels");
    let stray = [&flood[..6], &vec![0; 1 << 20], &flood[2..100]].concat();
    assert_refused("stray bytes", &stray, "undecodable_image", "belong to none");
}

#[test]
fn the_orientation_counts_with_and_without_the_prefix_of_exif() {
    assert_shows_the_photo("webp", &input("webp-exif-with-prefix.webp"), 160);
}

#[test]
fn a_profile_with_a_table_for_one_intent_is_used() {
    assert_shows_the_photo("png", &input("png-lut-profile-a2b0.png"), 240);
}

/// A PNG of one pixel with a profile that inflates to `bytes` zeros.
fn png_with_profile(bytes: usize) -> Vec<u8> {
    let mut info = png::Info::with_size(1, 1);
    info.color_type = png::ColorType::Rgb;
    info.bit_depth = png::BitDepth::Eight;
    info.icc_profile = Some(vec![0; bytes].into());
    let mut file = Vec::new();
    let mut writer = png::Encoder::with_info(&mut file, info).unwrap().write_header().unwrap();
    writer.write_image_data(&[1, 2, 3]).unwrap();
    writer.finish().unwrap();
    file
}

#[test]
fn a_profile_that_inflates_to_much_is_ignored() {
    let resident =
        || fs::read_to_string("/proc/self/statm").unwrap().split(' ').nth(1).unwrap().parse::<u64>().unwrap();
    let bomb = png_with_profile(300 << 20);
    assert!(bomb.len() < 1 << 20);
    let before = resident();
    let image = decode(&bomb).unwrap();
    assert_eq!(image.pixels, [1, 2, 3, 255]);
    let pages = resident().saturating_sub(before);
    assert!(pages < (64 << 20) / 4096, "{pages} pages more");
}

#[test]
fn a_palette_that_is_cut_short_is_refused() {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, 1, 1);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_palette(vec![1, 2, 3, 4]);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&[1]).unwrap();
    writer.finish().unwrap();
    assert_refused("palette", &file, "undecodable_image", "its palette is cut short");
}

#[test]
fn a_bmp_that_no_decoder_reads_is_named_before_it_is_accepted() {
    let mut bmp = Vec::new();
    image::DynamicImage::new_rgb8(4, 4).write_to(&mut std::io::Cursor::new(&mut bmp), image::ImageFormat::Bmp).unwrap();
    // The size of the header of OS/2 2.x.
    bmp[14..18].copy_from_slice(&64u32.to_le_bytes());
    assert_refused("bmp", &bmp, "unsupported_image_format", "this kind of Bmp");
    let header = codec::header(&bmp, &InputLimits::default());
    assert_eq!(header.unwrap_err().code(), "unsupported_image_format");
}

#[test]
fn a_bmp_whose_alpha_is_nowhere_set_is_opaque() {
    let mut photo = image::RgbaImage::from_pixel(4, 4, image::Rgba([200, 100, 50, 0]));
    let bmp = |photo: &image::RgbaImage| {
        let mut bmp = Vec::new();
        photo.write_to(&mut std::io::Cursor::new(&mut bmp), image::ImageFormat::Bmp).unwrap();
        bmp
    };
    assert_eq!(decode(&bmp(&photo)).unwrap().pixels, [200, 100, 50, 255].repeat(16));
    photo.put_pixel(0, 0, image::Rgba([200, 100, 50, 1]));
    assert_eq!(decode(&bmp(&photo)).unwrap().pixels, photo.into_raw());
}
