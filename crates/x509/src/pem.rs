//! Files with one or more PEM blocks, or one DER value.

use pem_rfc7468::{Decoder, LineEnding};

use crate::asn1::Tlv;
use crate::{Certificate, Error, kind};

/// One thing found in a file.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Document {
    /// The label of the PEM block, as in `CERTIFICATE`; `None` where the file is DER.
    pub label: Option<String>,
    /// The DER inside.
    pub der: Vec<u8>,
}

impl core::fmt::Debug for Document {
    /// Shows no contents: a document may be a private key.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Document({:?}, {} bytes)", self.label, self.der.len())
    }
}

/// Reads every PEM block of a file, or the file as one DER value.
///
/// Text between blocks is skipped, as OpenSSL writes it before certificates; a byte-order mark and either
/// kind of line ending are accepted. A file with neither gives an empty list.
///
/// # Errors
/// [`Error::Pem`] with the line of the block that is broken.
pub fn read_documents(bytes: &[u8]) -> Result<Vec<Document>, Error> {
    if let Ok(tlv) = Tlv::parse(bytes) {
        return Ok(vec![Document { label: None, der: tlv.raw.to_vec() }]);
    }
    let text = String::from_utf8_lossy(bytes);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let mut documents = Vec::new();
    let mut block: Option<(usize, String)> = None;
    for (number, line) in (1_usize..).zip(text.lines()) {
        let line = line.trim_end();
        if line.starts_with("-----BEGIN ")
            && let Some((unfinished, _)) = block.replace((number, String::new()))
        {
            return Err(Error::Pem { line: unfinished });
        }
        let Some((begin, body)) = &mut block else { continue };
        body.push_str(line);
        body.push('\n');
        if line.starts_with("-----END ") {
            documents.push(decode_block(body).ok_or(Error::Pem { line: *begin })?);
            block = None;
        }
    }
    match block {
        Some((line, _)) => Err(Error::Pem { line }),
        None => Ok(documents),
    }
}

/// Decodes one block, whatever the width of its lines.
fn decode_block(block: &str) -> Option<Document> {
    let width = block.lines().nth(1)?.len();
    let mut decoder = Decoder::new_wrapped(block.as_bytes(), width.max(1)).ok()?;
    let label = decoder.type_label().to_owned();
    let mut der = Vec::new();
    decoder.decode_to_end(&mut der).ok()?;
    Some(Document { label: Some(label), der })
}

/// Writes one PEM block with lines of 64 characters (RFC 7468).
///
/// # Panics
/// Never for the labels of RFC 7468; a label with a line break in it is replaced by an empty text.
#[must_use]
pub fn to_pem(label: &'static str, der: &[u8]) -> String {
    pem_rfc7468::encode_string(label, LineEnding::LF, der).unwrap_or_default()
}

/// Reads every certificate of a file: PEM blocks labelled `CERTIFICATE`, or one DER certificate.
///
/// # Errors
/// [`Error::NoDocument`] and [`Error::OtherDocument`] for a file without any; [`Error::Pem`], [`Error::Der`] and the other
/// errors of [`Certificate::from_der`] for one that is broken.
pub fn read_certificates(bytes: &[u8]) -> Result<Vec<Certificate>, Error> {
    let certificates: Vec<Certificate> = read_documents(bytes)?
        .iter()
        .filter(|document| {
            matches!(
                document.label.as_deref(),
                None | Some("CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE")
            )
        })
        .map(|document| {
            Certificate::from_der(&document.der)
                .map_err(|error| error.or_other_document("certificate", document))
        })
        .collect::<Result<_, _>>()?;
    if certificates.is_empty() {
        return Err(Error::no_document("certificate", &read_documents(bytes)?));
    }
    Ok(certificates)
}

impl Error {
    /// Says that a kind of document is not among those of a file, and which those are.
    #[must_use]
    pub fn no_document(wanted: &'static str, documents: &[Document]) -> Self {
        let mut found: Vec<String> = Vec::new();
        for label in documents.iter().filter_map(|document| document.label.as_deref()) {
            let kind = match label {
                "CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE" => "a certificate",
                "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => "a certification request",
                "X509 CRL" => "a revocation list",
                "PKCS7" | "CMS" => "a PKCS#7 signature or bundle",
                label if label.ends_with("PRIVATE KEY") => "a private key",
                label if label.ends_with("PUBLIC KEY") => "a public key",
                other => &format!("a PEM block `{}`", other.escape_debug()),
            };
            if !found.iter().any(|known| known == kind) && found.len() < MOST_KINDS {
                found.push(kind.to_owned());
            }
        }
        if found.is_empty() {
            return Self::NoDocument { wanted };
        }
        Self::OtherDocument { wanted, found: found.join(", ") }
    }
}

impl Error {
    /// Says, where a document without a label could not be read as the kind wanted, that it is another, if it looks like
    /// one: whoever gave a key for a certificate gave the wrong file, not a broken one.
    #[must_use]
    pub fn or_other_document(self, wanted: &'static str, document: &Document) -> Self {
        match (document.label.as_deref(), kind::guess(&document.der)) {
            (None, Some(found)) if found.strip_prefix("a ") != Some(wanted) => {
                Self::OtherDocument { wanted, found: found.to_owned() }
            }
            _ => self,
        }
    }
}

/// How many kinds of documents an error names.
const MOST_KINDS: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    const DER: &[u8] = &[0x30, 0x03, 0x02, 0x01, 0x05];

    #[test]
    fn blocks_are_found_between_other_text() {
        let text = format!(
            "\u{feff}Certificate:\r\n    Data:\r\n{}subject=CN\n{}",
            to_pem("CERTIFICATE", DER).replace('\n', "\r\n"),
            to_pem("NEW CERTIFICATE REQUEST", DER)
        );
        let documents = read_documents(text.as_bytes()).unwrap();
        let labels: Vec<_> = documents.iter().map(|document| document.label.as_deref()).collect();
        assert_eq!(labels, [Some("CERTIFICATE"), Some("NEW CERTIFICATE REQUEST")]);
        assert!(documents.iter().all(|document| document.der == DER));
    }

    #[test]
    fn lines_of_76_characters_are_read_too() {
        let long = crate::asn1::octet_string(&[7; 200]);
        let pem = pem_rfc7468::encode_string("CERTIFICATE", LineEnding::LF, &long).unwrap();
        let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let wrapped: Vec<_> =
            base64.as_bytes().chunks(76).map(|line| str::from_utf8(line).unwrap()).collect();
        let text = format!(
            "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
            wrapped.join("\n")
        );
        assert_eq!(read_documents(text.as_bytes()).unwrap()[0].der, long);
    }

    #[test]
    fn der_is_one_document_and_anything_else_none() {
        assert_eq!(read_documents(DER).unwrap()[0].label, None);
        assert_eq!(read_documents(b"hello\n").unwrap(), []);
        assert!(matches!(
            read_certificates(b"hello\n"),
            Err(Error::NoDocument { wanted: "certificate" })
        ));
    }

    #[test]
    fn a_broken_block_is_named_by_its_line() {
        let text = "x\n-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n";
        assert!(matches!(read_documents(text.as_bytes()), Err(Error::Pem { line: 2 })));
        let cut = "-----BEGIN CERTIFICATE-----\nMAMCAQU=\n";
        assert!(matches!(read_documents(cut.as_bytes()), Err(Error::Pem { line: 1 })));
        let cut_short = format!("\n{cut}{}", to_pem("CERTIFICATE", DER));
        assert!(matches!(read_documents(cut_short.as_bytes()), Err(Error::Pem { line: 2 })));
    }
}
