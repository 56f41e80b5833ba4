//! Users, and the configs they save.

use unicode_normalization::UnicodeNormalization;
use uuid::Uuid;

use crate::time::Millis;

/// The primary key of a [`User`].
pub type UserId = i64;

/// An account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    pub id: UserId,
    /// The login name in its [canonical form](canonical_user_name), which no other user has.
    pub name: String,
    /// A password hash in PHC string format. It must not be logged.
    pub password_hash: String,
    /// A disabled user cannot log in.
    pub disabled: bool,
    /// The password is publicly known: the account is valid only while the server runs as a demo.
    pub demo: bool,
    pub created_at: Millis,
    /// When the password was last set or the user was last disabled; 0 if neither has happened since the user was
    /// created. Each token carries this value and becomes invalid when it changes.
    pub password_changed_at: Millis,
}

/// Returns the form in which the name of a user is stored and compared: lower case, and without the variants of
/// characters that Unicode has for compatibility (NFKC), such as full-width letters. Names are typed on different
/// keyboards, and two that look the same must not belong to two users.
pub fn canonical_user_name(name: &str) -> String {
    // A character may have an upper case only once it is normalised, and its lower case may need normalisation again.
    name.nfkc().collect::<String>().to_lowercase().nfkc().collect()
}

/// A named set of cutout options that a user has saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    pub id: Uuid,
    pub owner: UserId,
    /// A display name; it need not be unique.
    pub name: String,
    /// All users may read a shared config; only its owner may change it.
    pub shared: bool,
    /// The options as JSON, which the store does not interpret.
    pub options: String,
    pub created_at: Millis,
    pub updated_at: Millis,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variants_of_a_name_have_one_form() {
        for variant in ["éve", "ÉVE", "E\u{301}ve", "ｅ\u{301}ｖｅ", "Éve"] {
            assert_eq!(canonical_user_name(variant), "éve", "{variant}");
        }
        assert_eq!(canonical_user_name("Test_User.1@x+y-z"), "test_user.1@x+y-z");
        assert_eq!(canonical_user_name("王伟"), "王伟");
    }
}
