//! Slows down password guessing: failed log-ins fill buckets that leak over time, and a full bucket refuses.

use std::collections::HashMap;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use cameo_store::canonical_user_name;
use tokio::sync::Notify;

use super::leaky_buckets::{LeakyBuckets, Room, insert_bounded};

/// Characters of a name that count for its bucket: names are as long as the caller likes.
const MAX_ACCOUNT_CHARS: usize = 200;

/// Limits failed log-ins by account and by client address.
///
/// Log-ins at the same time count towards the same limit: as many run at once as may still fail, and the others wait. A
/// log-in whose client disconnects counts as failed.
pub struct LoginThrottle {
    limits: Mutex<Limits>,
    /// Wakes those that wait when a log-in is over.
    over: Notify,
}

struct Limits {
    /// One account from one address: this limit stops a guesser first.
    pairs: LeakyBuckets<(String, IpAddr)>,
    /// One account from all addresses. It does not count for addresses from which somebody has logged in to the account
    /// before: otherwise a stranger could shut out its owner.
    accounts: LeakyBuckets<String>,
    /// One address, for all accounts.
    addresses: LeakyBuckets<IpAddr>,
    /// The pairs that have logged in, and when.
    known: HashMap<(String, IpAddr), Instant>,
}

impl Default for LoginThrottle {
    fn default() -> Self {
        let limits = Limits {
            pairs: LeakyBuckets::new(10, Duration::from_secs(30)),
            accounts: LeakyBuckets::new(50, Duration::from_secs(10)),
            addresses: LeakyBuckets::new(30, Duration::from_secs(10)),
            known: HashMap::new(),
        };
        Self { limits: Mutex::new(limits), over: Notify::new() }
    }
}

impl LoginThrottle {
    /// Begins a log-in to `account` from `address`. Waits while so many run that their failures would fill a bucket.
    ///
    /// # Errors
    /// The seconds to wait, if too many have failed.
    pub async fn begin(&self, account: &str, address: IpAddr) -> Result<LoginAttempt<'_>, u64> {
        loop {
            let mut over = pin!(self.over.notified());
            // From here on no wake-up is missed.
            over.as_mut().enable();
            if let Some(attempt) = self.try_begin(account, address, Instant::now())? {
                return Ok(attempt);
            }
            over.await;
        }
    }

    /// Begins a log-in; `None` if others have to be over first.
    fn try_begin(&self, account: &str, address: IpAddr, now: Instant) -> Result<Option<LoginAttempt<'_>>, u64> {
        let pair = (account_key(account), address);
        let mut limits = self.limits();
        let is_known = limits.known.contains_key(&pair);
        let rooms = [
            limits.pairs.room(&pair, now),
            if is_known { Room::Free } else { limits.accounts.room(&pair.0, now) },
            limits.addresses.room(&address, now),
        ];
        match rooms.into_iter().max().unwrap_or(Room::Free) {
            Room::Full { retry_after_secs } => Err(retry_after_secs),
            Room::Busy => Ok(None),
            Room::Free => {
                limits.pairs.bucket(pair.clone(), now).running += 1;
                limits.accounts.bucket(pair.0.clone(), now).running += 1;
                limits.addresses.bucket(address, now).running += 1;
                Ok(Some(LoginAttempt { throttle: self, pair, succeeded: false }))
            }
        }
    }

    fn limits(&self) -> MutexGuard<'_, Limits> {
        self.limits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A log-in that runs. It has failed when it is dropped, unless it has succeeded.
pub struct LoginAttempt<'a> {
    throttle: &'a LoginThrottle,
    pair: (String, IpAddr),
    succeeded: bool,
}

impl LoginAttempt<'_> {
    pub fn succeed(mut self) {
        self.succeeded = true;
    }
}

