//! Reads a form with a photo. The photo is written to the blob folder as it arrives; the few other fields are small.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use axum::extract::Request;
use axum::extract::multipart::{Field, Multipart, MultipartError};
use axum::http::StatusCode;
use cameo_core::codec::{self, ImageHeader};
use cameo_store::{Blobs, Task, TaskId};
use futures_util::StreamExt;
use sha2::{Digest, Sha256};
use tower_http::timeout::TimeoutError;

use super::problem::{Problem, Result};
use super::state::AppState;

/// Parts of a form, the photo among them.
const MAX_PARTS: usize = 8;
/// Bytes that may be read until the header of a part is complete. Chunks of the network are part of it, which are up to
/// 64 KiB.
const MAX_PART_HEADER_BYTES: usize = 256 << 10;
/// Bytes of a part other than the photo.
const MAX_FIELD_BYTES: usize = 1024;

/// A form that was read to its end.
pub struct PhotoForm {
    /// The parts other than the photo, by name.
    pub fields: HashMap<String, String>,
    pub photo: StoredPhoto,
    pub header: ImageHeader,
}

/// A photo in the blob folder.
pub struct StoredPhoto {
    /// SHA-256 in hexadecimal.
    pub sha256: String,
    pub bytes: u64,
    pub guard: PhotoGuard,
}

/// Reads a form, and stores its photo as the input of the task `id`. A photo whose header cannot be read is deleted.
pub async fn read(
    mut form: Multipart,
    header_limit: PartHeaderLimit,
    id: TaskId,
    state: &AppState,
) -> Result<PhotoForm> {
    let blobs = &state.blobs;
    let mut fields = HashMap::new();
    let mut photo = None;
    let mut parts = 0;
    loop {
        header_limit.begin();
        let Some(field) = form.next_field().await.map_err(unreadable)? else { break };
        header_limit.end();
        parts += 1;
        if parts > MAX_PARTS {
            let detail = format!("a form has at most {MAX_PARTS} parts: leave some out");
            return Err(Problem::bad_request("too_many_fields", detail));
        }
        match field.name() {
            Some("file") if photo.is_some() => {
                let detail = "a task takes one photo: send each in a call of its own";
                return Err(Problem::bad_request("several_files", detail));
            }
            Some("file") => photo = Some(store(field, id, blobs).await?),
            Some(name) if field.file_name().is_some() => {
                let detail = format!("the photo is in a part named {name:?}: name the part file");
                return Err(Problem::bad_request("missing_file", detail));
            }
            Some(name) => {
                let name = name.to_string();
                fields.insert(name, text(field).await?);
            }
            None => return Err(Problem::bad_request("invalid_form", "a part of the form has no name: add one")),
        }
    }
    let missing = || Problem::bad_request("missing_file", "the form has no photo: send it in a part named file");
    let photo = photo.ok_or_else(missing)?;
    let (path, limits) = (blobs.path(&Task::input_key(id)), state.settings.limits.input.clone());
    let header = state.header_reads.run(move || codec::header_of_file(&path, &limits)).await??;
    Ok(PhotoForm { fields, photo, header })
}

/// Limits what is read of the header of a part, which the parser keeps in memory and searches again with each chunk.
#[derive(Clone, Default)]
pub struct PartHeaderLimit(Arc<AtomicUsize>);

#[derive(Debug, thiserror::Error)]
#[error("the header of a part has more than {MAX_PART_HEADER_BYTES} bytes")]
struct PartHeaderTooLong;

impl PartHeaderLimit {
    /// The header of the next part begins, or somewhat later, behind the rest of the part before.
    fn begin(&self) {
        self.0.store(MAX_PART_HEADER_BYTES, Ordering::Relaxed);
    }

    /// The header is over: from here on, bytes belong to the content of the part.
    fn end(&self) {
        self.0.store(usize::MAX, Ordering::Relaxed);
    }

    fn count(&self, bytes: usize) -> std::result::Result<(), PartHeaderTooLong> {
        let left = self.0.load(Ordering::Relaxed);
        if left == usize::MAX {
            return Ok(());
        }
        self.0.store(left.checked_sub(bytes).ok_or(PartHeaderTooLong)?, Ordering::Relaxed);
        Ok(())
    }
}

/// Returns the request with a body that fails where the header of a part is too long.
pub fn limit_part_headers(request: Request) -> (Request, PartHeaderLimit) {
    let limit = PartHeaderLimit::default();
    let counted = limit.clone();
    let request = request.map(|body| {
        Body::from_stream(body.into_data_stream().map(move |chunk| {
            let chunk = chunk.map_err(axum::BoxError::from)?;
            counted.count(chunk.len())?;
            Ok::<_, axum::BoxError>(chunk)
        }))
    });
    (request, limit)
}

/// Deletes a photo when it is dropped, unless a task has taken it. The client may disconnect at any `.await`.
pub struct PhotoGuard {
    key: Option<String>,
    blobs: Blobs,
}

impl PhotoGuard {
    fn new(id: TaskId, blobs: &Blobs) -> Self {
        Self { key: Some(Task::input_key(id)), blobs: blobs.clone() }
    }

    /// Leaves the photo to its task.
    pub fn keep(mut self) {
        self.key = None;
    }
}

impl Drop for PhotoGuard {
    fn drop(&mut self) {
        if let Some(key) = self.key.take() {
            let blobs = self.blobs.clone();
            tokio::spawn(async move {
                if let Err(error) = blobs.delete(&key).await {
                    tracing::warn!(%error, "a refused photo could not be deleted: the reconciler will delete it");
                }
            });
        }
    }
}

async fn store(mut field: Field<'_>, id: TaskId, blobs: &Blobs) -> Result<StoredPhoto> {
    let guard = PhotoGuard::new(id, blobs);
    let mut upload = blobs.upload(&Task::input_key(id)).await?;
    let (mut sha256, mut bytes) = (Sha256::new(), 0);
    while let Some(chunk) = field.chunk().await.map_err(unreadable)? {
        sha256.update(&chunk);
        bytes += chunk.len() as u64;
        upload.write(&chunk).await?;
    }
    upload.complete().await?;
    Ok(StoredPhoto { sha256: hex::encode(sha256.finalize()), bytes, guard })
}

async fn text(mut field: Field<'_>) -> Result<String> {
    let mut bytes = Vec::new();
    while let Some(chunk) = field.chunk().await.map_err(unreadable)? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > MAX_FIELD_BYTES {
            let detail =
                format!("a field has at most {MAX_FIELD_BYTES} bytes: shorten it; the part of the photo is named file");
            return Err(Problem::bad_request("field_too_long", detail));
        }
    }
    let invalid = |_| Problem::bad_request("invalid_form", "a field is not UTF-8 text: correct it");
    String::from_utf8(bytes).map_err(invalid)
}

/// Returns why a form could not be read to its end.
fn unreadable(error: MultipartError) -> Problem {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(cause) = source {
        if cause.is::<TimeoutError>() {
            return stalled("the upload stood still: send it again");
        }
        if cause.is::<PartHeaderTooLong>() {
            return Problem::bad_request("invalid_form", "the header of a part is too long: shorten it");
        }
        source = cause.source();
    }
    match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => too_large(),
        _ => {
            let detail = "the form was cut short or is not multipart/form-data: send it again";
            Problem::bad_request("invalid_form", detail)
        }
    }
}

pub fn stalled(detail: &str) -> Problem {
    Problem::new(StatusCode::REQUEST_TIMEOUT, "upload_stalled", detail)
}

pub fn too_large() -> Problem {
    let detail = "the upload is too large: save the photo at a lower resolution or with stronger compression";
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail)
}
