//! `chancery inspect`

use std::fmt::Write as _;

use chancery::{Asn1Value, InspectedSignature, Inspection, inspect_asn1, inspect_file};

use crate::args::Inspect;
use crate::exit::Exit;
use crate::json;
use crate::shown::shown;
use crate::ui::Ui;

pub(crate) fn run(args: &Inspect, ui: &mut Ui) -> Exit {
    let shows_asn1 = args.asn1 || args.hex;
    let inspected = inspect_file(&args.file).and_then(|inspection| {
        let asn1 = if shows_asn1 { inspect_asn1(&args.file)? } else { Vec::new() };
        Ok((inspection, asn1))
    });
    match inspected {
        Ok((inspection, asn1)) => {
            let object = json::Inspected {
                schema: 1,
                r#type: "inspected",
                file: json::FileName::new(&args.file),
                format: inspection.format,
                layout: inspection.layout.iter().cloned().collect(),
                reasons: inspection.reasons.clone(),
                signatures: inspection.signatures.iter().map(object).collect(),
                asn1: asn1.iter().map(json::Asn1Value::new).collect(),
            };
            ui.result(&object, || {
                let mut text = text(args, &inspection);
                asn1.iter().for_each(|value| tree(value, 0, args.hex, &mut text));
                text
            });
            Exit::Done
        }
        Err(error) => ui.error(&error, Some(&args.file)),
    }
}

fn object(signature: &InspectedSignature) -> json::InspectedSignature {
    let attributes = |list: &[(String, usize, usize)]| {
        list.iter()
            .map(|(oid, values, length)| json::Attribute {
                oid: oid.clone(),
                values: *values,
                length: *length,
            })
            .collect()
    };
    json::InspectedSignature {
        offset: signature.offset,
        length: signature.length,
        error: signature.error.clone(),
        content_type: signature.content_type.clone(),
        digest: json::digests(signature.digest.as_slice()),
        signer: signature.signer,
        certificates: signature.certificates.iter().map(|one| one.subject().to_string()).collect(),
        signed_attributes: attributes(&signature.signed_attributes),
        unsigned_attributes: attributes(&signature.unsigned_attributes),
    }
}

fn text(args: &Inspect, inspection: &Inspection) -> String {
    let mut text = format!("{}: {}", shown(&args.file), inspection.format);
    for (name, value) in &inspection.layout {
        let _ = write!(text, "\n  {:<18} {value}", name.replace('_', " "));
    }
    for reason in &inspection.reasons {
        let _ = write!(text, "\n  odd: {reason}");
    }
    for (index, signature) in inspection.signatures.iter().enumerate() {
        let place =
            signature.offset.map_or("nested".to_owned(), |offset| format!("at {offset:#x}"));
        let _ = write!(text, "\n  signature {index}, {place}, {} bytes", signature.length);
        if let Some(error) = &signature.error {
            let _ = write!(text, "\n    unreadable: {error}");
            continue;
        }
        let _ = write!(text, "\n    content type  {}", signature.content_type);
        if let Some((algorithm, digest)) = &signature.digest {
            let _ = write!(text, "\n    digest        {algorithm}:{}", json::hex(digest));
        }
        for (index, certificate) in signature.certificates.iter().enumerate() {
            let signer = if signature.signer == Some(index) { " (signer)" } else { "" };
            let _ = write!(
                text,
                "\n    certificate   {}{signer}\n      issuer      {}\n      valid       {} to {}\n      thumbprint  {}",
                certificate.subject(),
                certificate.issuer(),
                certificate.not_before(),
                certificate.not_after(),
                json::hex(&certificate.thumbprint_sha1()),
            );
        }
        for (kind, list) in
            [("signed", &signature.signed_attributes), ("unsigned", &signature.unsigned_attributes)]
        {
            for (oid, values, length) in list {
                let _ = write!(text, "\n    {kind:<9} {oid}, {values} value(s), {length} bytes");
            }
        }
    }
    text
}

/// Bytes on a line of a dump.
const DUMP_LINE: usize = 16;

/// Writes a value and those in it: offset in the file, lengths of header and contents, type, and what it says.
fn tree(value: &Asn1Value, depth: usize, all_bytes: bool, text: &mut String) {
    let (offset, header, length) = (value.offset, value.header_len, value.contents.len());
    let indent = 2 * depth;
    let _ =
        write!(text, "\n{offset:>10x} {header}+{length:<6} {:indent$}{}", "", value.type_name());
    if let Some(said) = value.text() {
        let _ = write!(text, " {said}");
    } else if value.children.is_empty() && all_bytes {
        for line in value.contents.chunks(DUMP_LINE) {
            let _ = write!(text, "\n{:20} {:indent$}{}", "", "", json::hex(line));
        }
    } else if value.children.is_empty() {
        let shown = value.contents.get(..DUMP_LINE).unwrap_or(&value.contents);
        let more = if shown.len() < length { "..." } else { "" };
        let _ = write!(text, " {}{more}", json::hex(shown));
    }
    for child in &value.children {
        tree(child, depth + 1, all_bytes, text);
    }
}
