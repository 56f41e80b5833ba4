//! Choices that are asked for by a word, in flags, queries and stored recipes alike.

/// Gives an enumeration the words it is asked for by, in the order they are shown; `$what` it is, in errors.
macro_rules! names {
    ($kind:ident, $what:literal, $($variant:ident = $name:literal),+) => {
        impl $kind {
            pub const ALL: [$kind; [$($name),+].len()] = [$($kind::$variant),+];

            /// The word it is asked for by.
            pub fn name(self) -> &'static str {
                match self {
                    $($kind::$variant => $name),+
                }
            }
        }

        impl std::fmt::Display for $kind {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }

        impl std::str::FromStr for $kind {
            type Err = String;

            fn from_str(name: &str) -> std::result::Result<Self, String> {
                let found = Self::ALL.into_iter().find(|one| one.name() == name);
                found.ok_or_else(|| {
                    let names: Vec<&str> = Self::ALL.iter().map(|one| one.name()).collect();
                    let (last, others) = names.split_last().expect("a choice has names");
                    format!(concat!("no ", $what, " is named {:?}: use {} or {}"), name, others.join(", "), last)
                })
            }
        }
    };
}

pub(crate) use names;
