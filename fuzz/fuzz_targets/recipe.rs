//! The recipe of a task and the options of a config, as JSON.

#![no_main]

use cameo_core::codec::ImageHeader;
use cameo_core::pipeline::{CutoutOptions, ProcessingLimits, Recipe};
use libfuzzer_sys::fuzz_target;
use serde::Serialize;
use serde::de::DeserializeOwned;

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

/// Reads a value, which must read back unchanged after it was written.
fn read<T: Serialize + DeserializeOwned + PartialEq>(json: &[u8]) -> Option<T> {
    let value: T = serde_json::from_slice(json).ok()?;
    let written = serde_json::to_string(&value).expect("what was read can be written");
    let again: T = serde_json::from_str(&written).expect("what was written can be read");
    assert!(again == value, "{written}");
    Some(value)
}
