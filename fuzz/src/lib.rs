//! What the fuzz targets share: the limits that every input must keep, and what is checked of each answer.
//!
//! - [`bounds`]: the processor time that an input may take
//! - [`images`]: the codec, and the metadata of photos
//! - [`service`], [`requests`]: the REST API, in this process and without a socket

pub mod bounds;
pub mod images;
pub mod requests;
pub mod service;
