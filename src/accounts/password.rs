//! Passwords, kept as argon2id hashes in PHC form.

use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use argon2::{Algorithm, Argon2, Params, Version};

use crate::error::{Error, Result};

/// OWASP's least for argon2id: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19 << 10;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Characters a password must have, and bytes it may have.
const MIN_CHARS: usize = 8;
const MAX_BYTES: usize = 1024;

fn argon2() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).expect("the parameters are in range");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// A new hash with a salt of its own. Takes tens of milliseconds, on purpose.
///
/// # Errors
/// [`Error::BadRecipe`] if the password is too short or too long.
pub fn hash(password: &str) -> Result<String> {
    if password.chars().count() < MIN_CHARS || password.len() > MAX_BYTES {
        let text = format!("a password has {MIN_CHARS} characters at least and {MAX_BYTES} bytes at most");
        return Err(Error::BadRecipe(format!("{text}: choose another")));
    }
    let failed = |error| Error::Engine { engine: "password hash", reason: format!("{error}") };
    Ok(argon2().hash_password(password.as_bytes()).map_err(failed)?.to_string())
}

/// Whether `password` is the one of `hash`; without a hash the same work is done, for the same time, and it is not.
pub fn verify(password: &str, hash: Option<&str>) -> bool {
    // A hash of nothing anybody knows, made once with the same parameters.
    static DUMMY: std::sync::LazyLock<String> =
        std::sync::LazyLock::new(|| self::hash(&uuid::Uuid::new_v4().to_string()).unwrap_or_default());
    let known = hash.is_some();
    let Ok(parsed) = PasswordHash::new(hash.unwrap_or(&DUMMY)) else { return false };
    // A password of megabytes would take long for nothing.
    let password = if password.len() > MAX_BYTES { "" } else { password };
    argon2().verify_password(password.as_bytes(), &parsed).is_ok() && known
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_its_own_and_no_other() {
        let hash = hash("correct horse").unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(verify("correct horse", Some(&hash)));
        assert!(!verify("correct horsf", Some(&hash)));
        assert!(!verify("", Some(&hash)));
        assert_ne!(hash, super::hash("correct horse").unwrap(), "each hash has its own salt");
    }

    #[test]
    fn nobodys_password_is_never_right() {
        assert!(!verify("anything", None));
        assert!(!verify("anything", Some("no hash")));
    }

    #[test]
    fn a_short_password_is_refused() {
        assert!(hash("1234567").is_err());
        assert!(hash(&"x".repeat(2000)).is_err());
    }

    #[test]
    fn an_unknown_user_takes_as_long_as_a_known_one() {
        let hash = hash("correct horse").unwrap();
        verify("warm up", None);
        let time = |hash| {
            let since = std::time::Instant::now();
            (0..5).for_each(|_| assert!(!verify("wrong one", hash)));
            since.elapsed().as_secs_f64()
        };
        let (known, unknown) = (time(Some(&hash)), time(None));
        assert!((0.5..2.0).contains(&(known / unknown)), "{known} s and {unknown} s");
    }
}
