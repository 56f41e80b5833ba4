//! Tokens: JSON Web Tokens signed with HMAC-SHA-256 and checked after RFC 8725.

use std::sync::RwLock;

use cameo_tasks::User;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::accounts::keys::Key;

/// The one algorithm, whatever a token's header says.
const ALGORITHM: Algorithm = Algorithm::HS256;
const TYPE: &str = "JWT";
const ISSUER: &str = "cameo";
const AUDIENCE: &str = "cameo-api";
/// For clocks that differ a little, in seconds.
const LEEWAY_SECS: u64 = 5;

#[derive(Debug, Serialize, Deserialize)]
pub struct Claims {
    iss: String,
    aud: String,
    /// The user's id.
    pub sub: String,
    iat: u64,
    nbf: u64,
    exp: u64,
    jti: String,
    /// Of the user's password: a new one voids the tokens of the old.
    pub password_of: i64,
}

/// Makes and checks tokens.
pub struct Tokens {
    /// The first signs.
    keys: RwLock<Vec<Key>>,
    pub ttl_secs: u64,
}

impl Tokens {
    pub fn new(keys: Vec<Key>, ttl_secs: u64) -> Self {
        Self { keys: RwLock::new(keys), ttl_secs }
    }

    /// Takes the keys that have been rotated meanwhile.
    pub fn renew(&self, keys: Vec<Key>) {
        *self.keys.write().unwrap_or_else(std::sync::PoisonError::into_inner) = keys;
    }

    fn with_keys<T>(&self, run: impl FnOnce(&[Key]) -> T) -> T {
        run(&self.keys.read().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    pub fn issue(&self, user: &User) -> Result<String, jsonwebtoken::errors::Error> {
        let now = jsonwebtoken::get_current_timestamp();
        let claims = Claims {
            iss: ISSUER.into(),
            aud: AUDIENCE.into(),
            sub: user.id.to_string(),
            iat: now,
            nbf: now,
            exp: now + self.ttl_secs,
            jti: Uuid::new_v4().to_string(),
            password_of: user.tokens_from,
        };
        self.with_keys(|keys| {
            let header = Header { kid: Some(keys[0].id.clone()), typ: Some(TYPE.into()), ..Header::new(ALGORITHM) };
            encode(&header, &claims, &EncodingKey::from_secret(keys[0].secret()))
        })
    }

    /// The claims of a token that one of our keys signed and that is valid now.
    pub fn check(&self, token: &str) -> Option<Claims> {
        let header = decode_header(token).ok()?;
        // Only what we write ourselves is read: no key is taken from a header, or fetched from where it points.
        if header.alg != ALGORITHM || header.typ.as_deref() != Some(TYPE) {
            return None;
        }
        let id = header.kid?;
        self.with_keys(|keys| {
            let key = keys.iter().find(|key| key.id == id)?;
            let claims = decode::<Claims>(token, &DecodingKey::from_secret(key.secret()), &validation()).ok()?.claims;
            // A token from the future was not made by this clock; no library checks it.
            let sane = claims.iat <= jsonwebtoken::get_current_timestamp() + LEEWAY_SECS && !claims.jti.is_empty();
            sane.then_some(claims)
        })
    }
}

fn validation() -> Validation {
    let mut validation = Validation::new(ALGORITHM);
    validation.leeway = LEEWAY_SECS;
    validation.validate_nbf = true;
    validation.set_audience(&[AUDIENCE]);
    validation.set_issuer(&[ISSUER]);
    // `iat` and `jti` are required by the type of the claims.
    validation.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
    validation
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn key(letter: &str) -> Key {
        Key::from_secret(&letter.repeat(64)).unwrap()
    }

    fn user() -> User {
        let (name, password_hash) = ("ann".into(), String::new());
        User { id: 7, name, password_hash, disabled: false, demo: false, created_at: 0, tokens_from: 3 }
    }

    fn tokens() -> Tokens {
        Tokens::new(vec![key("a")], 60)
    }

    /// A token with our claims, changed by `change`.
    fn forged(change: impl FnOnce(&mut Header, &mut Value), secret: &[u8]) -> String {
        let now = jsonwebtoken::get_current_timestamp();
        let mut header = Header { kid: Some(key("a").id), typ: Some("JWT".into()), ..Header::new(ALGORITHM) };
        let mut claims = json!({"iss": "cameo", "aud": "cameo-api", "sub": "7", "iat": now, "nbf": now,
            "exp": now + 60, "jti": "one", "password_of": 3});
        change(&mut header, &mut claims);
        encode(&header, &claims, &EncodingKey::from_secret(secret)).unwrap()
    }

    #[test]
    fn a_token_names_its_user() {
        let claims = tokens().check(&tokens().issue(&user()).unwrap()).unwrap();
        assert_eq!((claims.sub.as_str(), claims.password_of), ("7", 3));
        assert!(tokens().check(&forged(|_, _| {}, key("a").secret())).is_some(), "the forger's tool works");
    }

    #[test]
    fn every_claim_is_required() {
        for claim in ["iss", "aud", "sub", "iat", "nbf", "exp", "jti", "password_of"] {
            let token = forged(|_, claims| drop(claims.as_object_mut().unwrap().remove(claim)), key("a").secret());
            assert!(tokens().check(&token).is_none(), "{claim}");
        }
    }

    #[test]
    fn claims_that_are_wrong_are_refused() {
        let now = jsonwebtoken::get_current_timestamp();
        let wrong = [
            ("iss", json!("another")),
            ("aud", json!("another")),
            ("exp", json!(now - 10)),
            ("nbf", json!(now + 60)),
            ("iat", json!(now + 60)),
            ("jti", json!("")),
        ];
        for (claim, value) in wrong {
            let token = forged(|_, claims| claims[claim] = value, key("a").secret());
            assert!(tokens().check(&token).is_none(), "{claim}");
        }
    }

    #[test]
    fn headers_that_are_wrong_are_refused() {
        let check = |change: fn(&mut Header)| {
            assert!(tokens().check(&forged(|header, _| change(header), key("a").secret())).is_none());
        };
        check(|header| header.alg = Algorithm::HS512);
        check(|header| header.typ = None);
        check(|header| header.typ = Some("at+jwt".into()));
        check(|header| header.kid = None);
        check(|header| header.kid = Some("another".into()));
        assert!(tokens().check(&forged(|_, _| {}, key("b").secret())).is_none(), "another's signature");
        // {"alg":"none","typ":"JWT"} and the claims, without a signature.
        let signed = forged(|_, _| {}, key("a").secret());
        let claims = signed.split('.').nth(1).unwrap();
        assert!(tokens().check(&format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{claims}.")).is_none());
        for garbage in ["", ".", "..", "a.b.c", "ä.ö.ü"] {
            assert!(tokens().check(garbage).is_none());
        }
    }

    #[test]
    fn an_old_key_verifies_until_it_is_dropped_and_the_new_one_signs() {
        let tokens = tokens();
        let old = tokens.issue(&user()).unwrap();
        tokens.renew(vec![key("b"), key("a")]);
        assert!(tokens.check(&old).is_some());
        let new = tokens.issue(&user()).unwrap();
        tokens.renew(vec![key("b")]);
        assert!(tokens.check(&old).is_none() && tokens.check(&new).is_some());
    }
}
