//! Loading the parameters of a module from a weights file.

use std::path::Path;

use burn::store::{FloatCastAdapter, ModuleSnapshot, SafetensorsStore};
use burn::tensor::DType;
use cameo_models::ModelEntry;

/// Returns `network` with the parameters of the file `weights`, which may be of any float type.
pub fn load_weights<M: ModuleSnapshot>(mut network: M, entry: &ModelEntry, weights: &Path) -> Result<M, String> {
    let mut store = SafetensorsStore::from_file(weights).with_from_adapter(FloatCastAdapter::to(DType::F32));
    let name = entry.network;
    let applied = network.load_from(&mut store).map_err(|error| format!("the weights do not fit {name}: {error}"))?;
    match applied.unused.first() {
        Some(unused) => Err(format!("the file has a parameter {unused}, which {name} does not have")),
        None => Ok(network),
    }
}
