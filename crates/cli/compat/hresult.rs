//! Windows' numbers and sentences for what went wrong.

use std::error::Error as _;
use std::io;

use chancery::certstore::StoreErrorKind;
use chancery::chain::Status;
use chancery::key::KeyErrorKind;
use chancery::{Error, ErrorKind};

/// An error as certutil and certreq print it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct HResult {
    /// The number the process ends with.
    pub(super) code: u32,
    name: &'static str,
    text: &'static str,
}

impl HResult {
    /// A parameter that makes no sense.
    pub(super) const INVALID_ARGUMENT: Self =
        Self::new(0x8007_0057, "WIN32: 87 ERROR_INVALID_PARAMETER", "The parameter is incorrect.");
    /// A file that is there already.
    pub(super) const FILE_EXISTS: Self =
        Self::new(0x8007_0050, "WIN32: 80 ERROR_FILE_EXISTS", "The file exists.");
    /// A certificate of whose revocation nothing is known.
    pub(super) const NO_REVOCATION_CHECK: Self = Self::new(
        0x8009_2012,
        "-2146885614 CRYPT_E_NO_REVOCATION_CHECK",
        "The revocation function was unable to check revocation for the certificate.",
    );
    const NOT_FOUND: Self =
        Self::new(0x8009_2004, "-2146885628 CRYPT_E_NOT_FOUND", "Cannot find object or property.");

    const fn new(code: u32, name: &'static str, text: &'static str) -> Self {
        Self { code, name, text }
    }

    /// Chooses what fits an error best.
    pub(super) fn of(error: &Error) -> Self {
        const INVALID_DATA: HResult =
            HResult::new(0x8007_000d, "WIN32: 13 ERROR_INVALID_DATA", "The data is invalid.");
        const EXISTS: HResult = HResult::new(
            0x8009_2005,
            "-2146885627 CRYPT_E_EXISTS",
            "Object or property already exists.",
        );
        const UNSPECIFIED: HResult =
            HResult::new(0x8000_4005, "-2147467259 E_FAIL", "Unspecified error");
        match error.kind() {
            ErrorKind::Store(StoreErrorKind::NotFound) => Self::NOT_FOUND,
            ErrorKind::Store(StoreErrorKind::AlreadyExists) => EXISTS,
            ErrorKind::Key(kind) => of_key(kind),
            ErrorKind::CertificateMismatch => of_key(KeyErrorKind::Mismatch),
            ErrorKind::Store(StoreErrorKind::Usage | StoreErrorKind::Ambiguous)
            | ErrorKind::Usage => Self::INVALID_ARGUMENT,
            ErrorKind::Malformed
            | ErrorKind::Unsupported
            | ErrorKind::Store(StoreErrorKind::Malformed) => INVALID_DATA,
            ErrorKind::Refused => Self::new(
                0x8009_4012,
                "-2146877422 CERTSRV_E_TEMPLATE_DENIED",
                "The request is denied by the rules of the certification authority.",
            ),
            _ => of_io(error).unwrap_or(UNSPECIFIED),
        }
    }

    /// Writes the number with its names.
    pub(super) fn numbers(self) -> String {
        format!("{:#x} ({})", self.code, self.name)
    }

    /// Returns the sentence.
    pub(super) const fn sentence(self) -> &'static str {
        self.text
    }
}

fn of_io(error: &Error) -> Option<HResult> {
    let cause = error.source()?.downcast_ref::<io::Error>()?;
    Some(match cause.kind() {
        io::ErrorKind::NotFound => HResult::new(
            0x8007_0002,
            "WIN32: 2 ERROR_FILE_NOT_FOUND",
            "The system cannot find the file specified.",
        ),
        io::ErrorKind::AlreadyExists => HResult::FILE_EXISTS,
        io::ErrorKind::PermissionDenied => {
            HResult::new(0x8007_0005, "WIN32: 5 ERROR_ACCESS_DENIED", "Access is denied.")
        }
        _ => return None,
    })
}

const fn of_key(kind: KeyErrorKind) -> HResult {
    match kind {
        KeyErrorKind::NotFound => {
            HResult::new(0x8009_0016, "-2146893802 NTE_BAD_KEYSET", "Keyset does not exist")
        }
        KeyErrorKind::Mismatch => HResult::new(
            0x8009_0015,
            "-2146893803 NTE_BAD_PUBLIC_KEY",
            "Provider's public key is invalid.",
        ),
        KeyErrorKind::AlreadyExists => {
            HResult::new(0x8009_000f, "-2146893809 NTE_EXISTS", "Object already exists.")
        }
        KeyErrorKind::AuthRequired => HResult::new(
            0x8009_0022,
            "-2146893790 NTE_SILENT_CONTEXT",
            "Provider could not perform the action since the context was acquired as silent.",
        ),
        KeyErrorKind::AuthRefused => HResult::new(
            0x8010_006b,
            "-2146434965 SCARD_W_WRONG_CHV",
            "The card cannot be accessed because the wrong PIN was presented.",
        ),
        KeyErrorKind::AuthLocked => HResult::new(
            0x8010_006c,
            "-2146434964 SCARD_W_CHV_BLOCKED",
            "The card cannot be accessed because the maximum number of PIN entry attempts has been reached.",
        ),
        _ => HResult::new(
            0x8009_0030,
            "-2146893776 NTE_DEVICE_NOT_READY",
            "The device that is required by this cryptographic provider is not ready for use.",
        ),
    }
}

impl HResult {
    /// Chooses what Windows says of a path that is not trusted.
    pub(super) const fn of_status(status: Status) -> Self {
        match status {
            Status::Expired => Self::new(
                0x800b_0101,
                "-2146762495 CERT_E_EXPIRED",
                "A required certificate is not within its validity period when verifying against the current system \
                 clock or the timestamp in the signed file.",
            ),
            Status::Incomplete => Self::new(
                0x800b_010a,
                "-2146762486 CERT_E_CHAINING",
                "A certificate chain could not be built to a trusted root authority.",
            ),
            Status::Revoked => Self::new(
                0x800b_010c,
                "-2146762484 CERT_E_REVOKED",
                "A certificate was explicitly revoked by its issuer.",
            ),
            Status::WrongUsage => Self::new(
                0x800b_0110,
                "-2146762480 CERT_E_WRONG_USAGE",
                "The certificate is not valid for the requested usage.",
            ),
            _ => Self::new(
                0x800b_0109,
                "-2146762487 CERT_E_UNTRUSTEDROOT",
                "A certificate chain processed, but terminated in a root certificate which is not trusted by the trust \
                 provider.",
            ),
        }
    }
}
