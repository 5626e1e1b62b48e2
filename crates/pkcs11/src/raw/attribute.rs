//! Attributes: templates we send, values we are given.

use core::ffi::c_void;

use cryptoki_sys::{
    CK_ATTRIBUTE, CK_ATTRIBUTE_TYPE, CK_BBOOL, CK_FALSE, CK_TRUE, CK_ULONG,
    CK_UNAVAILABLE_INFORMATION,
};

use super::ulong;

/// The longest value we read, in bytes: certificates are the longest things asked for.
const MAX_VALUE_LEN: usize = 65_536;

/// What a length is set to before the module is asked for it. Neither a length nor
/// `CK_UNAVAILABLE_INFORMATION`: where it is still there, the module gave up before this attribute.
const UNTOUCHED: CK_ULONG = CK_UNAVAILABLE_INFORMATION - 1;

/// One attribute of a template.
#[derive(Clone, Debug)]
pub(crate) struct Attribute {
    kind: CK_ATTRIBUTE_TYPE,
    value: Value,
}

/// Each form stored so that a pointer to it is aligned as the module may expect.
#[derive(Clone, Debug)]
enum Value {
    Flag(CK_BBOOL),
    Number(CK_ULONG),
    Bytes(Vec<u8>),
}

impl Attribute {
    pub(crate) const fn flag(kind: CK_ATTRIBUTE_TYPE, value: bool) -> Self {
        Self { kind, value: Value::Flag(if value { CK_TRUE } else { CK_FALSE }) }
    }

    pub(crate) const fn number(kind: CK_ATTRIBUTE_TYPE, value: CK_ULONG) -> Self {
        Self { kind, value: Value::Number(value) }
    }

    pub(crate) fn bytes(kind: CK_ATTRIBUTE_TYPE, value: impl Into<Vec<u8>>) -> Self {
        Self { kind, value: Value::Bytes(value.into()) }
    }

    pub(crate) const fn kind(&self) -> CK_ATTRIBUTE_TYPE {
        self.kind
    }
}

/// Points into the attributes, which must outlive the result. The module only reads templates.
pub(super) fn template(attributes: &[Attribute]) -> Vec<CK_ATTRIBUTE> {
    attributes
        .iter()
        .map(|attribute| {
            let (start, len): (*const c_void, usize) = match &attribute.value {
                Value::Flag(flag) => ((&raw const *flag).cast(), size_of::<CK_BBOOL>()),
                Value::Number(number) => ((&raw const *number).cast(), size_of::<CK_ULONG>()),
                Value::Bytes(bytes) => (bytes.as_ptr().cast(), bytes.len()),
            };
            CK_ATTRIBUTE { type_: attribute.kind, pValue: start.cast_mut(), ulValueLen: ulong(len) }
        })
        .collect()
}

/// Asks for lengths.
pub(super) fn length_request(kinds: &[CK_ATTRIBUTE_TYPE]) -> Vec<CK_ATTRIBUTE> {
    let empty =
        |&type_| CK_ATTRIBUTE { type_, pValue: core::ptr::null_mut(), ulValueLen: UNTOUCHED };
    kinds.iter().map(empty).collect()
}

/// What the module said to one request for a length.
pub(super) enum Length {
    /// Sensitive, unknown to the token, or longer than anything we read.
    Unavailable,
    /// The module stopped before this one.
    Unanswered,
    Known(usize),
}

pub(super) fn length(answer: &CK_ATTRIBUTE) -> Length {
    let len = answer.ulValueLen;
    match usize::try_from(len) {
        _ if len == UNTOUCHED => Length::Unanswered,
        Ok(len) if len <= MAX_VALUE_LEN => Length::Known(len),
        _ => Length::Unavailable,
    }
}

/// Room for one value, aligned for any type the module may write there.
pub(super) struct Room {
    kind: CK_ATTRIBUTE_TYPE,
    words: Vec<u64>,
    len: usize,
}

impl Room {
    pub(super) fn new(kind: CK_ATTRIBUTE_TYPE, len: usize) -> Self {
        Self { kind, words: vec![0; len.div_ceil(size_of::<u64>())], len }
    }

    /// Points into this room, which must outlive the result.
    pub(super) fn request(&mut self) -> CK_ATTRIBUTE {
        CK_ATTRIBUTE {
            type_: self.kind,
            pValue: self.words.as_mut_ptr().cast(),
            ulValueLen: ulong(self.len),
        }
    }

