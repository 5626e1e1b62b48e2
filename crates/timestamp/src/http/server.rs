//! Addresses of servers.

use core::fmt;

use ureq::http::Uri;

use crate::{StampError, StampErrorKind, TimestampKind};

/// The address of a timestamp server, and which kind of stamps it makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimestampServer {
    uri: Uri,
    kind: TimestampKind,
}

impl TimestampServer {
    /// Takes an `http://` address, or an `https://` one where the feature `tls` is on. Plain HTTP is common:
    /// a timestamp is signed.
    ///
    /// # Errors
    /// [`StampErrorKind::Settings`] for anything else, also for a password in the address.
    pub fn new(url: &str, kind: TimestampKind) -> Result<Self, StampError> {
        // What is before an @ may be a password, and stays out of messages.
        let shown =
            if url.contains('@') { "...@...".into() } else { url.escape_debug().to_string() };
        let wrong = |why: &str| {
            let text = format!("`{shown}` is no timestamp server: {why}");
            StampError::new(StampErrorKind::Settings, text)
        };
        let uri: Uri = url.parse().map_err(|_| wrong("not an address as http://host/path"))?;
        match uri.scheme_str() {
            Some("http") => {}
            Some("https") if cfg!(feature = "tls") => {}
            Some("https") => return Err(wrong("https:// is not built in")),
            _ => return Err(wrong("it does not begin with http:// or https://")),
        }
        match uri.authority() {
            Some(authority) if authority.as_str().contains('@') => {
                Err(wrong("a user name or password is in it"))
            }
            Some(_) => Ok(Self { uri, kind }),
            None => Err(wrong("no host is in it")),
        }
    }

    /// Returns which kind of stamps it makes.
    #[must_use]
    pub const fn kind(&self) -> TimestampKind {
        self.kind
    }

    pub(super) const fn uri(&self) -> &Uri {
        &self.uri
    }
}

impl fmt::Display for TimestampServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.uri.fmt(f)
    }
}

/// Finds where a redirection leads. From `https` it may not lead to `http`, nor to a third scheme.
pub(super) fn redirected(from: &Uri, location: &str) -> Option<Uri> {
    let to = if location.starts_with('/') && !location.starts_with("//") {
        format!("{}://{}{location}", from.scheme_str()?, from.authority()?)
    } else {
        location.to_owned()
    };
    let to: Uri = to.parse().ok()?;
    let allowed = match to.scheme_str()? {
        "https" => cfg!(feature = "tls"),
        scheme => scheme == "http" && from.scheme_str() == Some("http"),
    };
    let plain = to.authority().is_some_and(|authority| !authority.as_str().contains('@'));
    (allowed && plain).then_some(to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_checked_before_anything_is_sent() {
        let new = |url| TimestampServer::new(url, TimestampKind::Rfc3161);
        assert_eq!(new("http://example.org/tsa").unwrap().to_string(), "http://example.org/tsa");
        for url in
            ["", "example.org", "/tsa", "ftp://example.org", "http://", "http://a b/", "file:///x"]
        {
            let error = new(url).unwrap_err();
            assert_eq!(error.kind(), StampErrorKind::Settings, "{url}");
        }
        for url in ["http://me:secret@example.org/", "ftp://me:secret@example.org/"] {
            let error = new(url).unwrap_err();
            assert!(!error.to_string().contains("secret"), "{error}");
        }
        assert_eq!(new("https://example.org/").is_ok(), cfg!(feature = "tls"));
    }

    #[test]
    fn redirections_stay_as_safe_as_they_were() {
        let (http, https) =
            ("http://a.example/x".parse().unwrap(), "https://a.example/x".parse().unwrap());
        let to = |from, location| redirected(from, location).map(|uri: Uri| uri.to_string());
        assert_eq!(to(&http, "/y").as_deref(), Some("http://a.example/y"));
        assert_eq!(to(&http, "http://b.example/y").as_deref(), Some("http://b.example/y"));
        assert_eq!(to(&https, "http://a.example/y"), None);
        for location in [
            "",
            "y",
            "//b.example/y",
            "ftp://b.example/",
            "http://u@b.example/",
            "file:///etc/passwd",
        ] {
            assert_eq!(to(&http, location), None, "{location}");
        }
    }
}
