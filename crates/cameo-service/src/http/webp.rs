//! Results as WebP, which are made when a client asks for the first time.

use cameo_core::codec::{self, CodecError, Format, InputLimits};
use cameo_store::{Blobs, StoreError, TaskResult};
use tokio::runtime::Handle;

use super::problem::{Problem, Result};
use super::state::AppState;

impl AppState {
    /// Deletes a result in all its forms.
    pub async fn delete_result(&self, blob_key: &str) -> std::result::Result<(), StoreError> {
        self.blobs.delete(&key(blob_key)).await?;
        self.blobs.delete(blob_key).await
    }
}

/// Returns the blob key of the WebP that is made from the result `blob_key`.
pub fn key(blob_key: &str) -> String {
    format!("{blob_key}.webp")
}

/// Encodes the result as WebP, unless that was done before, and stores it beside the PNG. Returns its size in bytes.
pub async fn ensure(state: &AppState, result: &TaskResult) -> Result<u64> {
    let (blobs, png_key) = (state.blobs.clone(), result.blob_key.clone());
    if let Some(bytes) = size(&blobs, &png_key).await {
        return Ok(bytes);
    }
    // All of it is one piece of work, so that a client that disconnects does not leave the next one without its result.
    let runtime = Handle::current();
    state.webp_encodings.run(move || runtime.block_on(write(&blobs, &png_key))).await?
}

/// Returns the size of the WebP that was made from a result.
async fn size(blobs: &Blobs, png_key: &str) -> Option<u64> {
    let file = tokio::fs::metadata(blobs.path(&key(png_key))).await;
    file.ok().map(|file| file.len())
}

async fn write(blobs: &Blobs, png_key: &str) -> Result<u64> {
    // The request before this one may have written it.
    if let Some(bytes) = size(blobs, png_key).await {
        return Ok(bytes);
    }
    let missing = || Problem::internal(format!("the result {png_key} is missing"));
    let png = blobs.read(png_key).await?.ok_or_else(missing)?;
    // Our own PNG: the client is not at fault if it cannot be decoded.
    let webp = from_png(&png).map_err(Problem::internal)?;
    let bytes = webp.len() as u64;
    blobs.put(&key(png_key), webp.into()).await?;
    Ok(bytes)
}

fn from_png(png: &[u8]) -> std::result::Result<Vec<u8>, CodecError> {
    // The result was within the limits when it was made.
    let unlimited =
        InputLimits { max_bytes: usize::MAX, max_pixels: u64::MAX, max_side: u32::MAX, max_decoder_bytes: u64::MAX };
    let (image, profile) = codec::decode_keeping_p3(png, &unlimited)?;
    codec::encode(&image, Format::WebP, profile.as_ref())
}
