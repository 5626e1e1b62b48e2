//! Why our answer is right where tools disagree with each other.
//!
//! A disagreement without a sentence here fails the examination: somebody has to look at it first.

/// Explains one part of the manifest's column `disagreements`.
#[must_use]
pub fn of_disagreement(part: &str) -> Option<&'static str> {
    const REASONS: [(&str, &str); 6] = [
        (
            "signify=CERTIFICATE_ERROR vs LIEF=OK",
            "LIEF has no trust anchors and looks at the signature alone; the path ends in no trusted root",
        ),
        (
            "signify=COUNTERSIGNER_ERROR",
            "signify did not know the root of the timestamp server; Microsoft's list has it",
        ),
        (
            "signify=OK vs osslsigncode=rc1",
            "the counter-signature is over a bare hash: OpenSSL refuses it, Windows bears with it, strict does not \
             count it, so that the certificate is judged now and has expired",
        ),
        (
            "LIEF-authentihash-differs",
            "LIEF reads the directories or the table otherwise than Windows does where the headers are odd",
        ),
        (
            "sig-count LIEF=0",
            "LIEF gives up on an entry that says it is longer than its table; we read it and say malformed",
        ),
        (
            "sig-count osslsigncode=0",
            "osslsigncode takes a table of several entries, or one that does not end with the file, for none; we \
             judge each entry and name the place",
        ),
    ];
    REASONS.iter().find(|(start, _)| part.trim().starts_with(start)).map(|(_, why)| *why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_disagreement_is_not_explained() {
        assert!(of_disagreement("osslsigncode=ok vs everybody").is_none());
        assert!(of_disagreement(" sig-count osslsigncode=0 own(all)=1").is_some());
    }
}
