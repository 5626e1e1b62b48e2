//! `chancery sign --dry-run`

use std::path::Path;

use chancery::batch::{Listed, Stages};
use chancery::{Error, IfSigned, Outcome, Plan, SignFileOptions, plan_signing_in_stages};

use super::{Checked, file_options};
use crate::args::Sign;
use crate::batch::{self, Job};
use crate::commands::now;
use crate::exit::Exit;
use crate::json;
use crate::shown::shown;
use crate::ui::Ui;

pub(super) fn run(args: &Sign, checked: &Checked, ui: &mut Ui) -> Exit {
    let options = match file_options(args, checked.signer.certificate.public_key().algorithm()) {
        Ok(options) => options,
        Err(error) => return ui.error(&error, None),
    };
    let limits = args.batch.limits(&args.files, None, None);
    let stages = Stages::new(&limits);
    let job = PlanJob { args, checked, options };
    batch::run(&job, &args.files, &args.batch, &stages, &limits, "planning", ui)
}

struct PlanJob<'a> {
    args: &'a Sign,
    checked: &'a Checked,
    options: SignFileOptions,
}

impl Job for PlanJob<'_> {
    type Done = Result<Plan, Error>;

    fn work(&self, file: &Listed, stages: &Stages) -> Self::Done {
        let mut options = self.options.clone();
        options.output = self.args.output.place_for_listed(file);
        plan_signing_in_stages(&file.path, &self.checked.signer, now()?, &options, stages)
    }

    fn results(&self) -> Option<&Path> {
        self.args.output.out.as_deref()
    }

    fn written<'a>(&self, _: &'a Self::Done) -> Option<&'a Path> {
        None
    }

    fn writes(&self) -> bool {
        false
    }

    fn show(&self, file: &Path, done: Self::Done, ui: &mut Ui) -> Exit {
        match done {
            Ok(plan) => {
                show(self.args, file, self.checked, &plan, ui);
                Exit::Done
            }
            Err(error) => ui.error(&error, Some(file)),
        }
    }
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
        file: json::FileName::new(file),
        output: json::OutputName::new(&plan.output),
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
        let mut lines = vec![format!("{}: would {action}", shown(file))];
        lines.push(format!("  output   {}", shown(&plan.output)));
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
