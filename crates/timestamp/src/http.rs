//! A client that asks timestamp servers: a list to fall back on, each tried again after a while.
//!
//! What a server answers is checked in full before it is handed out. Servers that fail are rested, and the rest is
//! remembered: of a thousand files only the first waits for a server that hangs.

mod exchange;
mod roster;
mod server;

use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use chancery_chain::TrustAnchors;
use chancery_key::DigestAlgorithm;
use chancery_x509::Time;
use const_oid::ObjectIdentifier;

use crate::{
    LegacyRequest, Stamp, StampError, StampErrorKind, TimeStampRequest, TimestampKind,
    TimestampVerifier, Timestamper, accept_legacy_response, accept_response,
};
use exchange::Exchange;
use roster::Roster;

pub use server::TimestampServer;

/// How to ask.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HttpSettings {
    /// The hash of the imprint.
    pub digest: DigestAlgorithm,
    /// The policy to ask for.
    pub policy: Option<ObjectIdentifier>,
    /// Whom to trust for timestamps. Without any, everything but the path above the server is checked.
    pub anchors: TrustAnchors,
    /// How often each server is asked for one stamp.
    pub attempts: u32,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How long one request may take, from resolving the name to the last byte.
    pub request_timeout: Duration,
    /// How long one stamp may take, all attempts and pauses together. A server that has been failing for as long is not
    /// waited for: the stamps of a run of many do not each wait for one that is gone.
    pub deadline: Duration,
    /// How long a server is rested after its first failure; twice as long after each further one.
    pub first_pause: Duration,
    /// The longest such rest.
    pub longest_pause: Duration,
    /// The shortest time between two requests to one server.
    pub interval: Duration,
    /// How many redirections of one request are followed.
    pub redirects: u32,
    /// Go through the proxy that the environment names (`HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`).
    pub environment_proxy: bool,
    /// What time it is.
    pub clock: fn() -> Result<Time, chancery_x509::Error>,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            digest: DigestAlgorithm::Sha256,
            policy: None,
            anchors: TrustAnchors::none(),
            attempts: 3,
            connect_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(30),
            deadline: Duration::from_secs(120),
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(30),
            interval: Duration::ZERO,
            redirects: 3,
            environment_proxy: false,
            clock: Time::now,
        }
    }
}

/// Why one attempt gave no stamp.
#[derive(Debug)]
struct Failure {
    kind: StampErrorKind,
    /// Whether the same server may do better later.
    is_transient: bool,
    /// How long it asks to be left alone.
    retry_after: Option<Duration>,
    why: String,
}

impl Failure {
    fn transient(why: impl Into<String>) -> Self {
        let kind = StampErrorKind::Unavailable;
        Self { kind, is_transient: true, retry_after: None, why: why.into() }
    }

    fn lasting(kind: StampErrorKind, why: impl Into<String>) -> Self {
        Self { kind, is_transient: false, retry_after: None, why: why.into() }
    }
}

/// A [`Timestamper`] that asks servers over HTTP.
///
/// The servers are asked in the order of the list, each at most [`attempts`](HttpSettings::attempts) times. One that
/// cannot be reached, or says that it is busy, is rested and asked again; one that says no, or answers with
/// something else than a timestamp over this signature, is not.
#[derive(Debug)]
pub struct HttpTimestamper {
    servers: Vec<TimestampServer>,
    settings: HttpSettings,
    exchange: Exchange,
    roster: Mutex<Roster>,
}

impl HttpTimestamper {
    /// Asks these servers.
    ///
    /// # Errors
    /// [`StampErrorKind::Settings`] where there is none.
    pub fn new(servers: Vec<TimestampServer>, settings: HttpSettings) -> Result<Self, StampError> {
        if servers.is_empty() {
            return Err(StampError::new(StampErrorKind::Settings, "no timestamp server is named"));
        }
        let exchange = Exchange::new(&settings);
        let roster = Mutex::new(Roster::new(servers.len()));
        Ok(Self { servers, settings, exchange, roster })
    }

