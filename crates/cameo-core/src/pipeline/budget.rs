//! A limit on the pixels that are processed at once, whatever the sizes of the images are: it bounds memory.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Pixels that one semaphore permit stands for: the semaphore counts in `u32`.
const PIXELS_PER_PERMIT: u64 = 1024;

/// A number of pixels, shared by all images that are being processed.
///
/// Each image acquires the pixels of its photo and of its result before it is decoded, and releases them after its
/// result is written. Waiting images are served in their order, so that small ones do not overtake a large one forever.
#[derive(Debug, Clone)]
pub struct PixelBudget {
    semaphore: Arc<Semaphore>,
    permits: u32,
}

/// The pixels that one image has acquired from a [`PixelBudget`]; released on drop.
#[derive(Debug)]
pub struct PixelPermit {
    _permit: Option<OwnedSemaphorePermit>,
}

impl PixelBudget {
    /// Creates a budget of `pixels`. With a budget of 0, images are processed one at a time.
    pub fn new(pixels: u64) -> Self {
        let permits = permits(pixels).min(Semaphore::MAX_PERMITS as u64).min(u64::from(u32::MAX)) as u32;
        Self { semaphore: Arc::new(Semaphore::new(permits as usize)), permits }
    }

    /// Waits until `pixels` are free, and acquires them. An image larger than the budget acquires all of it, and is
    /// then processed alone. Dropping the future gives up the place in the queue.
    pub async fn acquire(&self, pixels: u64) -> PixelPermit {
        let permits = permits(pixels).min(u64::from(self.permits)) as u32;
        // The semaphore is never closed.
        PixelPermit { _permit: self.semaphore.clone().acquire_many_owned(permits).await.ok() }
    }
}

fn permits(pixels: u64) -> u64 {
    pixels.div_ceil(PIXELS_PER_PERMIT).max(1)
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    fn poll<F: Future>(future: &mut std::pin::Pin<&mut F>) -> Poll<F::Output> {
        future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn no_more_is_acquired_than_the_budget_has() {
        let budget = PixelBudget::new(10_240);
        let mut large = pin!(budget.acquire(8_000));
        let Poll::Ready(permit) = poll(&mut large) else { panic!("the budget is free") };
        let mut other = pin!(budget.acquire(4_000));
        assert!(poll(&mut other).is_pending());
        drop(permit);
        assert!(poll(&mut other).is_ready());
    }

    #[test]
    fn small_images_do_not_overtake_a_large_one() {
        let budget = PixelBudget::new(10_240);
        let mut first = pin!(budget.acquire(5_000));
        let Poll::Ready(permit) = poll(&mut first) else { panic!("the budget is free") };
        let (mut large, mut small) = (pin!(budget.acquire(10_000)), pin!(budget.acquire(1_000)));
        assert!(poll(&mut large).is_pending());
        assert!(poll(&mut small).is_pending(), "it waits behind the large one");
        drop(permit);
        let Poll::Ready(permit) = poll(&mut large) else { panic!("the large image is next") };
        assert!(poll(&mut small).is_pending());
        drop(permit);
        assert!(poll(&mut small).is_ready());
    }

    #[test]
    fn an_image_larger_than_the_budget_is_processed_alone() {
        for pixels in [0, 10_240] {
            let budget = PixelBudget::new(pixels);
            let mut oversized = pin!(budget.acquire(u64::MAX));
            let Poll::Ready(permit) = poll(&mut oversized) else { panic!("it takes the whole budget") };
            let mut small = pin!(budget.acquire(1));
            assert!(poll(&mut small).is_pending());
            drop(permit);
            assert!(poll(&mut small).is_ready());
        }
    }

    #[test]
    fn a_dropped_wait_gives_up_its_place() {
        let budget = PixelBudget::new(10_240);
        let mut first = pin!(budget.acquire(6_000));
        let Poll::Ready(_permit) = poll(&mut first) else { panic!("the budget is free") };
        {
            let mut abandoned = pin!(budget.acquire(10_000));
            assert!(poll(&mut abandoned).is_pending());
        }
        assert!(poll(&mut pin!(budget.acquire(2_000))).is_ready());
    }
}
