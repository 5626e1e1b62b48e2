//! A mechanism with its parameters.

use cryptoki_sys::{CK_MECHANISM, CK_MECHANISM_TYPE, CK_RSA_PKCS_MGF_TYPE, CK_RSA_PKCS_PSS_PARAMS};

use super::ulong;

/// A mechanism, with the parameters that those of RSASSA-PSS need.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mechanism {
    kind: CK_MECHANISM_TYPE,
    pss: Option<CK_RSA_PKCS_PSS_PARAMS>,
}

impl Mechanism {
    pub(crate) const fn plain(kind: CK_MECHANISM_TYPE) -> Self {
        Self { kind, pss: None }
    }

    /// `CK_RSA_PKCS_PSS_PARAMS` (PKCS#11 v2.40 mechanisms, section 2.1.9), salt length in bytes.
    pub(crate) fn pss(
        kind: CK_MECHANISM_TYPE,
        hash: CK_MECHANISM_TYPE,
        mgf: CK_RSA_PKCS_MGF_TYPE,
        salt_len: usize,
    ) -> Self {
        let parameters = CK_RSA_PKCS_PSS_PARAMS { hashAlg: hash, mgf, sLen: ulong(salt_len) };
        Self { kind, pss: Some(parameters) }
    }

    /// Points into `self`, which must outlive the result. The module only reads mechanisms.
    pub(super) fn descriptor(&self) -> CK_MECHANISM {
        let (parameter, len) = match &self.pss {
            Some(pss) => ((&raw const *pss).cast_mut().cast(), size_of::<CK_RSA_PKCS_PSS_PARAMS>()),
            None => (core::ptr::null_mut(), 0),
        };
        CK_MECHANISM { mechanism: self.kind, pParameter: parameter, ulParameterLen: ulong(len) }
    }
}
