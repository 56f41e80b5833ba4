//! TIFF files of every kind that scanners and editors write, made here byte by byte.

use cameo_core::codec::{self, CodecError, Image, InputLimits};

const SUBFILE_TYPE: u32 = 254;
const WIDTH: u32 = 256;
const HEIGHT: u32 = 257;
const BITS_PER_SAMPLE: u32 = 258;
const COMPRESSION: u32 = 259;
const PHOTOMETRIC: u32 = 262;
const FILL_ORDER: u32 = 266;
const STRIP_OFFSETS: u32 = 273;
const ORIENTATION: u32 = 274;
const SAMPLES_PER_PIXEL: u32 = 277;
const ROWS_PER_STRIP: u32 = 278;
const STRIP_BYTES: u32 = 279;
const PLANAR: u32 = 284;
const PREDICTOR: u32 = 317;
const COLOR_MAP: u32 = 320;
const TILE_WIDTH: u32 = 322;
const TILE_LENGTH: u32 = 323;
const TILE_OFFSETS: u32 = 324;
const TILE_BYTES: u32 = 325;
const INK_SET: u32 = 332;
const EXTRA_SAMPLES: u32 = 338;
const SAMPLE_FORMAT: u32 = 339;
const SUB_DIRECTORIES: u32 = 330;
const SUBSAMPLING: u32 = 530;
const DNG_VERSION: u32 = 50706;

const DEFLATE: u32 = 8;

const GREY: u32 = 1;
const RGB: u32 = 2;
const PALETTE: u32 = 3;
const CMYK: u32 = 5;
const YCBCR: u32 = 6;

/// A TIFF as it is written: numbers for tags, and strips or tiles.
#[derive(Clone)]
struct Tiff {
    tags: Vec<(u32, Vec<u32>)>,
    chunks: Vec<Vec<u8>>,
    big_endian: bool,
    big: bool,
    second: Option<Box<Tiff>>,
}

impl Tiff {
    fn new(size: [u32; 2], photometric: u32, bits: &[u32], chunks: &[&[u8]]) -> Self {
        let tags = vec![
            (WIDTH, vec![size[0]]),
            (HEIGHT, vec![size[1]]),
            (PHOTOMETRIC, vec![photometric]),
            (BITS_PER_SAMPLE, bits.to_vec()),
            (SAMPLES_PER_PIXEL, vec![bits.len() as u32]),
            (ROWS_PER_STRIP, vec![size[1].div_ceil(chunks.len() as u32)]),
        ];
        let chunks = chunks.iter().map(|chunk| chunk.to_vec()).collect();
        Self { tags, chunks, big_endian: false, big: false, second: None }
    }

    fn with(mut self, tag: u32, values: &[u32]) -> Self {
        self.tags.retain(|(other, _)| *other != tag);
        self.tags.push((tag, values.to_vec()));
        self
    }

    fn number(&self, value: u64, bytes: usize) -> Vec<u8> {
        match self.big_endian {
            true => value.to_be_bytes()[8 - bytes..].to_vec(),
            false => value.to_le_bytes()[..bytes].to_vec(),
        }
    }

    /// The file: header, and the pages.
    fn bytes(&self) -> Vec<u8> {
        let header = if self.big { 16 } else { 8 };
        let word = if self.big { 8 } else { 4 };
        let (page, directory) = self.page(header, 0);
        let second = self.second.as_ref().map(|second| second.page(header + page.len(), 0));
        let (second, next) = second.unwrap_or_default();
        let mut file = if self.big_endian { b"MM".to_vec() } else { b"II".to_vec() };
        file.extend(self.number(if self.big { 43 } else { 42 }, 2));
        if self.big {
            file.extend(self.number(8, 2));
            file.extend([0, 0]);
        }
        file.extend(self.number(directory as u64, word));
        [file, self.page(header, next).0, second].concat()
    }

