//! The read-back of finished pictures.

use bytemuck::Pod;
use cameo_core::codec::{Depth, Image, Picture};
use cameo_core::pipeline::{EngineError, EngineOutput, PictureRecycler};
use cameo_core::tuning::MatteStats;

use crate::context::GpuContext;
use crate::frame::GpuPicture;

/// Copies `picture` and the statistics of its matte to the host, into memory of `recycler` if it has some.
///
/// # Errors
/// If the device was lost or has no memory for the copy.
pub fn readback(
    context: &GpuContext,
    recycler: &PictureRecycler,
    picture: GpuPicture,
) -> Result<EngineOutput, EngineError> {
    let (width, height) = (picture.width, picture.height);
    let samples = 4 * width as usize * height as usize;
    let (picture, stats) = match picture.depth {
        Depth::Eight => {
            let (pixels, stats) = read_samples(context, picture, recycler.take_eight(samples), samples)?;
            (Picture::Eight(Image { width, height, pixels }), stats)
        }
        Depth::Sixteen => {
            let (pixels, stats) = read_samples(context, picture, recycler.take_sixteen(samples), samples)?;
            (Picture::Sixteen(Image { width, height, pixels }), stats)
        }
    };
    Ok(EngineOutput { picture, stats, recycler: recycler.clone() })
}

/// Reads all samples into the memory that was `kept`, or into new memory.
fn read_samples<T: Pod>(
    context: &GpuContext,
    picture: GpuPicture,
    kept: Option<Vec<T>>,
    samples: usize,
) -> Result<(Vec<T>, Option<MatteStats>), EngineError> {
    let mut pixels = kept.unwrap_or_else(|| {
        context.counters.update(|counters| counters.pictures += 1);
        Vec::with_capacity(samples)
    });
    let mut stats = None;
    let mut buffers = picture.bands.buffers().peekable();
    while let Some(buffer) = buffers.next() {
        let mut take_band = |bytes: &[u8]| pixels.extend_from_slice(bytemuck::cast_slice(bytes));
        match &picture.stats {
            // The statistics travel with the last band.
            Some(stats_buffer) if buffers.peek().is_none() => context.read(&[buffer, stats_buffer], |bytes| {
                let (band, stats_bytes) = bytes.split_at(buffer.size() as usize);
                take_band(band);
                stats = Some(bytemuck::pod_read_unaligned(stats_bytes));
            })?,
            _ => context.read(&[buffer], take_band)?,
        }
    }
    Ok((pixels, stats))
}
