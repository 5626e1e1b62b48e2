//! One request and its answer.

use std::time::{Duration, Instant};

use ureq::http::{Response, StatusCode, Uri};
use ureq::{Agent, Proxy};

use super::server::redirected;
use super::{Failure, HttpSettings, TimestampServer};
use crate::{StampErrorKind, TimestampKind};

/// The longest answer read, in bytes. Tokens have a few thousand.
const MAX_ANSWER: u64 = 1 << 20;

/// What we call ourselves: some servers answer to the names of well-known clients only, of which this one, the
/// name of Windows' own, is the most common.
const USER_AGENT: &str = "Transport";

/// How many connections to a server are kept for the next request. No more are open than stamps are asked for at once.
const MAX_KEPT: usize = 64;

/// How long one is kept: less than servers wait for another request, so that none is used that is about to be closed.
const KEPT_FOR: Duration = Duration::from_secs(4);

/// Sends requests.
#[derive(Clone, Debug)]
pub(super) struct Exchange {
    agent: Agent,
    redirects: u32,
}

impl Exchange {
    pub(super) fn new(settings: &HttpSettings) -> Self {
        let config = Agent::config_builder()
            .timeout_connect(Some(settings.connect_timeout))
            .http_status_as_error(false)
            // A redirected POST shall stay one, which is ours to see to.
            .max_redirects(0)
            .user_agent(USER_AGENT)
            .max_idle_connections(MAX_KEPT)
            .max_idle_connections_per_host(MAX_KEPT)
            .max_idle_age(KEPT_FOR)
            .proxy(if settings.environment_proxy { Proxy::try_from_env() } else { None })
            .build();
        Self { agent: config.into(), redirects: settings.redirects }
    }

    /// Posts a body and returns the answer's, all within `time`.
    pub(super) fn post(
        &self,
        server: &TimestampServer,
        body: &[u8],
        time: Duration,
    ) -> Result<Vec<u8>, Failure> {
        let (sent, wanted) = match server.kind() {
            TimestampKind::Rfc3161 => {
                ("application/timestamp-query", "application/timestamp-reply")
            }
            TimestampKind::Legacy => ("application/octet-stream", "application/octet-stream"),
        };
        let begin = Instant::now();
        let mut uri = server.uri().clone();
        for _ in 0..=self.redirects {
            let left = time.saturating_sub(begin.elapsed());
            let mut response = self
                .agent
                .post(&uri)
                .header("Content-Type", sent)
                .header("Accept", wanted)
                .config()
                .timeout_global(Some(left))
                .build()
                .send(body)
                .map_err(|error| failure(&error))?;
            let status = response.status();
            if status.is_redirection() {
                uri = next(&response, &uri)?;
                continue;
            }
            if status != StatusCode::OK {
                return Err(refused(&response));
            }
            let body = response.body_mut().with_config().limit(MAX_ANSWER).read_to_vec();
            return body.map_err(|error| failure(&error));
        }
        Err(Failure::lasting(StampErrorKind::Unavailable, "too many redirections"))
    }
}

/// Finds where a redirection leads.
fn next<T>(response: &Response<T>, from: &Uri) -> Result<Uri, Failure> {
    let lasting = |why: String| Failure::lasting(StampErrorKind::Unavailable, why);
    if !matches!(response.status().as_u16(), 301 | 302 | 307 | 308) {
        return Err(lasting(format!("HTTP status {}", response.status().as_u16())));
    }
    let location = response.headers().get("location").and_then(|value| value.to_str().ok());
    location
        .and_then(|location| redirected(from, location))
        .ok_or_else(|| lasting("redirected to where we do not follow".into()))
}

/// Tells a server that is busy from one that does not serve us.
fn refused<T>(response: &Response<T>) -> Failure {
    let status = response.status();
    let why = format!("HTTP status {}", status.as_u16());
    let is_transient = matches!(status.as_u16(), 408 | 425 | 429)
        || status.is_server_error() && !matches!(status.as_u16(), 501 | 505);
    if !is_transient {
        return Failure::lasting(StampErrorKind::Unavailable, why);
    }
    // Dates are for caches; servers that are busy give seconds.
    let seconds = response.headers().get("retry-after").and_then(|value| value.to_str().ok());
    let seconds = seconds.and_then(|text| text.trim().parse().ok());
    Failure { retry_after: seconds.map(Duration::from_secs), ..Failure::transient(why) }
}

/// Tells a connection that may work later from one that will not.
fn failure(error: &ureq::Error) -> Failure {
    match error {
        ureq::Error::BodyExceedsLimit(limit) => {
            let why = format!("the answer is longer than {limit} bytes");
            Failure::lasting(StampErrorKind::Invalid, why)
        }
        ureq::Error::BadUri(_) | ureq::Error::InvalidProxyUrl => {
            Failure::lasting(StampErrorKind::Settings, error.to_string())
        }
        ureq::Error::Timeout(ureq::Timeout::Connect | ureq::Timeout::Resolve) => {
            Failure::transient("no connection in time")
        }
        ureq::Error::Timeout(_) => Failure::transient("no answer in time"),
        error => Failure::transient(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_is_late_is_said_to_be() {
        let why = |timeout| failure(&ureq::Error::Timeout(timeout)).why;
        assert_eq!(why(ureq::Timeout::Global), "no answer in time");
        assert_eq!(why(ureq::Timeout::Connect), "no connection in time");
    }
}
