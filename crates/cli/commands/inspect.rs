//! `chancery inspect`

use std::fmt::Write as _;

use chancery::{InspectedSignature, Inspection, inspect_file};

use crate::args::Inspect;
use crate::exit::Exit;
use crate::json;
use crate::ui::Ui;

pub(crate) fn run(args: &Inspect, ui: &mut Ui) -> Exit {
    match inspect_file(&args.file) {
        Ok(inspection) => {
            let object = json::Inspected {
                schema: 1,
                r#type: "inspected",
                file: json::shown(&args.file),
                format: inspection.format,
                layout: inspection.layout.iter().cloned().collect(),
                reasons: inspection.reasons.clone(),
                signatures: inspection.signatures.iter().map(object).collect(),
            };
            ui.result(&object, || text(args, &inspection));
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
    let mut text = format!("{}: {}", args.file.display(), inspection.format);
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
