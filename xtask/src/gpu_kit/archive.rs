//! The compressed files of the kit.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use zstd::stream::{read::Decoder, write::Encoder};

/// The programs share most of their code, which compresses once if matches reach back over all of it: 128 MiB.
const WINDOW_LOG: u32 = 27;

/// Higher levels take ten times as long for a tenth less.
const PROGRAM_LEVEL: i32 = 9;

/// Weights are numbers, in which there is nothing to match, only frequent values.
const WEIGHT_LEVEL: i32 = 1;

/// Writes `files`, pairs of a file and its path in the archive, to `archive`.
pub fn pack_files(files: &[(PathBuf, PathBuf)], archive: &Path) -> Result<(), String> {
    let pack = || -> std::io::Result<()> {
        let mut encoder = Encoder::new(BufWriter::new(File::create(archive)?), PROGRAM_LEVEL)?;
        encoder.long_distance_matching(true)?;
        encoder.window_log(WINDOW_LOG)?;
        let mut tar = tar::Builder::new(encoder);
        for (file, name) in files {
            tar.append_path_with_name(file, name)?;
        }
        tar.into_inner()?.finish()?.flush()
    };
    pack().map_err(|error| format!("cannot write {}: {error}", archive.display()))
}

/// Unpacks what [`pack_files`] wrote into `folder`, over what is there.
pub fn unpack_files(archive: &Path, folder: &Path) -> Result<(), String> {
    let unpack = || -> std::io::Result<()> {
        let mut decoder = Decoder::new(File::open(archive)?)?;
        decoder.window_log_max(WINDOW_LOG)?;
        tar::Archive::new(decoder).unpack(folder)
    };
    unpack().map_err(|error| format!("cannot unpack {} into {}: {error}", archive.display(), folder.display()))
}

/// Compresses a file of f16 weights. Their high bytes, with sign and exponent, are repetitive; their low bytes are not.
/// So all low bytes come first, then all high bytes, and a byte that is left over.
pub fn compress_weights(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let planes: Vec<u8> =
        [0, 1].iter().flat_map(|&i| pairs.iter().map(move |pair| pair[i])).chain(rest.to_vec()).collect();
    zstd::encode_all(&planes[..], WEIGHT_LEVEL).map_err(|error| format!("cannot compress weights: {error}"))
}

/// Restores what [`compress_weights`] compressed, from the files that its result was cut into.
pub fn restore_weights(pieces: &[PathBuf]) -> Result<Vec<u8>, String> {
    let mut source: Box<dyn Read> = Box::new(std::io::empty());
    for piece in pieces {
        let file = File::open(piece).map_err(|error| format!("cannot read {}: {error}", piece.display()))?;
        source = Box::new(source.chain(BufReader::new(file)));
    }
    let planes = zstd::decode_all(source).map_err(|error| format!("the weights did not arrive whole: {error}"))?;
    let count = planes.len() / 2;
    let mut bytes: Vec<u8> = (0..count).flat_map(|i| [planes[i], planes[count + i]]).collect();
    bytes.extend(&planes[2 * count..]);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_that_were_cut_into_pieces_are_restored() {
        let folder = std::env::temp_dir().join(format!("cameo-weights-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        for length in [100_001, 100_000] {
            let weights: Vec<u8> = (0..length).map(|i: u32| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
            let compressed = compress_weights(&weights).unwrap();
            let pieces = [folder.join("1"), folder.join("2")];
            let (first, second) = compressed.split_at(compressed.len() / 3);
            std::fs::write(&pieces[0], first).unwrap();
            std::fs::write(&pieces[1], second).unwrap();
            assert!(restore_weights(&pieces).unwrap() == weights);
            assert!(restore_weights(&pieces[..1]).unwrap_err().contains("did not arrive whole"));
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
