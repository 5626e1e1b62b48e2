//! UTF-16LE text that ends in a zero, as Windows keeps it.

/// Writes text with its final zero.
pub(crate) fn encode(text: &str) -> Vec<u8> {
    text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
}

/// Reads text up to its first zero; `None` where there is none or it is no UTF-16.
pub(crate) fn decode(bytes: &[u8]) -> Option<String> {
    let pairs = bytes.chunks(2).map(<[u8; 2]>::try_from);
    let mut units = Vec::new();
    for pair in pairs {
        match u16::from_le_bytes(pair.ok()?) {
            0 => return String::from_utf16(&units).ok(),
            unit => units.push(unit),
        }
    }
    None
}
