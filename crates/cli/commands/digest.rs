//! `chancery digest`

mod for_signing;

use std::path::Path;

use chancery::authenticode::Measurement;
use chancery::digest_file;

use crate::args::Digest;
use crate::exit::Exit;
use crate::json;
use crate::shown::shown;
use crate::ui::Ui;

pub(crate) fn run(args: &Digest, ui: &mut Ui) -> Exit {
    if args.for_signing.for_signing {
        return for_signing::run(args, ui);
    }
    let progress = ui.progress(args.files.len(), "hashing");
    let mut exit = Exit::Done;
    for file in &args.files {
        progress.file(file);
        let result = digest_file(file, &args.digest);
        exit = exit.graver(progress.done(|| match result {
            Ok(measurement) => {
                show(file, &measurement, ui);
                Exit::Done
            }
            Err(error) => ui.error(&error, Some(file)),
        }));
    }
    exit
}

fn show(file: &Path, measurement: &Measurement, ui: &mut Ui) {
    let object = json::Digested {
        schema: 1,
        r#type: "digest",
        file: json::FileName::new(file),
        format: "pe",
        authentihash: json::digests(measurement.authentihash()),
        signature_digest: json::digests(&measurement.digests),
    };
    ui.result(&object, || {
        let line = |(algorithm, digest): &(_, Vec<u8>), what: &str| {
            format!("{algorithm}:{}  {}{what}", json::hex(digest), shown(file))
        };
        let as_found = measurement.authentihash().iter().map(|digest| line(digest, ""));
        let padded = measurement.digests.iter().map(|digest| line(digest, " (as signing pads it)"));
        let padded = padded.filter(|_| !measurement.unpadded.is_empty());
        as_found.chain(padded).collect::<Vec<_>>().join("\n")
    });
}