    /// Takes what the module wrote, unless it said now that there is nothing.
    pub(super) fn take(self, answer: &CK_ATTRIBUTE) -> Option<(CK_ATTRIBUTE_TYPE, Vec<u8>)> {
        let len = usize::try_from(answer.ulValueLen).ok().filter(|len| *len <= self.len)?;
        Some((self.kind, self.words.iter().flat_map(|word| word.to_ne_bytes()).take(len).collect()))
    }
}

/// The values an object was willing to tell.
#[derive(Debug, Default)]
pub(crate) struct Attributes(Vec<(CK_ATTRIBUTE_TYPE, Vec<u8>)>);

impl Attributes {
    pub(super) fn push(&mut self, value: (CK_ATTRIBUTE_TYPE, Vec<u8>)) {
        self.0.push(value);
    }

    /// Returns a value that is there and not empty: tokens fill unset attributes with nothing.
    pub(crate) fn bytes(&self, kind: CK_ATTRIBUTE_TYPE) -> Option<&[u8]> {
        let (_, value) = self.0.iter().find(|(candidate, _)| *candidate == kind)?;
        Some(value.as_slice()).filter(|value| !value.is_empty())
    }

    pub(crate) fn flag(&self, kind: CK_ATTRIBUTE_TYPE) -> Option<bool> {
        match self.bytes(kind)? {
            [value] => Some(*value != CK_FALSE),
            _ => None,
        }
    }

    pub(crate) fn number(&self, kind: CK_ATTRIBUTE_TYPE) -> Option<CK_ULONG> {
        self.bytes(kind)?.try_into().ok().map(CK_ULONG::from_ne_bytes)
    }

    /// Returns an array of numbers, as `CKA_ALLOWED_MECHANISMS` is one.
    pub(crate) fn numbers(&self, kind: CK_ATTRIBUTE_TYPE) -> Option<Vec<CK_ULONG>> {
        self.bytes(kind)?
            .chunks(size_of::<CK_ULONG>())
            .map(|chunk| chunk.try_into().ok().map(CK_ULONG::from_ne_bytes))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use cryptoki_sys::{CKA_ALLOWED_MECHANISMS, CKA_CLASS, CKA_LABEL, CKA_SIGN};

    use super::*;

    fn told(kind: CK_ATTRIBUTE_TYPE, value: &[u8]) -> Attributes {
        Attributes(vec![(kind, value.to_vec())])
    }

    #[test]
    fn values_of_the_wrong_size_are_no_values() {
        assert_eq!(told(CKA_SIGN, &[1]).flag(CKA_SIGN), Some(true));
        assert_eq!(told(CKA_SIGN, &[0]).flag(CKA_SIGN), Some(false));
        assert_eq!(told(CKA_SIGN, &[1, 0]).flag(CKA_SIGN), None);
        assert_eq!(told(CKA_CLASS, &[1, 0, 0]).number(CKA_CLASS), None);
        assert_eq!(told(CKA_CLASS, &CK_ULONG::to_ne_bytes(3)).number(CKA_CLASS), Some(3));
        assert_eq!(told(CKA_LABEL, b"").bytes(CKA_LABEL), None, "empty is unset");
    }

    #[test]
    fn arrays_of_numbers_are_whole_numbers() {
        let mut two = CK_ULONG::to_ne_bytes(1).to_vec();
        two.extend(CK_ULONG::to_ne_bytes(0x1041));
        let kind = CKA_ALLOWED_MECHANISMS;
        assert_eq!(told(kind, &two).numbers(kind), Some(vec![1, 0x1041]));
        two.pop();
        assert_eq!(told(kind, &two).numbers(kind), None);
    }

    #[test]
    fn an_answer_longer_than_its_room_is_dropped() {
        let mut room = Room::new(CKA_LABEL, 3);
        let mut answer = room.request();
        answer.ulValueLen = 4;
        assert!(room.take(&answer).is_none());

        let mut room = Room::new(CKA_LABEL, 3);
        let mut answer = room.request();
        answer.ulValueLen = 2;
        assert_eq!(room.take(&answer), Some((CKA_LABEL, vec![0, 0])));
    }

    #[test]
    fn unavailable_absurd_and_unanswered_lengths_are_told_apart() {
        let mut request = length_request(&[CKA_LABEL]);
        assert!(matches!(length(&request[0]), Length::Unanswered));
        request[0].ulValueLen = CK_UNAVAILABLE_INFORMATION;
        assert!(matches!(length(&request[0]), Length::Unavailable));
        request[0].ulValueLen = 1 << 30;
        assert!(matches!(length(&request[0]), Length::Unavailable));
        request[0].ulValueLen = 5;
        assert!(matches!(length(&request[0]), Length::Known(5)));
    }
}
