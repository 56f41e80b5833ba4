//! Parsing of options that are named by a word, in flags, queries and stored recipes alike.

use std::fmt;

use strum::VariantNames;

/// A word that names none of an option's values. The message lists the names that exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownName(String);

impl UnknownName {
    /// Returns the error for `name`, which names no variant of `T`.
    pub(crate) fn of<T: VariantNames>(name: &str) -> Self {
        let (last, others) = T::VARIANTS.split_last().expect("an option has values");
        Self(format!("{name:?} is not one of its values: use {} or {last}", others.join(", ")))
    }
}

impl fmt::Display for UnknownName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UnknownName {}