    /// A page that begins at the position `header`: strips, values that do not fit into the directory, and the directory,
    /// whose position is returned too. `next` is the position of the next directory.
    fn page(&self, header: usize, next: usize) -> (Vec<u8>, usize) {
        const SHORT: (u64, usize) = (3, 2);
        const LONG: (u64, usize) = (4, 4);
        let word = if self.big { 8 } else { 4 };
        let mut data: Vec<u8> = Vec::new();
        let offsets: Vec<u32> = (self.chunks.iter())
            .map(|chunk| {
                let at = header + data.len();
                data.extend(chunk);
                at as u32
            })
            .collect();
        let lengths: Vec<u32> = self.chunks.iter().map(|chunk| chunk.len() as u32).collect();
        let tiled = self.tags.iter().any(|(tag, _)| *tag == TILE_WIDTH);
        let [offset_tag, bytes_tag] = if tiled { [TILE_OFFSETS, TILE_BYTES] } else { [STRIP_OFFSETS, STRIP_BYTES] };
        let mut tags = self.tags.clone();
        if !offsets.is_empty() {
            tags.extend([(offset_tag, offsets), (bytes_tag, lengths)]);
        }
        tags.sort_unstable();
        let mut directory = self.number(tags.len() as u64, if self.big { 8 } else { 2 });
        for (tag, values) in tags {
            let (kind, size) = if values.iter().all(|&value| value < 65536) { SHORT } else { LONG };
            let stored: Vec<u8> = values.iter().flat_map(|&value| self.number(value.into(), size)).collect();
            directory.extend(self.number(tag.into(), 2));
            directory.extend(self.number(kind, 2));
            directory.extend(self.number(values.len() as u64, word));
            if stored.len() <= word {
                directory.extend(&stored);
                directory.extend(vec![0; word - stored.len()]);
            } else {
                directory.extend(self.number((header + data.len()) as u64, word));
                data.extend(stored);
            }
        }
        directory.extend(self.number(next as u64, word));
        let at = header + data.len();
        ([data, directory].concat(), at)
    }
}

/// Returns `bytes` as a zlib stream (RFC 1950) without compression.
fn zlib(bytes: &[u8]) -> Vec<u8> {
    let length = bytes.len() as u16;
    let (mut a, mut b) = (1u32, 0);
    for &byte in bytes {
        a = (a + u32::from(byte)) % 65521;
        b = (b + a) % 65521;
    }
    let checksum = (b << 16 | a).to_be_bytes();
    [&[0x78, 0x01, 0x01], &length.to_le_bytes()[..], &(!length).to_le_bytes(), bytes, &checksum].concat()
}

fn decode(tiff: &Tiff) -> Result<Image, CodecError> {
    codec::decode(&tiff.bytes(), &InputLimits::default())
}

#[track_caller]
fn assert_pixels(tiff: &Tiff, want: &[[u8; 4]]) {
    let image = decode(tiff).unwrap();
    assert_eq!(image.pixels.as_chunks::<4>().0, want);
    let header = codec::header(&tiff.bytes(), &InputLimits::default()).unwrap();
    assert_eq!((header.width, header.height), (image.width, image.height));
}

#[track_caller]
fn assert_unsupported(tiff: &Tiff, reason: &str) {
    let error = decode(tiff).unwrap_err();
    assert_eq!(error.code(), "unsupported_image_format", "{error}");
    assert!(error.to_string().contains(reason), "{error}");
    let header = codec::header(&tiff.bytes(), &InputLimits::default());
    assert!(header.is_err() || reason.contains("associated"), "refused before it is accepted");
}

const fn grey(value: u8) -> [u8; 4] {
    [value, value, value, 255]
}

#[test]
fn grey_of_few_bits_spans_black_to_white() {
    assert_pixels(
        &Tiff::new([3, 2], GREY, &[1], &[&[0b1010_0000], &[0b0110_0000]]),
        &[255, 0, 255, 0, 255, 255].map(grey),
    );
    assert_pixels(&Tiff::new([4, 1], GREY, &[2], &[&[0b0001_1011]]), &[0, 85, 170, 255].map(grey));
    assert_pixels(&Tiff::new([2, 1], GREY, &[4], &[&[0x3f]]), &[51, 255].map(grey));
    assert_pixels(&Tiff::new([2, 1], GREY, &[12], &[&[0xff, 0xf8, 0x00]]), &[255, 128].map(grey));
}

#[test]
fn white_may_be_zero_and_bits_may_be_reversed() {
    let white_is_zero = Tiff::new([2, 1], 0, &[8], &[&[0, 200]]);
    assert_pixels(&white_is_zero, &[255, 55].map(grey));
    let with_alpha = Tiff::new([1, 1], 0, &[8, 8], &[&[0, 200]]).with(EXTRA_SAMPLES, &[2]);
    assert_pixels(&with_alpha, &[[255, 255, 255, 200]]);
    let reversed = Tiff::new([3, 1], GREY, &[1], &[&[0b0000_0101]]).with(FILL_ORDER, &[2]);
    assert_pixels(&reversed, &[255, 0, 255].map(grey));
}

