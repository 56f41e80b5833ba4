//! Users, and the configs they save.

use uuid::Uuid;

use crate::time::Millis;

/// The primary key of a [`User`].
pub type UserId = i64;

/// An account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    pub id: UserId,
    /// The login name, unique regardless of ASCII case.
    pub name: String,
    /// A password hash in PHC string format. It must not be logged.
    pub password_hash: String,
    /// A disabled user cannot log in.
    pub disabled: bool,
    /// The password is publicly known: the account is valid only while the server runs as a demo.
    pub demo: bool,
    pub created_at: Millis,
    /// When the password was last set; 0 for the password that the user was created with. Each token carries this
    /// value and becomes invalid when it changes.
    pub password_changed_at: Millis,
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
