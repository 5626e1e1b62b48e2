//! Changing a file as an attacker would: everybody's way to prove that a check checks.

use std::fs::OpenOptions;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

/// Inverts all bits of the byte at `offset`, in place.
///
/// # Panics
/// Where the file cannot be written or has no such byte.
pub fn flip_byte(path: &Path, offset: u64) {
    let attempt = || {
        let mut file = OpenOptions::new().read(true).write(true).open(path)?;
        let mut byte = [0];
        file.seek(SeekFrom::Start(offset))?;
        file.read_exact(&mut byte)?;
        file.seek(SeekFrom::Start(offset))?;
        file.write_all(&byte.map(|value| !value))
    };
    if let Err(error) = attempt() {
        panic!("cannot flip byte {offset} of {}: {error}", path.display());
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn changes_exactly_one_byte_and_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("three");
        fs::write(&path, [1, 2, 3]).unwrap();
        flip_byte(&path, 1);
        assert_eq!(fs::read(&path).unwrap(), [1, !2, 3]);
        flip_byte(&path, 1);
        assert_eq!(fs::read(&path).unwrap(), [1, 2, 3]);
    }

    #[test]
    #[should_panic(expected = "cannot flip byte 3")]
    fn refuses_an_offset_beyond_the_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("three");
        fs::write(&path, [1, 2, 3]).unwrap();
        flip_byte(&path, 3);
    }
}