#[test]
fn alpha_is_straight_in_the_picture() {
    let grey = Tiff::new([2, 1], GREY, &[8, 8], &[&[10, 20, 30, 40]]);
    assert_pixels(&grey.clone().with(EXTRA_SAMPLES, &[2]), &[[10, 10, 10, 20], [30, 30, 30, 40]]);
    assert_pixels(&grey.with(EXTRA_SAMPLES, &[1]), &[[128, 128, 128, 20], [191, 191, 191, 40]]);
    let rgb = Tiff::new([2, 1], RGB, &[8; 4], &[&[10, 20, 30, 60, 0, 0, 0, 0]]);
    assert_pixels(&rgb.clone().with(EXTRA_SAMPLES, &[1]), &[[43, 85, 128, 60], [0, 0, 0, 0]]);
    assert_pixels(&rgb.clone().with(EXTRA_SAMPLES, &[0]), &[[10, 20, 30, 255], [0, 0, 0, 255]]);
    assert_pixels(&rgb, &[[10, 20, 30, 60], [0, 0, 0, 0]]);
    let second = Tiff::new([1, 1], RGB, &[8; 5], &[&[1, 2, 3, 9, 77]]).with(EXTRA_SAMPLES, &[0, 2]);
    assert_pixels(&second, &[[1, 2, 3, 77]]);
}

#[test]
fn a_palette_has_16_bits_or_8() {
    let indices = Tiff::new([2, 1], PALETTE, &[8], &[&[1, 0]]);
    let map = |colors: [[u32; 3]; 2]| -> Vec<u32> {
        (0..3).flat_map(|channel| (0..256).map(move |at| colors.get(at).map_or(0, |color| color[channel]))).collect()
    };
    let wide = indices.clone().with(COLOR_MAP, &map([[0, 65535, 257], [0x1234, 0x5678, 0x9abc]]));
    assert_pixels(&wide, &[[0x12, 0x56, 0x9a, 255], [0, 255, 1, 255]]);
    let narrow = indices.clone().with(COLOR_MAP, &map([[0, 255, 1], [18, 86, 154]]));
    assert_pixels(&narrow, &[[18, 86, 154, 255], [0, 255, 1, 255]]);
    assert_eq!(decode(&indices).unwrap_err().code(), "undecodable_image");
}

#[test]
fn samples_of_16_and_32_bits_are_read_in_both_byte_orders() {
    let little = Tiff::new([2, 1], GREY, &[16], &[&[0x00, 0x80, 0xff, 0xff]]);
    assert_pixels(&little, &[128, 255].map(grey));
    let big = Tiff { big_endian: true, ..Tiff::new([2, 1], GREY, &[16], &[&[0x80, 0x00, 0xff, 0xff]]) };
    assert_pixels(&big, &[128, 255].map(grey));
    let long = Tiff { big_endian: true, ..Tiff::new([1, 1], GREY, &[32], &[&[0x40, 0, 0, 0]]) };
    assert_pixels(&long, &[grey(64)]);
    let floats: Vec<u8> = [0.5f32, 7.0, -1.0, f32::NAN].iter().flat_map(|value| value.to_le_bytes()).collect();
    let float = Tiff::new([4, 1], GREY, &[32], &[&floats]).with(SAMPLE_FORMAT, &[3]);
    assert_pixels(&float, &[128, 255, 0, 0].map(grey));
}

#[test]
fn bigtiff_is_read() {
    for big_endian in [false, true] {
        let tiff = Tiff { big: true, big_endian, ..Tiff::new([1, 2], RGB, &[8; 3], &[&[1, 2, 3], &[4, 5, 6]]) };
        assert_pixels(&tiff, &[[1, 2, 3, 255], [4, 5, 6, 255]]);
    }
}

