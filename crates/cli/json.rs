//! The shapes of machine-readable output. Fields may be added; none goes or changes its meaning.

mod left_over;
mod verified;

use std::collections::BTreeMap;
use std::error::Error as _;
use std::fmt;
use std::path::Path;

use chancery::key::DigestAlgorithm;
use chancery::{Error, ErrorKind};
use serde::Serialize;
use serde_json::Value;

use crate::shown::encoded;

pub(crate) use self::left_over::LeftOver;
pub(crate) use self::verified::Verified;

/// Writes bytes as lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Writes a path; one that is not Unicode loses the parts that are not.
pub(crate) fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// The file an object is about.
#[derive(Debug, Serialize)]
pub(crate) struct FileName {
    file: String,
    /// Where the name is not Unicode: its bytes that are not UTF-8, and `%`, as `%` and two hex digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    file_encoded: Option<String>,
    /// For people.
    #[serde(skip)]
    text: String,
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FileName {
    pub(crate) fn new(path: &Path) -> Self {
        let text = crate::shown::shown(path);
        Self { file: shown(path), file_encoded: encoded_name(path), text }
    }
}

/// Adds the name of the file that an object is about.
pub(crate) fn about(file: &Path, mut object: Value) -> Value {
    if let (Value::Object(fields), Ok(Value::Object(name))) =
        (&mut object, serde_json::to_value(FileName::new(file)))
    {
        fields.extend(name);
    }
    object
}

/// The file an object says was or would be written.
#[derive(Debug, Serialize)]
pub(crate) struct OutputName {
    output: String,
    /// As `file_encoded`.
    #[serde(skip_serializing_if = "Option::is_none")]
    output_encoded: Option<String>,
}

impl OutputName {
    pub(crate) fn new(path: &Path) -> Self {
        Self { output: shown(path), output_encoded: encoded_name(path) }
    }
}

/// Writes a name that is not Unicode without loss.
fn encoded_name(path: &Path) -> Option<String> {
    path.to_str().is_none().then(|| encoded(path))
}

/// Writes digests by the names of their hashes.
pub(crate) fn digests(all: &[(DigestAlgorithm, Vec<u8>)]) -> BTreeMap<&'static str, String> {
    all.iter().map(|(algorithm, digest)| (algorithm.name(), hex(digest))).collect()
}

/// A file or key that could not be worked on.
#[derive(Debug, Serialize)]
pub(crate) struct Failure {
    schema: u32,
    r#type: &'static str,
    #[serde(flatten)]
    file: Option<FileName>,
    kind: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    candidates: Vec<String>,
    /// What to type next.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) hints: Vec<String>,
}

impl Failure {
    /// Arguments that make no sense.
    pub(crate) fn usage(message: String, hints: Vec<String>) -> Self {
        let kind = ErrorKind::Usage.name();
        Self { schema: 1, r#type: "error", file: None, kind, message, candidates: vec![], hints }
    }

    /// Returns what happened.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// The message is the error's and its causes', joined by colons.
    pub(crate) fn new(error: &Error, file: Option<&Path>, hints: Vec<String>) -> Self {
        let mut message = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            message.push_str(&format!(": {cause}"));
            source = cause.source();
        }
        Self {
            schema: 1,
            r#type: "error",
            file: file.map(FileName::new),
            kind: error.kind().name(),
            message,
            candidates: error.candidates().to_vec(),
            hints,
        }
    }
}

/// The digest of a file.
#[derive(Debug, Serialize)]
pub(crate) struct Digested {
    pub(crate) schema: u32,
    pub(crate) r#type: &'static str,
    #[serde(flatten)]
    pub(crate) file: FileName,
    pub(crate) format: &'static str,
    /// Of the file as it stands.
    pub(crate) authentihash: BTreeMap<&'static str, String>,
    /// What a signature carries: of the file as signing pads it to a multiple of eight bytes.
    pub(crate) signature_digest: BTreeMap<&'static str, String>,
}

/// A file that a run came upon before, under this name or another.
#[derive(Debug, Serialize)]
pub(crate) struct Again {
    schema: u32,
    r#type: &'static str,
    #[serde(flatten)]
    file: FileName,
}

