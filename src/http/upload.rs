//! A form with a photo: the photo goes to the disk as it comes, the few other fields are small.

use std::collections::HashMap;

use axum::extract::multipart::{Field, Multipart, MultipartError};
use axum::http::StatusCode;
use cameo_tasks::{Blobs, Task, TaskId};
use sha2::{Digest, Sha256};

use super::problem::{Problem, Result};
use crate::codec::{self, Header, Limits};

/// Fields beside the photo, and bytes of each.
const MAX_FIELDS: usize = 8;
const MAX_FIELD_BYTES: usize = 1024;

/// What a form held.
pub struct Form {
    pub fields: HashMap<String, String>,
    /// SHA-256 of the photo, in hexadecimal.
    pub sha256: String,
    pub bytes: u64,
    /// Its size in pixels, as its header says.
    pub header: Header,
}

/// Reads a form; its photo becomes the input of the task `id`. What is refused leaves nothing behind.
pub async fn read(mut form: Multipart, id: TaskId, blobs: &Blobs, limits: &Limits) -> Result<Form> {
    let mut fields = HashMap::new();
    let mut photo = None;
    let mut count = 0;
    let missing = || Problem::bad("missing_file", "the form has no file: send the photo as a part named file");
    // Whatever way this ends, a photo without a task does not stay.
    let guard = Guard::of(id, blobs);
    while let Some(field) = form.next_field().await.map_err(refused)? {
        count += 1;
        if count > MAX_FIELDS {
            return Err(Problem::bad("too_many_fields", format!("a form has {MAX_FIELDS} parts at most")));
        }
        match field.name() {
            Some("file") if photo.is_some() => {
                return Err(Problem::bad("several_files", "a task takes one photo: send each by a call of its own"));
            }
            Some("file") => photo = Some(store(field, id, blobs).await?),
            Some(name) => {
                let name = name.to_string();
                fields.insert(name, text(field).await?);
            }
            None => return Err(Problem::bad("invalid_form", "a part of the form has no name")),
        }
    }
    let (sha256, bytes) = photo.ok_or_else(missing)?;
    let (path, limits) = (blobs.path(&Task::input(id)), limits.clone());
    let header =
        tokio::task::spawn_blocking(move || codec::header(&path, &limits)).await.map_err(Problem::internal)??;
    guard.keep();
    Ok(Form { fields, sha256, bytes, header })
}

/// Deletes a photo unless it is kept.
pub struct Guard {
    key: Option<String>,
    blobs: Blobs,
}

impl Guard {
    pub fn of(id: TaskId, blobs: &Blobs) -> Self {
        Self { key: Some(Task::input(id)), blobs: blobs.clone() }
    }

    pub fn keep(mut self) {
        self.key = None;
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(key) = self.key.take() {
            let blobs = self.blobs.clone();
            // The caller may be gone, and this with it.
            tokio::spawn(async move {
                if let Err(error) = blobs.delete(&key).await {
                    tracing::warn!(%error, "a photo that was refused is left to the reconciler");
                }
            });
        }
    }
}

async fn store(mut field: Field<'_>, id: TaskId, blobs: &Blobs) -> Result<(String, u64)> {
    let mut upload = blobs.upload(&Task::input(id)).await?;
    let (mut hash, mut bytes) = (Sha256::new(), 0);
    while let Some(chunk) = field.chunk().await.map_err(refused)? {
        hash.update(&chunk);
        bytes += chunk.len() as u64;
        upload.write(&chunk).await?;
    }
    upload.complete().await?;
    Ok((hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect(), bytes))
}

async fn text(mut field: Field<'_>) -> Result<String> {
    let mut bytes = Vec::new();
    while let Some(chunk) = field.chunk().await.map_err(refused)? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > MAX_FIELD_BYTES {
            return Err(Problem::bad("field_too_long", format!("a field has {MAX_FIELD_BYTES} bytes at most")));
        }
    }
    String::from_utf8(bytes).map_err(|_| Problem::bad("invalid_form", "a field is no text in UTF-8"))
}

/// Why a form could not be read to its end.
fn refused(error: MultipartError) -> Problem {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(cause) = source {
        if cause.is::<tower_http::timeout::TimeoutError>() {
            return Problem::new(
                StatusCode::REQUEST_TIMEOUT,
                "upload_stalled",
                "the upload stood still: send it again",
            );
        }
        source = cause.source();
    }
    match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => too_large(),
        _ => Problem::bad("invalid_form", "the form was cut short or is no multipart/form-data: send it again"),
    }
}

pub fn too_large() -> Problem {
    let detail = "the upload is too large: save the photo with less resolution or stronger compression";
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail)
}
