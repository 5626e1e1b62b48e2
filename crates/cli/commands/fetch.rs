//! `--fetch`

use std::error::Error as _;
use std::path::Path;

use chancery::authenticode::Verifier;
use chancery::chain::{Outcome, Policy};
use chancery::x509::Certificate;
use chancery::{Fetched, Gatherer, HttpFetch};

use crate::args::JudgeOptions;
use crate::commands::Evidence;
use crate::ui::Ui;

/// What `--fetch` gets, and nothing without it.
#[derive(Debug)]
pub(super) struct Fetcher(Option<Gatherer<HttpFetch>>);

impl Fetcher {
    pub(super) fn new(options: &JudgeOptions) -> Self {
        Self(options.fetch.then(|| Gatherer::new(HttpFetch::default())))
    }

    /// Judges a certificate after fetching what its path lacks; `None` where nothing is fetched.
    pub(super) fn judge(
        &mut self,
        leaf: &Certificate,
        candidates: &[Certificate],
        evidence: &Evidence,
        policy: &Policy,
    ) -> Option<Outcome> {
        let Evidence { anchors, crls, .. } = evidence;
        Some(self.0.as_mut()?.gather(leaf, candidates, anchors, crls, policy))
    }

    /// Makes a verifier that knows what could be fetched for the signers of a file.
    pub(super) fn verifier(&mut self, file: &Path, evidence: &Evidence) -> Verifier {
        let Evidence { anchors, crls, time } = evidence;
        let verifier = Verifier::new(anchors.clone(), *time);
        let Some(gatherer) = self.0.as_mut() else { return verifier.with_crls(crls.clone()) };
        gatherer.gather_for_file(file, anchors, crls, &Policy::code_signing(*time));
        verifier
            .with_crls([crls.as_slice(), gatherer.crls()].concat())
            .with_certificates(gatherer.certificates().to_vec())
    }

    /// Says what was fetched, and warns of what was not.
    pub(super) fn tell(&mut self, ui: &mut Ui) {
        Self::tell_all(self.take_log(), ui);
    }

    /// Returns what was fetched since this was last asked for.
    pub(super) fn take_log(&mut self) -> Vec<Fetched> {
        self.0.iter_mut().flat_map(Gatherer::take_log).collect()
    }

    /// Says what was fetched, and warns of what was not.
    pub(super) fn tell_all(log: Vec<Fetched>, ui: &mut Ui) {
        for fetched in log {
            let url = fetched.url.escape_debug();
            match fetched.result {
                Ok(_) => ui.note(&format!("fetched {url}")),
                Err(error) => {
                    let cause = error.source().map(|cause| format!(": {cause}"));
                    ui.warn(&format!("{url}: {error}{}", cause.unwrap_or_default()));
                }
            }
        }
    }
}
