//! Why our answer is right where tools disagree with each other, or with us.
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

/// Explains why we accept a field that a tool refuses, where we found these things about the signature.
#[must_use]
pub fn of_weaker(tool: &str, field: &str, file: &str, found: &[String]) -> Option<&'static str> {
    if tool == "osslsigncode" && found.iter().any(|name| name == "timestamp-bare-hash") {
        return Some(
            "the counter-signature is over a bare hash, which Windows bears with and OpenSSL does not; the path \
             held at its time",
        );
    }
    Some(match (tool, field, file) {
        ("lief", "digest", "PeNet__firefox_x64_manipulated.exe") => {
            "the file's digest is the content's; it is messageDigest that is not, which LIEF calls by the same \
             name and we call message-digest-mismatch"
        }
        ("lief", "digest", "gen-mut__dir-beyond-eof.dll") => {
            "LIEF hashes part of the table that ends after the file; we leave it out and say malformed"
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_disagreement_is_not_explained() {
        assert!(of_disagreement("osslsigncode=ok vs everybody").is_none());
        assert!(of_disagreement(" sig-count osslsigncode=0 own(all)=1").is_some());
        assert!(of_weaker("signify", "digest", "a.exe", &[]).is_none());
    }
}
