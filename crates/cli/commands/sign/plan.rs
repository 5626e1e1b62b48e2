//! `chancery sign --dry-run`

use std::path::Path;

use chancery::{Error, IfSigned, Outcome, Plan, Signer, plan_signing};

use super::{Checked, file_options};
use crate::args::Sign;
use crate::commands::now;
use crate::exit::Exit;
use crate::json;
use crate::ui::Ui;

pub(super) fn run(args: &Sign, checked: &Checked, ui: &mut Ui) -> Exit {
    let mut exit = Exit::Done;
    for file in &args.files {
        exit = exit.graver(match plan(args, file, &checked.signer) {
            Ok(plan) => {
                show(args, file, checked, &plan, ui);
                Exit::Done
            }
            Err(error) => ui.error(&error, Some(file)),
        });
    }
    exit
}

fn plan(args: &Sign, file: &Path, signer: &Signer) -> Result<Plan, Error> {
    let mut options = file_options(args, signer.certificate.public_key().algorithm())?;
    options.output = args.output.path_for(file);
    plan_signing(file, signer, now()?, &options)
}

fn show(args: &Sign, file: &Path, checked: &Checked, plan: &Plan, ui: &mut Ui) {
    let Checked { signer, key, survived } = checked;
    let certificates: Vec<_> = signer
        .certificates_to_embed()
        .iter()
        .map(|certificate| certificate.subject().to_string())
        .collect();
    let action = match (plan.outcome, args.if_signed.choice()) {
        (Outcome::Skipped, _) => "skip",
        (_, IfSigned::Append) if plan.entries > 0 => "append",
        (_, IfSigned::Replace) if plan.entries > 0 => "replace",
        _ => "sign",
    };
    let object = json::Plan {
        schema: 1,
        r#type: "plan",
        file: json::shown(file),
        output: json::shown(&plan.output),
        action,
        authentihash: json::digests(&plan.digests),
        schemes: plan.schemes.iter().map(|scheme| scheme.name()).collect(),
        key: key.clone(),
        signer: signer.certificate.subject().to_string(),
        thumbprint: json::hex(&signer.certificate.thumbprint_sha1()),
        certificates,
        warnings: survived.iter().map(|objection| objection.name).collect(),
    };
    ui.result(&object, || {
        let mut lines = vec![format!("{}: would {action}", file.display())];
        lines.push(format!("  output   {}", plan.output.display()));
        for ((algorithm, digest), scheme) in plan.digests.iter().zip(&plan.schemes) {
            lines.push(format!("  digest   {algorithm}:{}", json::hex(digest)));
            lines.push(format!("  scheme   {scheme}"));
        }
        lines.push(format!("  key      {key}"));
        lines.extend(object.certificates.iter().enumerate().map(|(index, subject)| {
            format!("  {} {subject}", if index == 0 { "signer  " } else { "chain   " })
        }));
        lines.join("\n")
    });
}