impl Again {
    pub(crate) fn new(file: &Path) -> Self {
        Self { schema: 1, r#type: "again", file: FileName::new(file) }
    }
}

/// What became of many files.
#[derive(Debug, Serialize)]
pub(crate) struct Summary {
    pub(crate) schema: u32,
    pub(crate) r#type: &'static str,
    pub(crate) done: u64,
    pub(crate) failed: u64,
    pub(crate) again: u64,
    /// Of those that are done: there was nothing to do.
    pub(crate) left_alone: u64,
    /// That were hashed.
    pub(crate) bytes: u64,
    pub(crate) seconds: f64,
}

/// A file that was signed, or left alone because it was.
#[derive(Debug, Serialize)]
pub(crate) struct Signed {
    pub(crate) schema: u32,
    pub(crate) r#type: &'static str,
    #[serde(flatten)]
    pub(crate) file: FileName,
    #[serde(flatten)]
    pub(crate) output: OutputName,
    pub(crate) authentihash: BTreeMap<&'static str, String>,
    pub(crate) scheme: &'static str,
    /// Of every signature that was made.
    pub(crate) schemes: Vec<&'static str>,
    pub(crate) key: String,
    pub(crate) signer: String,
    pub(crate) thumbprint: String,
    pub(crate) timestamps: Vec<NewTimestamp>,
    pub(crate) warnings: Vec<&'static str>,
    /// Why there are no timestamps, where there should be.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) unstamped: Vec<String>,
}

/// A timestamp that was put on a signature.
#[derive(Debug, Serialize)]
pub(crate) struct NewTimestamp {
    /// Counted as `verify` counts them.
    signature: usize,
    kind: &'static str,
    time: String,
    signer: String,
}

impl NewTimestamp {
    pub(crate) fn list(timestamps: &[chancery::NewTimestamp]) -> Vec<Self> {
        let one = |stamp: &chancery::NewTimestamp| Self {
            signature: stamp.signature,
            kind: stamp.kind.name(),
            time: stamp.time.time().to_string(),
            signer: stamp.authority.subject().to_string(),
        };
        timestamps.iter().map(one).collect()
    }
}

/// What signing a file would do.
#[derive(Debug, Serialize)]
pub(crate) struct Plan {
    pub(crate) schema: u32,
    pub(crate) r#type: &'static str,
    #[serde(flatten)]
    pub(crate) file: FileName,
    #[serde(flatten)]
    pub(crate) output: OutputName,
    /// `sign`, `append`, `replace` or `skip`.
    pub(crate) action: &'static str,
    pub(crate) authentihash: BTreeMap<&'static str, String>,
    pub(crate) schemes: Vec<&'static str>,
    pub(crate) key: String,
    pub(crate) signer: String,
    pub(crate) thumbprint: String,
    /// Subjects of the certificates that go into the signature.
    pub(crate) certificates: Vec<String>,
    pub(crate) warnings: Vec<&'static str>,
}

/// Something wrong with one certificate of a path.
#[derive(Debug, Serialize)]
pub(crate) struct Finding {
    /// 0 for the leaf.
    index: usize,
    subject: String,
    reason: &'static str,
    message: String,
}

/// Lists what is wrong with a path.
pub(crate) fn findings(all: &[chancery::chain::Finding]) -> Vec<Finding> {
    let object = |one: &chancery::chain::Finding| Finding {
        index: one.index,
        subject: one.subject.clone(),
        reason: one.reason.name(),
        message: one.reason.to_string(),
    };
    all.iter().map(object).collect()
}

/// A key.
#[derive(Debug, Serialize)]
pub(crate) struct Key {
    pub(crate) schema: u32,
    pub(crate) r#type: &'static str,
    pub(crate) key: String,
    pub(crate) algorithm: Option<String>,
    pub(crate) label: Option<String>,
    pub(crate) id: Option<String>,
    pub(crate) can_sign: bool,
    pub(crate) never_extractable: Option<bool>,
    pub(crate) can_decrypt: Option<bool>,
}

/// A certificate or request.
#[derive(Debug, Serialize)]
pub(crate) struct Certificate {
    pub(crate) schema: u32,
    pub(crate) r#type: &'static str,
    #[serde(flatten)]
    pub(crate) file: FileName,
    pub(crate) subject: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) issuer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) serial: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) not_before: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) not_after: Option<String>,
    pub(crate) algorithm: String,
    /// Where it is one that can be verified.
    pub(crate) scheme: Option<&'static str>,
    /// The same, or the name or number of another algorithm.
    pub(crate) signature_algorithm: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ca: Option<bool>,
    /// What basicConstraints says, which is half of it.
    #[serde(skip)]
    pub(crate) ca_by_constraints: bool,
    pub(crate) key_usage: Option<Vec<&'static str>>,
    pub(crate) extended_key_usage: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) thumbprint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) thumbprint_sha256: Option<String>,
    pub(crate) extensions: Vec<Extension>,
}

/// An extension, and what it says.
#[derive(Debug, Serialize)]
pub(crate) struct Extension {
    pub(crate) oid: String,
    pub(crate) name: Option<&'static str>,
    pub(crate) critical: bool,
    pub(crate) understood: bool,
    pub(crate) values: Vec<String>,
}

/// Describes extensions in their order.
pub(crate) fn extensions(all: &chancery::x509::Extensions) -> Vec<Extension> {
    let object = |one: chancery::DescribedExtension| Extension {
        oid: one.oid.to_string(),
        name: one.name,
        critical: one.critical,
        understood: one.is_understood,
        values: one.values,
    };
    chancery::describe_extensions(all).into_iter().map(object).collect()
}

/// A certificate an authority issued.
#[derive(Debug, Serialize)]
pub(crate) struct Issued {
    schema: u32,
    r#type: &'static str,
    serial: String,
    subject: String,
    profile: String,
    not_before: String,
    not_after: String,
    thumbprint_sha256: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    invalid_since: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) output: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pem: Option<String>,
}

