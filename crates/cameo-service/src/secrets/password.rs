//! Passwords, stored as argon2id hashes in PHC form.

use std::sync::{LazyLock, Mutex, PoisonError};

use argon2::password_hash::PasswordHasher;
use argon2::password_hash::phc::{Output, PasswordHash};
use argon2::{Algorithm, Argon2, Block, Params, Version};

use super::error::SecretsError;

/// The minimum that OWASP recommends for argon2id: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19 << 10;
const PASSES: u32 = 2;
const LANES: u32 = 1;

const MIN_CHARS: usize = 8;
const MAX_BYTES: usize = 1024;

fn argon2() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).expect("the parameters are in range");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// Hashes a password with a new salt. Takes tens of milliseconds by design.
///
/// # Errors
/// [`SecretsError::PasswordLength`] if the password is too short or too long.
pub fn hash(password: &str) -> Result<String, SecretsError> {
    if password.chars().count() < MIN_CHARS || password.len() > MAX_BYTES {
        return Err(SecretsError::PasswordLength { min_chars: MIN_CHARS, max_bytes: MAX_BYTES });
    }
    let hash = argon2().hash_password(password.as_bytes());
    Ok(hash.map_err(|error| SecretsError::PasswordHash(error.to_string()))?.to_string())
}

/// Returns whether `hash` is the hash of `password`.
///
/// Without a hash, as for an unknown user, the answer is always false but takes as long, so that the time does not
/// tell which users exist.
pub fn verify(password: &str, hash: Option<&str>) -> bool {
    /// The hash of a random password, made once with the same parameters.
    static DUMMY: LazyLock<String> =
        LazyLock::new(|| self::hash(&uuid::Uuid::new_v4().to_string()).unwrap_or_default());
    let Ok(parsed) = PasswordHash::new(hash.unwrap_or(&DUMMY)) else { return false };
    // Hashing megabytes would let a caller occupy a core. No stored password is longer, so "" is as wrong.
    let password = if password.len() > MAX_BYTES { "" } else { password };
    hash_like(&parsed, password).is_some_and(|output| Some(output) == parsed.hash) && hash.is_some()
}

/// Hashes `password` with the salt and the parameters of `stored`. `None` if they are not those of an argon2 hash.
fn hash_like(stored: &PasswordHash, password: &str) -> Option<Output> {
    /// The memory of checks that are over. Memory that is returned to the allocator may stay with the thread that
    /// allocated it, and each check may run on another thread.
    static FREE_MEMORY: Mutex<Vec<Vec<Block>>> = Mutex::new(Vec::new());

    let algorithm = Algorithm::new(stored.algorithm.as_str()).ok()?;
    let version = Version::try_from(stored.version?).ok()?;
    let params = Params::try_from(stored).ok()?;
    let mut output = vec![0; params.output_len()?];
    let free_memory = || FREE_MEMORY.lock().unwrap_or_else(PoisonError::into_inner);

    let mut memory = free_memory().pop().unwrap_or_default();
    memory.resize(params.block_count(), Block::default());
    let argon2 = Argon2::new(algorithm, version, params);
    let result =
        argon2.hash_password_into_with_memory(password.as_bytes(), stored.salt.as_ref()?, &mut output, &mut memory[..]);
    free_memory().push(memory);
    result.ok()?;
    Output::new(&output).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_verifies_its_password_and_no_other() {
        let hash = hash("correct horse").unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(verify("correct horse", Some(&hash)));
        assert!(!verify("correct horsf", Some(&hash)));
        assert!(!verify("", Some(&hash)));
        assert_ne!(hash, super::hash("correct horse").unwrap(), "each hash has its own salt");
    }

    #[test]
    fn no_password_verifies_without_a_hash() {
        assert!(!verify("anything", None));
        assert!(!verify("anything", Some("no hash")));
    }

    #[test]
    fn a_password_that_is_too_short_or_too_long_is_refused() {
        assert!(hash("1234567").is_err());
        assert!(hash(&"x".repeat(2000)).is_err());
    }

    #[test]
    fn an_unknown_user_takes_as_long_as_a_known_one() {
        let hash = hash("correct horse").unwrap();
        verify("warm up", None);
        // The minimum of several runs: what else the machine does only ever adds time.
        let fastest = |hash| {
            let time = |_| {
                let since = std::time::Instant::now();
                assert!(!verify("wrong one", hash));
                since.elapsed().as_secs_f64()
            };
            (0..5).map(time).fold(f64::INFINITY, f64::min)
        };
        let (known, unknown) = (fastest(Some(&hash)), fastest(None));
        // Without the dummy hash, an unknown user would be answered a thousand times faster.
        assert!((0.1..10.0).contains(&(known / unknown)), "{known} s and {unknown} s");
    }
}
