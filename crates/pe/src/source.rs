//! Where the bytes come from.

use alloc::boxed::Box;
use core::error::Error;
use core::fmt;

use crate::field::{len_of, slice_len};

/// A file's bytes, read at any offset.
///
/// Implemented for byte slices, and with the feature `std` by `SeekSource`.
pub trait Source {
    /// Returns the length in bytes.
    fn len(&self) -> u64;

    /// Tells whether there is nothing to read.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Fills `buf` with the bytes from `offset` on.
    ///
    /// # Errors
    /// When fewer bytes follow `offset`, or they cannot be read.
    fn read_exact_at(&mut self, offset: u64, buf: &mut [u8]) -> Result<(), SourceError>;
}

impl Source for &[u8] {
    fn len(&self) -> u64 {
        len_of(self)
    }

    fn read_exact_at(&mut self, offset: u64, buf: &mut [u8]) -> Result<(), SourceError> {
        let bytes = self
            .get(slice_len(offset)..)
            .and_then(|rest| rest.get(..buf.len()))
            .ok_or_else(|| SourceError::new(offset, OutOfBytes))?;
        buf.copy_from_slice(bytes);
        Ok(())
    }
}

impl<S: Source + ?Sized> Source for &mut S {
    fn len(&self) -> u64 {
        (**self).len()
    }

    fn read_exact_at(&mut self, offset: u64, buf: &mut [u8]) -> Result<(), SourceError> {
        (**self).read_exact_at(offset, buf)
    }
}

/// Why bytes could not be read; what the source said is the [`source`](Error::source).
#[derive(Debug)]
pub struct SourceError {
    offset: u64,
    cause: Box<dyn Error + Send + Sync>,
}

impl SourceError {
    /// Makes an error of a read at `offset`.
    #[must_use]
    pub fn new(offset: u64, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { offset, cause: cause.into() }
    }

    /// Returns where the read began.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// Returns the operating system's error, where that is the cause.
    #[cfg(feature = "std")]
    #[must_use]
    pub fn io_error(&self) -> Option<&std::io::Error> {
        self.cause.downcast_ref()
    }
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "reading failed at offset {:#x}", self.offset)
    }
}

impl Error for SourceError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.cause)
    }
}

#[derive(Debug)]
struct OutOfBytes;

impl fmt::Display for OutOfBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the bytes end before")
    }
}

impl Error for OutOfBytes {}

#[cfg(feature = "std")]
pub use seek::SeekSource;

#[cfg(feature = "std")]
mod seek {
    use std::io::{ErrorKind, Read, Result, Seek, SeekFrom};

    use super::{Source, SourceError};
    use crate::field::len_of;

    /// A file, or anything else that reads and seeks. Its length is asked for once.
    #[derive(Debug)]
    pub struct SeekSource<R> {
        inner: R,
        len: u64,
        /// Where the next read happens without a seek; unknown after a failure.
        position: Option<u64>,
    }

    impl<R: Read + Seek> SeekSource<R> {
        /// Takes the reader and finds out its length.
        ///
        /// # Errors
        /// When it does not seek.
        pub fn new(mut inner: R) -> Result<Self> {
            let len = inner.seek(SeekFrom::End(0))?;
            Ok(Self { inner, len, position: Some(len) })
        }

        /// Takes what follows the first `len` bytes for not there.
        #[must_use]
        pub fn limited(mut self, len: u64) -> Self {
            self.len = self.len.min(len);
            self
        }

        /// Returns the reader, at whatever position it was left.
        #[must_use]
        pub const fn get_ref(&self) -> &R {
            &self.inner
        }

        /// Gives the reader back, at whatever position it was left.
        #[must_use]
        pub fn into_inner(self) -> R {
            self.inner
        }

        fn fill(&mut self, offset: u64, buf: &mut [u8]) -> Result<()> {
            if offset.saturating_add(len_of(buf)) > self.len {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            if self.position.take() != Some(offset) {
                self.inner.seek(SeekFrom::Start(offset))?;
            }
            self.inner.read_exact(buf)?;
            self.position = offset.checked_add(len_of(buf));
            Ok(())
        }
    }

    impl<R: Read + Seek> Source for SeekSource<R> {
        fn len(&self) -> u64 {
            self.len
        }

        fn read_exact_at(
            &mut self,
            offset: u64,
            buf: &mut [u8],
        ) -> core::result::Result<(), SourceError> {
            self.fill(offset, buf).map_err(|error| SourceError::new(offset, error))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slice_refuses_to_read_past_its_end() {
        let mut source: &[u8] = b"12345";
        let mut buf = [0; 3];
        source.read_exact_at(2, &mut buf).unwrap();
        assert_eq!(&buf, b"345");
        let error = source.read_exact_at(3, &mut buf).unwrap_err();
        assert_eq!(error.offset(), 3);
        assert!(source.read_exact_at(u64::MAX, &mut buf).is_err());
    }

    #[cfg(feature = "std")]
    #[test]
    fn a_seek_source_reads_anywhere_and_hands_the_io_error_through() {
        let mut source = SeekSource::new(std::io::Cursor::new(b"12345")).unwrap();
        let mut buf = [0; 2];
        assert_eq!(source.len(), 5);
        for (offset, expected) in [(3, b"45"), (0, b"12"), (2, b"34")] {
            source.read_exact_at(offset, &mut buf).unwrap();
            assert_eq!(&buf, expected);
        }
        let error = source.read_exact_at(4, &mut buf).unwrap_err();
        assert_eq!(error.io_error().unwrap().kind(), std::io::ErrorKind::UnexpectedEof);
        source.read_exact_at(0, &mut buf).unwrap();
        assert_eq!(&buf, b"12", "a failed read does not shift the next one");

        let mut source = source.limited(4);
        assert_eq!(source.len(), 4);
        source.read_exact_at(2, &mut buf).unwrap();
        assert_eq!(&buf, b"34");
        assert!(source.read_exact_at(3, &mut buf).is_err(), "the fifth byte is not there");
    }
}
