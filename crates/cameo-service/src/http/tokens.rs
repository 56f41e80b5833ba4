//! JSON Web Tokens, signed with HMAC-SHA-256 and verified as RFC 8725 recommends.

use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use cameo_store::User;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::secrets::SigningKey;

/// The only algorithm, whatever a token's header says.
const ALGORITHM: Algorithm = Algorithm::HS256;
const TYPE: &str = "JWT";
const ISSUER: &str = "cameo";
const AUDIENCE: &str = "cameo-api";
/// Tolerance for clocks that differ a little, in seconds.
const LEEWAY_SECS: u64 = 5;

/// The claims of a token. All are required.
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
    /// When the user's password was last set: setting a new one invalidates the token.
    pub password_of: i64,
}

impl Claims {
    /// Returns whether the token has not expired since it was verified.
    pub fn is_current(&self) -> bool {
        jsonwebtoken::get_current_timestamp() <= self.exp + LEEWAY_SECS
    }
}

/// Issues and verifies tokens.
pub struct Tokens {
    /// Never empty; the first key signs.
    keys: RwLock<Vec<SigningKey>>,
    ttl: Duration,
}

impl Tokens {
    pub fn new(keys: Vec<SigningKey>, ttl: Duration) -> Self {
        Self { keys: RwLock::new(keys), ttl }
    }

    /// The seconds for which a new token is valid.
    pub fn ttl_secs(&self) -> u64 {
        self.ttl.as_secs()
    }

    /// Replaces the keys, after they were rotated.
    pub fn renew_keys(&self, keys: Vec<SigningKey>) {
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
    }

    fn with_keys<T>(&self, run: impl FnOnce(&[SigningKey]) -> T) -> T {
        run(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Issues a token for `user`.
    pub fn issue(&self, user: &User) -> Result<String, jsonwebtoken::errors::Error> {
        let now = jsonwebtoken::get_current_timestamp();
        let claims = Claims {
            iss: ISSUER.into(),
            aud: AUDIENCE.into(),
            sub: user.id.to_string(),
            iat: now,
            nbf: now,
            exp: now + self.ttl_secs(),
            jti: Uuid::new_v4().to_string(),
            password_of: user.password_changed_at,
        };
        self.with_keys(|keys| {
            let header = Header { kid: Some(keys[0].id.clone()), typ: Some(TYPE.into()), ..Header::new(ALGORITHM) };
            encode(&header, &claims, &EncodingKey::from_secret(keys[0].secret()))
        })
    }

    /// Returns the claims of `token` if one of the keys signed it and it is valid now.
    pub fn verify(&self, token: &str) -> Option<Claims> {
        let header = decode_header(token).ok()?;
        // Only `kid` is used, to choose among our own keys: a key in the header, or a URL of one, is ignored.
        if header.alg != ALGORITHM || header.typ.as_deref() != Some(TYPE) {
            return None;
        }
        let id = header.kid?;
        self.with_keys(|keys| {
            let key = keys.iter().find(|key| key.id == id)?;
            let claims = decode::<Claims>(token, &DecodingKey::from_secret(key.secret()), &validation()).ok()?.claims;
            // The library does not check `iat`: a token from the future was not issued by this clock.
            let plausible = claims.iat <= jsonwebtoken::get_current_timestamp() + LEEWAY_SECS && !claims.jti.is_empty();
            plausible.then_some(claims)
        })
    }
}

fn validation() -> Validation {
    let mut validation = Validation::new(ALGORITHM);
    validation.leeway = LEEWAY_SECS;
    validation.validate_nbf = true;
    validation.set_audience(&[AUDIENCE]);
    validation.set_issuer(&[ISSUER]);
    // The type of the claims requires `iat` and `jti`.
    validation.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
    validation
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn key(letter: &str) -> SigningKey {
        SigningKey::from_secret(&letter.repeat(64)).unwrap()
    }

    fn user() -> User {
        User {
            id: 7,
            name: "ann".into(),
            password_hash: String::new(),
            disabled: false,
            demo: false,
            created_at: 0,
            password_changed_at: 3,
        }
    }

    fn tokens() -> Tokens {
        Tokens::new(vec![key("a")], Duration::from_secs(60))
    }

    /// A token with valid claims, altered by `change`.
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
        let claims = tokens().verify(&tokens().issue(&user()).unwrap()).unwrap();
        assert_eq!((claims.sub.as_str(), claims.password_of), ("7", 3));
        assert!(tokens().verify(&forged(|_, _| {}, key("a").secret())).is_some(), "an unaltered forgery is valid");
    }

    #[test]
    fn every_claim_is_required() {
        for claim in ["iss", "aud", "sub", "iat", "nbf", "exp", "jti", "password_of"] {
            let token = forged(|_, claims| drop(claims.as_object_mut().unwrap().remove(claim)), key("a").secret());
            assert!(tokens().verify(&token).is_none(), "{claim}");
        }
    }

    #[test]
    fn a_wrong_claim_is_refused() {
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
            assert!(tokens().verify(&token).is_none(), "{claim}");
        }
    }

    #[test]
    fn a_wrong_header_is_refused() {
        let assert_refused = |change: fn(&mut Header)| {
            assert!(tokens().verify(&forged(|header, _| change(header), key("a").secret())).is_none());
        };
        assert_refused(|header| header.alg = Algorithm::HS512);
        assert_refused(|header| header.typ = None);
        assert_refused(|header| header.typ = Some("at+jwt".into()));
        assert_refused(|header| header.kid = None);
        assert_refused(|header| header.kid = Some("another".into()));
        assert!(tokens().verify(&forged(|_, _| {}, key("b").secret())).is_none(), "signed with another key");
        // The header {"alg":"none","typ":"JWT"}, valid claims and no signature.
        let signed = forged(|_, _| {}, key("a").secret());
        let claims = signed.split('.').nth(1).unwrap();
        assert!(tokens().verify(&format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{claims}.")).is_none());
        for garbage in ["", ".", "..", "a.b.c", "ä.ö.ü"] {
            assert!(tokens().verify(garbage).is_none());
        }
    }

    #[test]
    fn an_old_key_verifies_until_it_is_dropped_and_the_newest_signs() {
        let tokens = tokens();
        let old = tokens.issue(&user()).unwrap();
        tokens.renew_keys(vec![key("b"), key("a")]);
        assert!(tokens.verify(&old).is_some());
        let new = tokens.issue(&user()).unwrap();
        tokens.renew_keys(vec![key("b")]);
        assert!(tokens.verify(&old).is_none() && tokens.verify(&new).is_some());
    }
}
