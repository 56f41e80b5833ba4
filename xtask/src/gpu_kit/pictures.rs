//! Compares the pictures of two engines.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

/// How far two pictures differ in what is seen of them, colour times alpha and alpha, in 255ths.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Difference {
    pub max: f64,
    pub mean: f64,
}

/// Compares two PNG files with eight bits and alpha.
pub fn compare(one: &Path, other: &Path) -> Result<Difference, String> {
    let [one, other] = [one, other].map(read);
    let ((size, one), (other_size, other)) = (one?, other?);
    if size != other_size {
        return Err(format!("the pictures have the sizes {size:?} and {other_size:?}"));
    }
    Ok(difference(&one, &other))
}

fn difference(one: &[u8], other: &[u8]) -> Difference {
    let values = visible(one).zip(visible(other)).map(|(one, other)| (one - other).abs());
    let (max, sum) = values.fold((0.0, 0.0), |(max, sum), value| (value.max(max), sum + value));
    Difference { max, mean: sum / one.len().max(1) as f64 }
}

/// Returns colours times alpha, and alpha, in 255ths.
fn visible(pixels: &[u8]) -> impl Iterator<Item = f64> {
    let pixels = pixels.as_chunks::<4>().0.iter();
    pixels.flat_map(|&[r, g, b, a]| [r, g, b, 255].map(|value| f64::from(value) * f64::from(a) / 255.0))
}

/// Returns the size and the RGBA samples of a picture.
fn read(path: &Path) -> Result<([u32; 2], Vec<u8>), String> {
    let explain = |error: &dyn std::fmt::Display| format!("cannot read {}: {error}", path.display());
    let file = File::open(path).map_err(|error| explain(&error))?;
    let mut reader = png::Decoder::new(BufReader::new(file)).read_info().map_err(|error| explain(&error))?;
    if reader.output_color_type() != (png::ColorType::Rgba, png::BitDepth::Eight) {
        return Err(explain(&"it has not eight bits and alpha"));
    }
    let mut samples = vec![0; reader.output_buffer_size().ok_or_else(|| explain(&"it is too large"))?];
    let info = reader.next_frame(&mut samples).map_err(|error| explain(&error))?;
    Ok(([info.width, info.height], samples))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_count_as_much_as_they_are_seen() {
        let difference = difference(&[200, 0, 0, 255, 90, 90, 90, 0], &[100, 0, 0, 255, 10, 10, 10, 0]);
        assert_eq!(difference, Difference { max: 100.0, mean: 100.0 / 8.0 });
    }
}
