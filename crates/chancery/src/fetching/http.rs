//! Fetching over HTTP.

use core::time::Duration;

use ureq::{Agent, Error};

use super::{Fetch, FetchError};

/// How long and how much one location may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HttpLimits {
    /// For the whole of it, from looking up the name to the last byte.
    pub time: Duration,
    /// The longest answer, in bytes.
    pub length: u64,
    /// How often a server may send us elsewhere.
    pub redirects: u32,
}

impl Default for HttpLimits {
    /// 15 seconds, 16 MiB, three redirects.
    fn default() -> Self {
        Self { time: Duration::from_secs(15), length: 16 << 20, redirects: 3 }
    }
}

/// Fetches from `http:` URLs, and from `https:` with the feature of that name.
///
/// Certificates and lists are signed, so that nothing is lost by plain HTTP; RFC 5280 section 8 even advises
/// against HTTPS here, whose own certificate would have to be checked first.
#[derive(Debug)]
pub struct HttpFetch {
    agent: Agent,
    limits: HttpLimits,
}

impl Default for HttpFetch {
    fn default() -> Self {
        Self::new(HttpLimits::default())
    }
}

impl HttpFetch {
    /// Fetches within limits.
    #[must_use]
    pub fn new(limits: HttpLimits) -> Self {
        let config = Agent::config_builder()
            .timeout_global(Some(limits.time))
            .max_redirects(limits.redirects)
            .user_agent(concat!("chancery/", env!("CARGO_PKG_VERSION")))
            .build();
        Self { agent: Agent::new_with_config(config), limits }
    }
}

impl Fetch for HttpFetch {
    fn fetch(&self, url: &str) -> Result<Vec<u8>, FetchError> {
        const FOLLOWED: &[&str] =
            if cfg!(feature = "https") { &["http://", "https://"] } else { &["http://"] };
        let begins_with = |scheme: &&str| {
            url.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
        };
        if !FOLLOWED.iter().any(begins_with) {
            return Err(FetchError::Scheme);
        }
        let mut response = self.agent.get(url).call().map_err(|error| self.explain(error))?;
        let body = response
            .body_mut()
            .with_config()
            // Some versions of ureq take the last byte allowed for one too many.
            .limit(self.limits.length.saturating_add(1))
            .read_to_vec()
            .map_err(|error| self.explain(error))?;
        match u64::try_from(body.len()) {
            Ok(len) if len <= self.limits.length => Ok(body),
            _ => Err(FetchError::TooLong(self.limits.length)),
        }
    }
}

impl HttpFetch {
    fn explain(&self, error: Error) -> FetchError {
        match error {
            Error::StatusCode(status) => FetchError::Status(status),
            Error::BodyExceedsLimit(_) => FetchError::TooLong(self.limits.length),
            Error::Timeout(_) => FetchError::Timeout,
            Error::TooManyRedirects => FetchError::Redirects,
            error => FetchError::Connection(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use chancery_testkit::http_server::{Answer, HttpServer};

    use super::*;

    fn get(answer: Answer) -> Result<Vec<u8>, FetchError> {
        let server = HttpServer::start(move |_| answer.clone());
        let limits = HttpLimits { time: Duration::from_secs(2), length: 1 << 20, redirects: 3 };
        HttpFetch::new(limits).fetch(&server.url("/a"))
    }

    #[test]
    fn what_is_there_is_fetched() {
        assert_eq!(get(Answer::ok(b"contents".to_vec())).unwrap(), b"contents");
        assert_eq!(get(Answer::ok(vec![7; 1 << 20])).unwrap().len(), 1 << 20);
        let one_more = get(Answer::ok(vec![7; (1 << 20) + 1]));
        assert!(matches!(one_more, Err(FetchError::TooLong(_))));
    }

    #[test]
    fn a_server_that_fails_or_knows_nothing_is_named_by_its_status() {
        for status in [404, 500, 503] {
            let answer = Answer::Status { status, body: b"<html>sorry</html>".to_vec() };
            assert!(matches!(get(answer), Err(FetchError::Status(got)) if got == status));
        }
    }

    #[test]
    fn a_hundred_megabytes_are_not_taken() {
        for answer in
            [Answer::Endless { claimed: Some(100 << 20) }, Answer::Endless { claimed: None }]
        {
            assert!(matches!(get(answer), Err(FetchError::TooLong(limit)) if limit == 1 << 20));
        }
    }

    #[test]
    fn a_server_that_never_answers_or_never_ends_runs_into_the_time_limit() {
        for answer in [Answer::Silence, Answer::Drip] {
            let got = get(answer);
            assert!(matches!(got, Err(FetchError::Timeout)), "{got:?}");
        }
    }

    #[test]
    fn a_redirect_is_followed_and_a_loop_is_not() {
        let server = HttpServer::start(|path| match path {
            "/first" => Answer::Redirect("/second".into()),
            "/second" => Answer::ok(b"here".to_vec()),
            _ => Answer::Redirect("/loop".into()),
        });
        let fetch = HttpFetch::default();
        assert_eq!(fetch.fetch(&server.url("/first")).unwrap(), b"here");
        assert!(matches!(fetch.fetch(&server.url("/loop")), Err(FetchError::Redirects)));
    }

    #[test]
    fn a_redirect_away_from_http_is_refused() {
        for target in ["file:///etc/passwd", "ftp://127.0.0.1/", "ldap://127.0.0.1/"] {
            let server = HttpServer::start(move |path| match path {
                "/a" => Answer::Redirect(target.into()),
                _ => Answer::Status { status: 404, body: Vec::new() },
            });
            let got = HttpFetch::default().fetch(&server.url("/a"));
            let refused = matches!(got, Err(FetchError::Connection(_) | FetchError::Status(404)));
            assert!(refused, "{target}: {got:?}");
        }
    }

    #[test]
    fn other_schemes_are_not_followed() {
        for url in ["ldap://127.0.0.1/x", "file:///etc/passwd", "ftp://127.0.0.1/", "", "a.crl"] {
            assert!(matches!(HttpFetch::default().fetch(url), Err(FetchError::Scheme)), "{url}");
        }
    }

    #[test]
    fn nobody_at_home_is_a_connection_that_fails() {
        let url = HttpServer::start(|_| Answer::Silence).url("/");
        assert!(matches!(HttpFetch::default().fetch(&url), Err(FetchError::Connection(_))));
    }
}
