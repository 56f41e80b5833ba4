//! Reuse of the memory of finished pictures: for a picture of 48 megapixels the system needs tens of milliseconds to
//! provide fresh memory, which is longer than the copy from the device.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::codec::Picture;

/// Pictures whose memory is kept: one is read back while another is still being encoded.
const MAX_KEPT: usize = 2;

/// The memory of pictures that were encoded, for those that are read back next. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct PictureRecycler(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    eight: Vec<Vec<u8>>,
    sixteen: Vec<Vec<u16>>,
}

impl PictureRecycler {
    /// Returns an empty vector with room for `samples` 8-bit samples, if one is kept.
    pub fn take_eight(&self, samples: usize) -> Option<Vec<u8>> {
        take(&mut self.kept().eight, samples)
    }

    /// Returns an empty vector with room for `samples` 16-bit samples, if one is kept.
    pub fn take_sixteen(&self, samples: usize) -> Option<Vec<u16>> {
        take(&mut self.kept().sixteen, samples)
    }

    /// Keeps the memory of a picture that nobody needs any more.
    pub fn recycle(&self, picture: Picture) {
        match picture {
            Picture::Eight(image) => keep(&mut self.kept().eight, image.pixels),
            Picture::Sixteen(image) => keep(&mut self.kept().sixteen, image.pixels),
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Frees memory that is too small for `samples`, or more than twice as much: after a photo of another size there will
/// hardly be one of the old size.
fn take<T>(kept: &mut Vec<Vec<T>>, samples: usize) -> Option<Vec<T>> {
    kept.retain(|pixels| (samples..=2 * samples).contains(&pixels.capacity()));
    kept.pop()
}

fn keep<T>(kept: &mut Vec<Vec<T>>, mut pixels: Vec<T>) {
    if kept.len() < MAX_KEPT {
        pixels.clear();
        kept.push(pixels);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Image;

    fn picture(width: u32) -> Picture {
        Picture::Eight(Image::new(width, 1, vec![7; 4 * width as usize]))
    }

    #[test]
    fn a_picture_of_the_same_size_gets_the_memory_of_the_last_one() {
        let recycler = PictureRecycler::default();
        assert_eq!(recycler.take_eight(400), None);
        let pixels = vec![7; 400];
        let memory = pixels.as_ptr();
        recycler.recycle(Picture::Eight(Image::new(100, 1, pixels)));
        let pixels = recycler.take_eight(400).unwrap();
        assert!(pixels.is_empty() && pixels.as_ptr() == memory);
        assert_eq!((recycler.take_eight(400), recycler.take_sixteen(400)), (None, None));
    }

    #[test]
    fn memory_that_does_not_fit_is_freed_and_no_more_than_two_pictures_are_kept() {
        let recycler = PictureRecycler::default();
        recycler.recycle(picture(100));
        assert_eq!((recycler.take_eight(404), recycler.take_eight(400)), (None, None));
        recycler.recycle(picture(100));
        assert_eq!((recycler.take_eight(196), recycler.take_eight(400)), (None, None));
        (0..5).for_each(|_| recycler.recycle(picture(100)));
        let taken: Vec<_> = std::iter::from_fn(|| recycler.take_eight(400)).collect();
        assert_eq!(taken.len(), MAX_KEPT);
    }
}
