//! Whether one name lies within one constraint, form by form.

use core::net::Ipv4Addr;

use crate::general_name::GeneralName;

/// How a name stands to a constraint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    Within,
    Outside,
    /// The constraint is about names of another form.
    OtherForm,
    /// The same form, and one that is not understood.
    Unsupported,
}

impl Fit {
    const fn from_bool(within: bool) -> Self {
        if within { Self::Within } else { Self::Outside }
    }
}

/// Compares a name with a permitted subtree. A name that cannot be read lies outside.
pub(super) fn fit_permitted(name: &GeneralName, base: &GeneralName) -> Fit {
    match (name, base) {
        (GeneralName::Directory(name), GeneralName::Directory(base)) => {
            Fit::from_bool(name.is_within(base))
        }
        (GeneralName::Dns(name), GeneralName::Dns(base)) => Fit::from_bool(dns_within(name, base)),
        (GeneralName::Rfc822(name), GeneralName::Rfc822(base)) => {
            Fit::from_bool(mailbox_within(name, base).unwrap_or(false))
        }
        (GeneralName::Uri(name), GeneralName::Uri(base)) => {
            Fit::from_bool(uri_host(name).is_some_and(|host| host_within(host, base)))
        }
        (GeneralName::Ip(name), GeneralName::Ip(base)) => {
            Fit::from_bool(ip_within(name, base).unwrap_or(false))
        }
        (GeneralName::Other { tag: name, .. }, GeneralName::Other { tag: base, .. })
            if name == base =>
        {
            Fit::Unsupported
        }
        _ => Fit::OtherForm,
    }
}

/// Compares a name with an excluded subtree. A name that cannot be read lies within: whoever wrote the
/// constraint would not want it either.
pub(super) fn fit_excluded(name: &GeneralName, base: &GeneralName) -> Fit {
    match (name, base) {
        (GeneralName::Dns(name), GeneralName::Dns(base)) => {
            // A wildcard names hosts that may be excluded each by its own name.
            let wildcard = name.strip_prefix("*.").is_some_and(|rest| dns_within(base, rest));
            Fit::from_bool(wildcard || dns_within(name, base))
        }
        (GeneralName::Rfc822(name), GeneralName::Rfc822(base)) => {
            Fit::from_bool(mailbox_within(name, base).unwrap_or(true))
        }
        (GeneralName::Uri(name), GeneralName::Uri(base)) => {
            Fit::from_bool(uri_host(name).is_none_or(|host| host_within(host, base)))
        }
        (GeneralName::Ip(name), GeneralName::Ip(base)) => {
            Fit::from_bool(ip_within(name, base).unwrap_or(true))
        }
        _ => fit_permitted(name, base),
    }
}

/// The host itself and everything below it; the empty constraint is every host.
fn dns_within(name: &str, base: &str) -> bool {
    // A dot at the end says that the name is absolute, which here every name is.
    let name = name.strip_suffix('.').unwrap_or(name);
    let base = base.strip_suffix('.').unwrap_or(base);
    base.is_empty() || host_within(name, base) || is_below(name, base)
}

/// With a dot in front everything below the host, else the host alone.
fn host_within(host: &str, base: &str) -> bool {
    match base.strip_prefix('.') {
        Some(domain) => is_below(host, domain),
        None => host.eq_ignore_ascii_case(base),
    }
}

/// Tells whether `host` is `domain` with at least one label in front.
fn is_below(host: &str, domain: &str) -> bool {
    let Some(start) = host.len().checked_sub(domain.len()) else { return false };
    let (Some(front), Some(end)) = (host.get(..start), host.get(start..)) else { return false };
    end.eq_ignore_ascii_case(domain) && front.len() > 1 && front.ends_with('.')
}

/// A mailbox, all mailboxes of a host, or with a dot in front those of all hosts of a domain; `None` where
/// the name is no mailbox.
fn mailbox_within(name: &str, base: &str) -> Option<bool> {
    let (local, host) =
        name.rsplit_once('@').filter(|(local, host)| !local.is_empty() && !host.is_empty())?;
    Some(match base.rsplit_once('@') {
        Some((base_local, base_host)) => {
            local == base_local && host.eq_ignore_ascii_case(base_host)
        }
        None => base.is_empty() || host_within(host, base),
    })
}

/// Finds the host of a URI (RFC 3986 section 3.2), where it has one and it is a domain name: RFC 5280 wants
/// every other URI refused where URIs are constrained.
fn uri_host(uri: &str) -> Option<&str> {
    let (_, rest) = uri.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host_and_port = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = host_and_port.split(':').next()?;
    let is_domain_name =
        !host.is_empty() && !host.starts_with('[') && host.parse::<Ipv4Addr>().is_err();
    is_domain_name.then_some(host)
}

/// Tells whether these are an address and a mask whose ones come before its zeros.
pub(super) fn is_network(octets: &[u8]) -> bool {
    let mask = octets.get(octets.len() / 2..).unwrap_or_default();
    let is_prefix = mask.is_sorted_by(|a, b| *a == 0xff || *b == 0)
        && mask.iter().all(|octet| octet.leading_ones() == octet.count_ones());
    matches!(octets.len(), 8 | 32) && is_prefix
}

