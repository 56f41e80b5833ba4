//! The codec: files of one format, headers of all, and metadata inside of small sound photos.

use std::collections::HashSet;
use std::panic::{set_hook, take_hook};
use std::sync::{Mutex, PoisonError};

use cameo_core::codec::{self, CodecError, Image, ImageHeader, InputLimits};
use image::ImageFormat;
use libfuzzer_sys::Corpus;

use crate::bounds::within_time;

/// The limits of all targets: those of a user, reduced so that an input takes milliseconds.
fn limits() -> InputLimits {
    InputLimits { max_bytes: 1 << 20, max_pixels: 4_000_000, max_decoder_bytes: 64 << 20, ..InputLimits::default() }
}

/// Lets the decoders of other crates panic, because [`codec::decode`] turns that into an error. Each place is printed
/// once. A panic in code of this project remains a finding, even where it is caught.
pub fn allow_panics_of_decoders() {
    let abort = take_hook();
    let places = Mutex::new(HashSet::new());
    set_hook(Box::new(move |panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        if !place.contains("/registry/src/") {
            return abort(panic);
        }
        if places.lock().unwrap_or_else(PoisonError::into_inner).insert(place) {
            eprintln!("a decoder panicked: {panic}");
        }
    }));
}

/// Reads the header of `bytes`, whatever their format is.
pub fn read_header(bytes: &[u8]) {
    check(within_time(0, || codec::header(bytes, &limits())).map(drop));
}

/// Decodes `bytes` if they begin as a file of `format`.
pub fn decode(bytes: &[u8], format: ImageFormat) -> Corpus {
    if image::guess_format(bytes).ok() != Some(format) {
        return Corpus::Reject;
    }
    let limits = limits();
    let header = codec::header(bytes, &limits).ok();
    let pixels = header.map_or(0, |header| u64::from(header.width) * u64::from(header.height));
    let decoded = within_time(pixels, || codec::decode(bytes, &limits));
    if let Ok(image) = &decoded {
        assert_fits(image, header.expect("the header of an image that can be decoded can be read"));
    }
    check(decoded.map(drop));
    Corpus::Keep
}

/// Asserts that an image has the size that its header states, upright or not.
fn assert_fits(image: &Image, header: ImageHeader) {
    let (stated, found) = ([header.width, header.height], [image.width, image.height]);
    assert!(found == stated || found == [stated[1], stated[0]], "the header states {stated:?}, decoded are {found:?}");
    assert_eq!(image.pixels.len(), found[0] as usize * found[1] as usize * 4);
}

/// Asserts that a refused image is told so in one line, and that the image is named as the cause.
fn check(answer: Result<(), CodecError>) {
    if let Err(error) = answer {
        let message = error.to_string();
        assert!(error.is_about_the_image(), "{message}");
        assert!(!message.contains('\n') && message.len() < 600, "{message}");
    }
}

/// The width and the height of photos that carry metadata.
const CARRIER: [u32; 2] = [3, 2];

/// Decodes a photo with `exif` as its EXIF data. It is shown whatever they hold.
pub fn decode_with_exif(exif: &[u8]) {
    let header = ImageHeader { width: CARRIER[0], height: CARRIER[1] };
    let photo = png(png::ColorType::Rgb, png::BitDepth::Eight, |info| info.exif_metadata = Some(exif.into()));
    let image = within_time(0, || codec::decode(&photo, &limits()));
    assert_fits(&image.expect("a sound photo is decoded"), header);
}

/// Decodes a photo of the colour space that `icc` is for, with `icc` as its profile. It is shown whatever the profile
/// holds. The photo has 16 bits per channel if the size of the profile is odd: to make the tables for a profile takes
/// most of the time, so an input is used once.
pub fn decode_with_profile(icc: &[u8]) {
    use png::{BitDepth, ColorType};
    let is_deep = icc.len() % 2 == 1;
    let depth = if is_deep { BitDepth::Sixteen } else { BitDepth::Eight };
    // The colour space in the header of a profile.
    let color = match icc.get(16..20) {
        Some(b"CMYK") => None,
        Some(b"GRAY") => Some(ColorType::Grayscale),
        _ => Some(if is_deep { ColorType::Rgba } else { ColorType::Rgb }),
    };
    let photo = match color {
        Some(color) => png(color, depth, |info| info.icc_profile = Some(icc.into())),
        None => cmyk_jpeg(icc),
    };
    let decoded = within_time(0, || codec::decode_keeping_p3(&photo, &limits()));
    if let (_, Some(profile)) = decoded.expect("a sound photo is decoded") {
        profile.convert_from_srgb([1, 128, 255]);
    }
}

/// Returns a PNG of [`CARRIER`] with the metadata that `add` adds.
fn png<'a>(color: png::ColorType, depth: png::BitDepth, add: impl FnOnce(&mut png::Info<'a>)) -> Vec<u8> {
    let [width, height] = CARRIER;
    let mut info = png::Info::with_size(width, height);
    (info.color_type, info.bit_depth) = (color, depth);
    add(&mut info);
    let pixels: Vec<u8> = (0..info.raw_bytes() - height as usize).map(|index| (index * 37) as u8).collect();
    let mut file = Vec::new();
    let mut writer = png::Encoder::with_info(&mut file, info).and_then(png::Encoder::write_header).expect("sound");
    writer.write_image_data(&pixels).and_then(|()| writer.finish()).expect("the pixels fill the photo");
    file
}

/// Returns a CMYK JPEG of [`CARRIER`] with the profile `icc`.
fn cmyk_jpeg(icc: &[u8]) -> Vec<u8> {
    let [width, height] = CARRIER;
    let inks: Vec<u8> = (0..width * height * 4).map(|index| (index * 37) as u8).collect();
    let mut file = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut file, 90);
    // A profile that is empty or larger than its segments can hold is left out.
    let _ = encoder.add_icc_profile(icc);
    encoder.encode(&inks, width as u16, height as u16, jpeg_encoder::ColorType::Cmyk).expect("the inks fill the photo");
    file
}
