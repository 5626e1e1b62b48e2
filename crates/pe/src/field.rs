//! Little-endian fields and lengths, without a panic in them.

/// Reads two bytes at an offset, if they are there.
pub(crate) fn u16_at(bytes: &[u8], offset: usize) -> Option<u16> {
    bytes.get(offset..)?.first_chunk().copied().map(u16::from_le_bytes)
}

/// Reads four bytes at an offset, if they are there.
pub(crate) fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    bytes.get(offset..)?.first_chunk().copied().map(u32::from_le_bytes)
}

/// Returns a slice's length as a file length.
pub(crate) fn len_of(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

/// Returns a file length as an upper bound of a slice's length.
pub(crate) fn slice_len(len: u64) -> usize {
    usize::try_from(len).unwrap_or(usize::MAX)
}

/// Returns how many bytes, 0 to 7, follow `len` up to the next quadword boundary.
pub(crate) const fn padding_to_8(len: u64) -> u64 {
    len.wrapping_neg() & 7
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pads_to_the_next_quadword_only() {
        let padded: [u64; 9] = core::array::from_fn(|len| padding_to_8(len as u64));
        assert_eq!(padded, [0, 7, 6, 5, 4, 3, 2, 1, 0]);
    }

    #[test]
    fn a_field_beyond_the_end_is_none() {
        assert_eq!(u32_at(&[1, 2, 3, 4], 0), Some(0x0403_0201));
        assert_eq!(u32_at(&[1, 2, 3, 4], 1), None);
        assert_eq!(u16_at(&[1, 2], usize::MAX), None);
    }
}