/// `None` where the name is no address; an address of the other family is outside.
fn ip_within(name: &[u8], base: &[u8]) -> Option<bool> {
    if !matches!(name.len(), 4 | 16) {
        return None;
    }
    let (network, mask) = base.split_at_checked(base.len() / 2)?;
    let same = name.iter().zip(network).zip(mask).all(|((a, b), mask)| a & mask == b & mask);
    Some(name.len() == network.len() && same)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dns_constraints_hold_for_whole_labels() {
        for (name, base, within) in [
            ("example.com", "example.com", true),
            ("www.EXAMPLE.com", "Example.com", true),
            ("www.example.com.", "example.com", true),
            ("myexample.com", "example.com", false),
            ("com", "example.com", false),
            ("anything", "", true),
            ("www.example.com", ".example.com", true),
            ("example.com", ".example.com", false),
            (".example.com", "example.com", false),
            ("*.example.com", "example.com", true),
            ("*.com", "example.com", false),
        ] {
            assert_eq!(dns_within(name, base), within, "{name} in {base}");
        }
    }

    #[test]
    fn a_wildcard_that_covers_an_excluded_host_is_excluded() {
        let dns = |name: &str| GeneralName::Dns(name.into());
        let excluded = |name, base| fit_excluded(&dns(name), &dns(base)) == Fit::Within;
        assert!(excluded("*.example.com", "secret.example.com"));
        assert!(!excluded("*.example.com", "secret.example.org"));
        assert!(!excluded("www.example.com", "secret.example.com"));
    }

    #[test]
    fn mailbox_constraints_are_mailboxes_hosts_or_domains() {
        for (name, base, within) in [
            ("jo@example.com", "jo@EXAMPLE.com", Some(true)),
            ("Jo@example.com", "jo@example.com", Some(false)),
            ("jo@example.com", "example.com", Some(true)),
            ("jo@mail.example.com", "example.com", Some(false)),
            ("jo@mail.example.com", ".example.com", Some(true)),
            ("jo@example.com", ".example.com", Some(false)),
            ("\"a@b\"@example.com", "example.com", Some(true)),
            ("jo@example.com", "", Some(true)),
            ("example.com", "example.com", None),
            ("@example.com", "example.com", None),
            ("jo@", "example.com", None),
        ] {
            assert_eq!(mailbox_within(name, base), within, "{name} in {base}");
        }
    }

    #[test]
    fn uri_constraints_look_at_the_host() {
        let uri = |text: &str| GeneralName::Uri(text.into());
        for (name, base, within) in [
            ("http://example.com/a?b#c", "example.com", true),
            ("ldap://user:pw@EXAMPLE.com:389/x", "example.com", true),
            ("http://www.example.com", "example.com", false),
            ("http://www.example.com", ".example.com", true),
            ("http://example.com@evil.org/", "example.com", false),
            ("http://evil.org/http://example.com", "example.com", false),
        ] {
            let fit = fit_permitted(&uri(name), &uri(base)) == Fit::Within;
            assert_eq!(fit, within, "{name} in {base}");
            assert_eq!(fit_excluded(&uri(name), &uri(base)) == Fit::Within, within, "{name}");
        }
    }

    #[test]
    fn a_name_that_cannot_be_read_is_not_permitted_and_is_excluded() {
        for (name, base) in [
            (GeneralName::Uri("mailto:jo@example.com".into()), GeneralName::Uri(".com".into())),
            (GeneralName::Uri("http://10.0.0.1/".into()), GeneralName::Uri(".com".into())),
            (GeneralName::Uri("http://[::1]/".into()), GeneralName::Uri(".com".into())),
            (GeneralName::Rfc822("jo".into()), GeneralName::Rfc822("example.com".into())),
            (GeneralName::Ip(vec![10; 5]), GeneralName::Ip(vec![0; 8])),
        ] {
            assert_eq!(fit_permitted(&name, &base), Fit::Outside, "{name:?}");
            assert_eq!(fit_excluded(&name, &base), Fit::Within, "{name:?}");
        }
    }

    #[test]
    fn address_constraints_are_networks_of_one_family() {
        let network = [10, 1, 0, 0, 255, 255, 0, 0];
        assert!(is_network(&network));
        assert!(is_network(&[0; 8]) && is_network(&[0xff; 8]) && is_network(&[0; 32]));
        assert!(!is_network(&[10, 1, 0, 0, 255, 0, 255, 0]));
        assert!(!is_network(&[10, 1, 0, 0]) && !is_network(&[]) && !is_network(&[0; 9]));
        assert_eq!(ip_within(&[10, 1, 2, 3], &network), Some(true));
        assert_eq!(ip_within(&[10, 2, 2, 3], &network), Some(false));
        assert_eq!(ip_within(&[0; 16], &network), Some(false));
        assert_eq!(ip_within(&[10, 1, 2], &network), None);
    }
}
