//! Photos and results: files whose names are keys, whole or absent, and on the disk once written.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use bytes::{Bytes, BytesMut};
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};
use object_store::local::LocalFileSystem;
use object_store::path::Path as Key;
use object_store::{Error as StoreError, GetOptions, GetRange, MultipartUpload, ObjectStore, ObjectStoreExt};

use crate::{Error, Result};

/// Bytes gathered before they are handed to the disk.
const CHUNK_BYTES: usize = 256 << 10;

/// Folders below the root; a key is one of them, a slash and a name.
const FOLDERS: [&str; 2] = ["inputs", "results"];

/// Shared by its clones.
#[derive(Debug, Clone)]
pub struct Blobs {
    root: PathBuf,
    files: Arc<LocalFileSystem>,
}

/// A blob that is being read.
pub struct Blob {
    /// Of the whole blob.
    pub bytes: u64,
    pub stream: BoxStream<'static, std::io::Result<Bytes>>,
}

impl Blobs {
    /// # Errors
    /// [`Error::Data`] if `root` cannot be made.
    pub fn open(root: &Path) -> Result<Self> {
        for folder in FOLDERS {
            let path = root.join(folder);
            fs::create_dir_all(&path).map_err(|error| Error::Data(format!("{}: {error}", path.display())))?;
        }
        // Without it a row could outlive its file in a power cut.
        let files = LocalFileSystem::new_with_prefix(root)?.with_fsync(true);
        Ok(Self { root: root.to_path_buf(), files: Arc::new(files) })
    }

    /// Begins a blob of unknown length. It appears when it is [complete](Upload::complete).
    pub async fn upload(&self, key: &str) -> Result<Upload> {
        let upload = self.files.put_multipart(&Key::from(key)).await?;
        Ok(Upload { upload, waiting: BytesMut::new() })
    }

    pub async fn put(&self, key: &str, bytes: Bytes) -> Result<()> {
        self.files.put(&Key::from(key), bytes.into()).await?;
        Ok(())
    }

    /// A blob, or the part of it in `range`; `None` if there is none.
    pub async fn get(&self, key: &str, range: Option<Range<u64>>) -> Result<Option<Blob>> {
        let options = GetOptions { range: range.map(GetRange::Bounded), ..GetOptions::default() };
        match self.files.get_opts(&Key::from(key), options).await {
            Ok(found) => {
                let bytes = found.meta.size;
                Ok(Some(Blob { bytes, stream: found.into_stream().map_err(std::io::Error::from).boxed() }))
            }
            Err(StoreError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// All of a blob in memory; `None` if there is none.
    pub async fn bytes(&self, key: &str) -> Result<Option<Bytes>> {
        match self.files.get(&Key::from(key)).await {
            Ok(found) => Ok(Some(found.bytes().await?)),
            Err(StoreError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Deletes a blob, if there is one.
    pub async fn delete(&self, key: &str) -> Result<()> {
        match self.files.delete(&Key::from(key)).await {
            Ok(()) | Err(StoreError::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Where a blob lies, for what reads only its first bytes.
    pub fn path(&self, key: &str) -> PathBuf {
        self.root.join(key)
    }

    /// All that lies in the folders, with the time of its last change: blobs, and what a crash left of uploads.
    pub(crate) fn all(&self) -> Result<Vec<(String, SystemTime)>> {
        let mut found = Vec::new();
        for folder in FOLDERS {
            let path = self.root.join(folder);
            let failed = |error: std::io::Error| Error::Data(format!("{}: {error}", path.display()));
            for entry in fs::read_dir(&path).map_err(failed)? {
                let entry = entry.map_err(failed)?;
                // Gone since it was listed: just as well.
                let Ok(changed) = entry.metadata().and_then(|meta| meta.modified()) else { continue };
                found.push((format!("{folder}/{}", entry.file_name().to_string_lossy()), changed));
            }
        }
        Ok(found)
    }

    /// Removes what [`Blobs::all`] named.
    pub(crate) fn remove(&self, name: &str) -> std::io::Result<()> {
        fs::remove_file(self.root.join(name))
    }
}

/// A blob on its way to the disk. Dropped before it is complete, it leaves nothing.
pub struct Upload {
    upload: Box<dyn MultipartUpload>,
    waiting: BytesMut,
}

impl Upload {
    pub async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.waiting.extend_from_slice(bytes);
        if self.waiting.len() >= CHUNK_BYTES { self.flush().await } else { Ok(()) }
    }

    async fn flush(&mut self) -> Result<()> {
        let part = self.waiting.split().freeze();
        Ok(self.upload.put_part(part.into()).await?)
    }

    /// Publishes the blob; it is on the disk when this returns.
    pub async fn complete(mut self) -> Result<()> {
        if !self.waiting.is_empty() {
            self.flush().await?;
        }
        self.upload.complete().await?;
        Ok(())
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Error::Data(error.to_string())
    }
}