impl Drop for LoginAttempt<'_> {
    fn drop(&mut self) {
        let now = Instant::now();
        let mut limits = self.throttle.limits();
        limits.pairs.end(&self.pair, !self.succeeded, now);
        limits.accounts.end(&self.pair.0, !self.succeeded, now);
        limits.addresses.end(&self.pair.1, !self.succeeded, now);
        if self.succeeded {
            insert_bounded(&mut limits.known, self.pair.clone(), now, |since| since.elapsed());
        }
        drop(limits);
        self.throttle.over.notify_waiters();
    }
}

/// Returns the key of an account's bucket: all variants of a name belong to one account.
fn account_key(name: &str) -> String {
    let start: String = name.chars().take(MAX_ACCOUNT_CHARS).collect();
    canonical_user_name(&start)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(number: u8) -> IpAddr {
        [10, 0, 0, number].into()
    }

    /// Fails log-ins until one is refused. Returns how many were not, and the seconds to wait.
    fn guess(throttle: &LoginThrottle, account: &str, address: IpAddr, now: Instant) -> (u32, u64) {
        let mut failed = 0;
        loop {
            match throttle.try_begin(account, address, now) {
                Ok(attempt) => drop(attempt.expect("none of them runs for long")),
                Err(secs) => return (failed, secs),
            }
            failed += 1;
        }
    }

    fn begins(throttle: &LoginThrottle, account: &str, address: IpAddr) -> bool {
        throttle.try_begin(account, address, Instant::now()).is_ok_and(|attempt| attempt.is_some())
    }

    #[test]
    fn as_many_log_ins_run_at_once_as_may_still_fail() {
        let throttle = LoginThrottle::default();
        let now = Instant::now();
        let mut running: Vec<_> = (0..10).filter_map(|_| throttle.try_begin("ann", host(1), now).unwrap()).collect();
        assert_eq!(running.len(), 10);
        assert!(throttle.try_begin("ann", host(1), now).unwrap().is_none(), "the eleventh waits");
        running.pop().unwrap().succeed();
        assert!(begins(&throttle, "ann", host(1)), "one has succeeded, and its place is free");
        running.clear();
        assert!(throttle.try_begin("ann", host(1), now).is_err(), "the others and this one have failed");
    }

    #[tokio::test]
    async fn those_that_wait_go_on_when_a_log_in_is_over() {
        let throttle = LoginThrottle::default();
        let mut running = Vec::new();
        for _ in 0..10 {
            running.push(throttle.begin("ann", host(1)).await.unwrap_or_else(|_| panic!()));
        }
        let waiting = throttle.begin("ann", host(1));
        let end = async {
            tokio::task::yield_now().await;
            running.pop().unwrap().succeed();
        };
        assert!(tokio::join!(waiting, end).0.is_ok());
    }

    #[test]
    fn the_wait_does_not_grow_with_the_number_of_guesses() {
        let throttle = LoginThrottle::default();
        let now = Instant::now();
        assert_eq!(guess(&throttle, "ann", host(1), now), (10, 30));
        assert_eq!(guess(&throttle, "ANN", host(1), now), (0, 30), "the case of a name does not matter");
        assert_eq!(guess(&throttle, "ann", host(1), now + Duration::from_secs(31)).0, 1);
    }

    #[test]
    fn guesses_from_elsewhere_do_not_shut_out_an_owner_who_has_logged_in_before() {
        let throttle = LoginThrottle::default();
        let now = Instant::now();
        throttle.try_begin("ann", host(1), now).unwrap().unwrap().succeed();
        let guesses: u32 = (2..20).map(|other| guess(&throttle, "ann", host(other), now).0).sum();
        assert_eq!(guesses, 50, "from all addresses together");
        assert!(!begins(&throttle, "ann", host(100)));
        assert!(begins(&throttle, "ann", host(1)));
        assert!(begins(&throttle, "bob", host(100)));
    }

    #[test]
    fn an_address_is_throttled_for_all_accounts() {
        let throttle = LoginThrottle::default();
        assert_eq!((0..100).filter(|i| begins(&throttle, &format!("user{i}"), host(1))).count(), 30);
        assert!(begins(&throttle, "ann", host(2)));
    }
}