#[test]
fn planes_and_tiles_are_put_together() {
    let planes = Tiff::new([2, 2], RGB, &[8; 3], &[&[1, 2], &[3, 4], &[5, 6], &[7, 8], &[9, 10], &[11, 12]])
        .with(ROWS_PER_STRIP, &[1])
        .with(PLANAR, &[2]);
    assert_pixels(&planes, &[[1, 5, 9, 255], [2, 6, 10, 255], [3, 7, 11, 255], [4, 8, 12, 255]]);
    // Tiles of 2x2 for a picture of 3x3: what lies beyond its edges is 99.
    let tiles = Tiff::new([3, 3], GREY, &[8], &[&[1, 2, 4, 5], &[3, 99, 6, 99], &[7, 8, 99, 99], &[9, 99, 99, 99]])
        .with(TILE_WIDTH, &[2])
        .with(TILE_LENGTH, &[2]);
    assert_pixels(&tiles, &[1, 2, 3, 4, 5, 6, 7, 8, 9].map(grey));
}

#[test]
fn a_predictor_is_undone_with_unused_samples_too() {
    let stored = [10, 20, 30, 40, 1, 2, 3, 250];
    let rgb = |strip: &[u8]| Tiff::new([2, 1], RGB, &[8; 4], &[strip]).with(PREDICTOR, &[2]).with(EXTRA_SAMPLES, &[0]);
    assert_pixels(&rgb(&zlib(&stored)).with(COMPRESSION, &[DEFLATE]), &[[10, 20, 30, 255], [11, 22, 33, 255]]);
    // Other compressions have no predictor, whatever the tag says.
    assert_pixels(&rgb(&stored), &[[10, 20, 30, 255], [1, 2, 3, 255]]);
    let wide = Tiff::new([2, 1], GREY, &[16], &[&zlib(&[0x01, 0x00, 0x7f, 0x00])]);
    let wide = Tiff { big_endian: true, ..wide }.with(COMPRESSION, &[DEFLATE]);
    assert_pixels(&wide.with(PREDICTOR, &[2]), &[1, 128].map(grey));
}

#[test]
fn cmyk_is_converted_and_its_alpha_kept() {
    let inks = Tiff::new([2, 1], CMYK, &[8; 4], &[&[0, 255, 255, 0, 0, 0, 0, 255]]);
    assert_pixels(&inks, &[[255, 0, 0, 255], [0, 0, 0, 255]]);
    let with_alpha = Tiff::new([1, 1], CMYK, &[8; 5], &[&[0, 0, 0, 0, 70]]).with(EXTRA_SAMPLES, &[2]);
    assert_pixels(&with_alpha, &[[255, 255, 255, 70]]);
    assert_unsupported(&inks.with(INK_SET, &[2]), "inks other than CMYK");
}

#[test]
fn reduced_chroma_is_repeated() {
    // One unit of 2x2 luma samples and one of each chroma: red in JFIF's conversion.
    let tiff = Tiff::new([2, 2], YCBCR, &[8; 3], &[&[76, 150, 76, 76, 85, 255]]);
    let image = decode(&tiff).unwrap();
    let pixels = image.pixels.as_chunks::<4>().0;
    assert_eq!(pixels[0], pixels[2]);
    assert!(pixels[0][0] > 250 && pixels[0][1] < 5 && pixels[0][2] < 5, "{:?}", pixels[0]);
    assert!(pixels[1][1] > 70, "{:?}", pixels[1]);
    let full = Tiff::new([1, 1], YCBCR, &[8; 3], &[&[128, 128, 128]]).with(SUBSAMPLING, &[1, 1]);
    assert_pixels(&full, &[grey(128)]);
}

#[test]
fn the_orientation_turns_the_picture() {
    let tiff = Tiff::new([2, 1], GREY, &[8], &[&[1, 2]]).with(ORIENTATION, &[6]);
    let image = decode(&tiff).unwrap();
    assert_eq!((image.width, image.height, &image.pixels[..]), (1, 2, &[1, 1, 1, 255, 2, 2, 2, 255][..]));
}

#[test]
fn what_is_not_read_is_named() {
    let tiff = Tiff::new([1, 1], GREY, &[8], &[&[7]]);
    assert_pixels(&tiff, &[grey(7)]);
    for (tag, value, reason) in [
        (COMPRESSION, 3, "Group 3 fax compression"),
        (COMPRESSION, 6, "old-style JPEG compression"),
        (COMPRESSION, 50000, "Zstandard compression"),
        (COMPRESSION, 34925, "LZMA compression"),
        (COMPRESSION, 34676, "unknown (34676) compression"),
        (SAMPLE_FORMAT, 2, "negative samples"),
        (SAMPLE_FORMAT, 3, "floating-point samples of 8 bits"),
        (BITS_PER_SAMPLE, 24, "samples of 24 bits"),
        (PHOTOMETRIC, 4, "a mask instead of a picture"),
        (PHOTOMETRIC, 32803, "perhaps a raw photo"),
    ] {
        assert_unsupported(&tiff.clone().with(tag, &[value]), reason);
    }
    let lab = Tiff::new([1, 1], 8, &[8; 3], &[&[7, 7, 7]]);
    assert_unsupported(&lab, "CIELAB");
    let associated = Tiff::new([1, 1], CMYK, &[8; 5], &[&[1, 2, 3, 4, 5]]).with(EXTRA_SAMPLES, &[1]);
    assert_unsupported(&associated, "associated alpha");
}