    /// Makes one request and checks the answer. Each has a new nonce.
    fn ask(
        &self,
        server: &TimestampServer,
        signature_value: &[u8],
        time: Duration,
    ) -> Result<Stamp, Failure> {
        let settings = &self.settings;
        let here = |why: String| Failure::lasting(StampErrorKind::Unavailable, why);
        let now = (settings.clock)().map_err(|error| here(error.to_string()))?;
        let verifier = TimestampVerifier::new(settings.anchors.clone(), now);
        let accepted = match server.kind() {
            TimestampKind::Rfc3161 => {
                let mut request = TimeStampRequest::new(settings.digest, signature_value)
                    .map_err(|error| here(error.to_string()))?;
                request.policy = settings.policy;
                let answer = self.exchange.post(server, &request.to_der(), time)?;
                accept_response(&answer, &request, signature_value, &verifier)
            }
            TimestampKind::Legacy => {
                let request = LegacyRequest::new(signature_value.to_vec()).to_base64();
                let answer = self.exchange.post(server, request.as_bytes(), time)?;
                accept_legacy_response(&answer, signature_value, &verifier)
            }
        };
        accepted.map(|(stamp, _)| stamp).map_err(|refusal| match &refusal {
            refusal if refusal.is_transient() => Failure::transient(refusal.to_string()),
            crate::Refusal::Status { .. } => {
                Failure::lasting(StampErrorKind::Rejected, refusal.to_string())
            }
            refusal => Failure::lasting(StampErrorKind::Invalid, refusal.to_string()),
        })
    }

    fn roster(&self) -> std::sync::MutexGuard<'_, Roster> {
        // Times alone are in it: a panic elsewhere leaves nothing half done.
        self.roster.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says what became of every server.
    fn give_up(&self, failures: &[Option<(u32, Failure)>], late: bool) -> StampError {
        let mut kind = StampErrorKind::Unavailable;
        let mut parts = Vec::new();
        for ((index, server), failure) in self.servers.iter().enumerate().zip(failures) {
            let Some((attempts, failure)) = failure else {
                let seconds = self.roster().failing_for(index, Instant::now()).as_secs();
                let since =
                    if seconds > 0 { format!(", failing for {seconds} s") } else { String::new() };
                parts.push(format!("{server}: not asked{since}"));
                continue;
            };
            if !failure.is_transient {
                kind = failure.kind;
            }
            let times =
                if *attempts > 1 { format!(" ({attempts} attempts)") } else { String::new() };
            parts.push(format!("{server}: {}{times}", failure.why));
        }
        let late = if late { "; no time is left" } else { "" };
        StampError::new(kind, format!("no timestamp: {}{late}", parts.join("; ")))
    }
}

impl Timestamper for HttpTimestamper {
    fn stamp(&self, signature_value: &[u8]) -> Result<Stamp, StampError> {
        let settings = &self.settings;
        let begin = Instant::now();
        let mut failures: Vec<Option<(u32, Failure)>> = self.servers.iter().map(|_| None).collect();
        loop {
            let may_be_asked = |index: usize| match failures.get(index) {
                Some(Some((attempts, failure))) => {
                    failure.is_transient && *attempts < settings.attempts
                }
                _ => true,
            };
            let next = self.roster().next(
                Instant::now(),
                settings.interval,
                settings.deadline,
                may_be_asked,
            );
            let Some((index, at)) = next else { return Err(self.give_up(&failures, false)) };
            let Some(server) = self.servers.get(index) else {
                return Err(self.give_up(&failures, false));
            };
            let left = settings.deadline.saturating_sub(begin.elapsed());
            let wait = at.saturating_duration_since(Instant::now());
            if wait >= left {
                return Err(self.give_up(&failures, true));
            }
            thread::sleep(wait);
            let time = settings.request_timeout.min(left.saturating_sub(wait));
            match self.ask(server, signature_value, time) {
                Ok(stamp) => {
                    self.roster().succeeded(index);
                    return Ok(stamp);
                }
                Err(failure) => {
                    self.roster().failed(index, Instant::now(), settings, failure.retry_after);
                    if let Some(entry) = failures.get_mut(index) {
                        let before = entry.as_ref().map_or(0, |(attempts, _)| *attempts);
                        *entry = Some((before.saturating_add(1), failure));
                    }
                }
            }
        }
    }
}
