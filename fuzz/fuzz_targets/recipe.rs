//! The recipe of a task and the options of a config, as JSON.

#![no_main]

use cameo_core::codec::ImageHeader;
use cameo_core::pipeline::{CutoutOptions, ProcessingLimits, Recipe};
use libfuzzer_sys::fuzz_target;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

fuzz_target!(|json: &[u8]| {
    if let Some(recipe) = read::<Recipe>(json)
        && recipe.check().is_ok()
    {
        for [width, height] in [[1, 1], [16_384, 3000]] {
            let Ok(resolved) = recipe.resolve(ImageHeader { width, height }, &ProcessingLimits::default()) else {
                continue;
            };
            assert!(resolved.enhancement.width >= width && resolved.enhancement.height >= height);
        }
    }
    if let Some(options) = read::<CutoutOptions>(json)
        && options.check().is_ok()
    {
        assert!(options.blur_sigma(16_384, 1).is_finite() && options.outward_reach(16_384, 1) < 1000);
    }
});

/// Reads a value, which must read back unchanged after it was written. Numbers may change in their last bit, which
/// serde_json reads exactly only with a feature that makes it slower.
fn read<T: Serialize + DeserializeOwned>(json: &[u8]) -> Option<T> {
    let value: T = serde_json::from_slice(json).ok()?;
    let written = serde_json::to_value(&value).expect("what was read can be written");
    let again: T = serde_json::from_str(&written.to_string()).expect("what was written can be read");
    let again = serde_json::to_value(again).expect("what was read can be written");
    assert!(is_equal(&again, &written), "{written}");
    Some(value)
}

fn is_equal(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(key, value)| other.get(key).is_some_and(|other| is_equal(value, other)))
        }
        (Value::Number(one), Value::Number(other)) => {
            let [one, other] = [one, other].map(|number| number.as_f64().unwrap_or(f64::NAN));
            (one - other).abs() <= one.abs() * 1e-12
        }
        _ => one == other,
    }
}