impl Issued {
    pub(crate) fn new(r#type: &'static str, issued: &chancery::authority::Issued) -> Self {
        let revocation = issued.revocation;
        Self {
            schema: 1,
            r#type,
            serial: issued.serial.clone(),
            subject: issued.subject.clone(),
            profile: issued.profile.clone(),
            not_before: issued.not_before.to_string(),
            not_after: issued.not_after.to_string(),
            thumbprint_sha256: issued.sha256.clone(),
            revoked: revocation.map(|revocation| revocation.date.to_string()),
            reason: revocation.map(|revocation| revocation.reason.name()),
            invalid_since: revocation
                .and_then(|revocation| revocation.invalid_since)
                .map(|time| time.to_string()),
            output: None,
            pem: None,
        }
    }
}

/// A file that was written.
#[derive(Debug, Serialize)]
pub(crate) struct Written {
    pub(crate) schema: u32,
    pub(crate) r#type: &'static str,
    #[serde(flatten)]
    pub(crate) output: OutputName,
}

/// A file whose signatures were taken out or put in.
#[derive(Debug, Serialize)]
pub(crate) struct Changed {
    pub(crate) schema: u32,
    /// `removed`, `attached`, `timestamped` or `skipped`.
    pub(crate) r#type: &'static str,
    #[serde(flatten)]
    pub(crate) file: FileName,
    #[serde(flatten)]
    pub(crate) output: OutputName,
    /// How many signatures it has now, where that was counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) signatures: Option<usize>,
    /// Those put in, where any was to be.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) timestamps: Vec<NewTimestamp>,
    /// Where it was skipped since the journal says that it is done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) journal: Option<bool>,
}

/// A step of the quickstart.
#[derive(Debug, Serialize)]
pub(crate) struct Step {
    pub(crate) schema: u32,
    pub(crate) r#type: &'static str,
    pub(crate) title: String,
    pub(crate) command: String,
}

/// A token.
#[derive(Debug, Serialize)]
pub(crate) struct Token {
    pub(crate) schema: u32,
    pub(crate) r#type: &'static str,
    pub(crate) module: String,
    pub(crate) uri: String,
    pub(crate) slot: u64,
    pub(crate) label: String,
    pub(crate) manufacturer: String,
    pub(crate) model: String,
    pub(crate) serial: String,
    pub(crate) initialized: bool,
    pub(crate) login_required: bool,
    pub(crate) pin_locked: bool,
    pub(crate) pin_final_try: bool,
}

/// A certificate that a token keeps.
#[derive(Debug, Serialize)]
pub(crate) struct TokenCertificate {
    pub(crate) schema: u32,
    pub(crate) r#type: &'static str,
    pub(crate) address: String,
    pub(crate) label: Option<String>,
    pub(crate) id: Option<String>,
    pub(crate) subject: Option<String>,
    pub(crate) issuer: Option<String>,
    pub(crate) not_after: Option<String>,
    pub(crate) thumbprint: Option<String>,
    /// The token's key it belongs to, where it was looked for and is there.
    pub(crate) key: Option<String>,
}

/// What is in a file's signatures.
#[derive(Debug, Serialize)]
pub(crate) struct Inspected {
    pub(crate) schema: u32,
    pub(crate) r#type: &'static str,
    #[serde(flatten)]
    pub(crate) file: FileName,
    pub(crate) format: &'static str,
    pub(crate) layout: BTreeMap<&'static str, String>,
    pub(crate) reasons: Vec<&'static str>,
    pub(crate) signatures: Vec<InspectedSignature>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) asn1: Vec<Asn1Value>,
}

/// A value of the ASN.1; `hex` is absent where the value has others in it.
#[derive(Debug, Serialize)]
pub(crate) struct Asn1Value {
    offset: u64,
    header_length: usize,
    length: usize,
    tag: u8,
    r#type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hex: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    values: Vec<Self>,
}

impl Asn1Value {
    pub(crate) fn new(value: &chancery::Asn1Value) -> Self {
        Self {
            offset: value.offset,
            header_length: value.header_len,
            length: value.contents.len(),
            tag: value.tag,
            r#type: value.type_name(),
            text: value.text(),
            hex: value.children.is_empty().then(|| hex(&value.contents)),
            values: value.children.iter().map(Self::new).collect(),
        }
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct InspectedSignature {
    pub(crate) offset: Option<u64>,
    pub(crate) length: usize,
    pub(crate) error: Option<String>,
    pub(crate) content_type: String,
    pub(crate) digest: BTreeMap<&'static str, String>,
    pub(crate) signer: Option<usize>,
    pub(crate) certificates: Vec<String>,
    pub(crate) signed_attributes: Vec<Attribute>,
    pub(crate) unsigned_attributes: Vec<Attribute>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Attribute {
    pub(crate) oid: String,
    pub(crate) values: usize,
    pub(crate) length: usize,
}
