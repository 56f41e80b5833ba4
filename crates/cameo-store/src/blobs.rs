//! The folder of input photos and results. A blob is one file whose name is its key.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};
use object_store::local::LocalFileSystem;
use object_store::path::Path as Key;
use object_store::{Error, GetOptions, GetRange, MultipartUpload, ObjectStore, ObjectStoreExt};

use crate::error::{Result, StoreError};

/// An [`Upload`] writes to the disk in chunks of at least this size.
const CHUNK_BYTES: usize = 256 << 10;

/// The folders below the root. A key is the name of a folder, a slash and the name of a file.
const FOLDERS: [&str; 2] = ["inputs", "results"];

/// A folder of blobs. Clones share it, and several processes may use it at once.
///
/// A blob appears when it is complete and never changes in part: it is written to a temporary file, flushed to the
/// disk, then renamed. A crash leaves at most the temporary file, which [`reconcile`](crate::reconcile()) removes.
/// Methods that cannot read or write a file return [`StoreError::Storage`]; a missing blob is not an error.
#[derive(Debug, Clone)]
pub struct Blobs {
    root: PathBuf,
    files: Arc<LocalFileSystem>,
}

/// A blob that is being read.
pub struct Blob {
    /// The size of the whole blob in bytes, even if only a range of it is read.
    pub size: u64,
    pub stream: BoxStream<'static, std::io::Result<Bytes>>,
}

impl Blobs {
    /// Opens the folder, and creates it if it does not exist.
    pub fn open(root: &Path) -> Result<Self> {
        for folder in FOLDERS {
            let path = root.join(folder);
            fs::create_dir_all(&path).map_err(|error| folder_error(&path, error))?;
        }
        // Without fsync, a power failure could lose a file whose row is already durable.
        let files = LocalFileSystem::new_with_prefix(root)?.with_fsync(true);
        Ok(Self { root: root.to_path_buf(), files: Arc::new(files) })
    }

    /// Begins to write a blob of unknown size. It appears when [`Upload::complete`] returns.
    pub async fn upload(&self, key: &str) -> Result<Upload> {
        let upload = self.files.put_multipart(&Key::from(key)).await?;
        Ok(Upload { upload, buffer: BytesMut::new() })
    }

    /// Writes a blob, and replaces an existing one. It is on the disk when this returns.
    ///
    /// # Errors
    /// [`StoreError::NoRoom`] if the disk has less room than it needs. Nothing is written then: others would lack that
    /// room meanwhile.
    pub async fn put(&self, key: &str, bytes: Bytes) -> Result<()> {
        let needed = bytes.len() as u64;
        if let Some(free) = self.free_bytes().filter(|free| *free < needed) {
            return Err(StoreError::NoRoom { needed, free });
        }
        self.files.put(&Key::from(key), bytes.into()).await?;
        Ok(())
    }

    /// Opens a blob to read all of it or a range of bytes; `None` if it does not exist.
    pub async fn get(&self, key: &str, range: Option<Range<u64>>) -> Result<Option<Blob>> {
        let options = GetOptions { range: range.map(GetRange::Bounded), ..GetOptions::default() };
        match self.files.get_opts(&Key::from(key), options).await {
            Ok(file) => {
                let size = file.meta.size;
                Ok(Some(Blob { size, stream: file.into_stream().map_err(std::io::Error::from).boxed() }))
            }
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Reads a whole blob into memory; `None` if it does not exist.
    pub async fn read(&self, key: &str) -> Result<Option<Bytes>> {
        match self.files.get(&Key::from(key)).await {
            Ok(file) => Ok(Some(file.bytes().await?)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Deletes a blob, if it exists.
    pub async fn delete(&self, key: &str) -> Result<()> {
        match self.files.delete(&Key::from(key)).await {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Returns the path of a blob's file, for readers that need only its first bytes.
    pub fn path(&self, key: &str) -> PathBuf {
        self.root.join(key)
    }

    /// Returns how many bytes are free for blobs; `None` if the system does not tell.
    pub fn free_bytes(&self) -> Option<u64> {
        fs4::available_space(&self.root).ok()
    }

    /// Returns whether there is no blob and no incomplete upload.
    pub fn is_empty(&self) -> Result<bool> {
        self.list_files().map(|files| files.is_empty())
    }

    /// Lists the names of all files below the root: blobs, files derived from them, and temporary files of uploads,
    /// whose names contain a `#`.
    pub(crate) fn list_files(&self) -> Result<Vec<String>> {
        let mut files = Vec::new();
        for folder in FOLDERS {
            let path = self.root.join(folder);
            for entry in fs::read_dir(&path).map_err(|error| folder_error(&path, error))? {
                let entry = entry.map_err(|error| folder_error(&path, error))?;
                files.push(format!("{folder}/{}", entry.file_name().to_string_lossy()));
            }
        }
        Ok(files)
    }

    /// Returns how long ago a file with this name was last modified; `None` if it does not exist any more.
    pub(crate) fn age(&self, name: &str) -> Option<Duration> {
        let modified = fs::metadata(self.root.join(name)).and_then(|file| file.modified()).ok()?;
        Some(SystemTime::now().duration_since(modified).unwrap_or_default())
    }

    /// Removes a file by a name that [`Blobs::list_files`] returned.
    pub(crate) fn remove_file(&self, name: &str) -> std::io::Result<()> {
        fs::remove_file(self.root.join(name))
    }
}

/// A blob that is being written. Dropping it before it is complete deletes what was written.
pub struct Upload {
    upload: Box<dyn MultipartUpload>,
    buffer: BytesMut,
}

impl Upload {
    /// Appends bytes to the blob.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= CHUNK_BYTES { self.flush().await } else { Ok(()) }
    }

    async fn flush(&mut self) -> Result<()> {
        let chunk = self.buffer.split().freeze();
        Ok(self.upload.put_part(chunk.into()).await?)
    }

    /// Publishes the blob. It is on the disk when this returns.
    pub async fn complete(mut self) -> Result<()> {
        if !self.buffer.is_empty() {
            self.flush().await?;
        }
        self.upload.complete().await?;
        Ok(())
    }
}

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        StoreError::Storage(error.to_string())
    }
}

fn folder_error(path: &Path, error: std::io::Error) -> StoreError {
    StoreError::Storage(format!("{}: {error}", path.display()))
}