#[test]
fn a_damaged_tiff_is_refused() {
    let whole = Tiff::new([4, 4], RGB, &[8; 3], &[&[7; 24], &[7; 24]]);
    let bytes = whole.bytes();
    for length in 0..bytes.len() {
        let error = codec::decode(&bytes[..length], &InputLimits::default()).unwrap_err();
        assert!(matches!(error.code(), "undecodable_image" | "unsupported_image_format" | "empty_file"), "{error}");
    }
    for compression in [1, 4, 5, 7, 8, 32773] {
        let short = Tiff::new([4, 4], GREY, &[8], &[&[7; 3], &[7; 3]]).with(COMPRESSION, &[compression]);
        assert_eq!(decode(&short).unwrap_err().code(), "undecodable_image", "compression {compression}");
    }
    for (tag, value) in [(SAMPLES_PER_PIXEL, 2), (ROWS_PER_STRIP, 1), (WIDTH, 0), (BITS_PER_SAMPLE, 16)] {
        assert_eq!(decode(&whole.clone().with(tag, &[value])).unwrap_err().code(), "undecodable_image", "tag {tag}");
    }
    let huge = whole.with(TILE_WIDTH, &[1 << 31]).with(TILE_LENGTH, &[1 << 31]);
    assert!(decode(&huge).is_err());
}

#[test]
fn strips_cannot_share_their_bytes_without_end() {
    let strips = vec![&[0u8; 40][..]; 1000];
    let tiff = Tiff::new([1, 1000], GREY, &[8], &strips).bytes();
    assert!(codec::decode(&tiff, &InputLimits::default()).is_ok());
    // All strips are the whole file.
    let mut shared = Tiff::new([1, 1000], GREY, &[8], &[&[0; 4]]).with(ROWS_PER_STRIP, &[1]);
    shared.tags.push((STRIP_OFFSETS, vec![8; 1000]));
    shared.tags.push((STRIP_BYTES, vec![4000; 1000]));
    shared.chunks.clear();
    let file: Vec<u8> = {
        let mut file = shared.bytes();
        file.resize(9000, 0);
        file
    };
    let error = codec::decode(&file, &InputLimits::default()).unwrap_err();
    assert!(error.to_string().contains("the same bytes"), "{error}");
}

#[test]
fn a_thumbnail_is_not_the_picture_and_a_raw_photo_is_named() {
    let thumbnail = Tiff::new([1, 1], RGB, &[8; 3], &[&[9; 3]]).with(SUBFILE_TYPE, &[1]);
    let picture = Tiff::new([2, 1], RGB, &[8; 3], &[&[1, 2, 3, 4, 5, 6]]);
    let pages = Tiff { second: Some(Box::new(picture.clone())), ..thumbnail.clone() };
    assert_pixels(&pages, &[[1, 2, 3, 255], [4, 5, 6, 255]]);
    assert_pixels(&thumbnail, &[[9, 9, 9, 255]]);
    for raw in [thumbnail.with(SUB_DIRECTORIES, &[8]), picture.with(DNG_VERSION, &[1])] {
        let error = decode(&raw).unwrap_err();
        assert!(error.code() == "unsupported_image_format" && error.to_string().contains("raw photo"), "{error}");
    }
}

#[test]
fn the_only_strip_may_have_no_length() {
    let whole = Tiff::new([2, 1], GREY, &[8], &[&[7, 8]]).bytes();
    let at = whole.windows(8).position(|entry| entry == [0x17, 0x01, 3, 0, 1, 0, 0, 0]).unwrap();
    let mut file = whole.clone();
    assert_eq!(file[at + 8], 2);
    file[at + 8] = 0;
    let image = codec::decode(&file, &InputLimits::default()).unwrap();
    assert_eq!(image, codec::decode(&whole, &InputLimits::default()).unwrap());
}
