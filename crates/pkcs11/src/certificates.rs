//! Certificates that a token keeps beside its keys.

use chancery_key::{KeyError, KeyErrorKind, KeyQuery, KeyStore, Match, PublicKey};
use cryptoki_sys::{
    CKA_CERTIFICATE_TYPE, CKA_CLASS, CKA_ID, CKA_ISSUER, CKA_LABEL, CKA_PRIVATE, CKA_SERIAL_NUMBER,
    CKA_SUBJECT, CKA_TOKEN, CKA_VALUE, CKC_X_509, CKO_CERTIFICATE,
};
use sha1::{Digest, Sha1};

use crate::raw::{Attribute, ObjectHandle, Session};
use crate::store::CertificateFields;
use crate::{ObjectType, Pkcs11Error, TokenStore, Uri};

/// An X.509 certificate object of a token (`CKO_CERTIFICATE`).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TokenCertificate {
    /// Where it is: the token, and its own label and identifier. Several may share one address.
    pub address: Uri,
    /// The certificate in DER, as the token keeps it (`CKA_VALUE`).
    pub der: Vec<u8>,
    /// The label.
    pub label: Option<String>,
    /// The identifier, the same as that of its key where the token is in order.
    pub id: Option<Vec<u8>>,
    /// Its public key; `None` where what the token keeps is no certificate we can read.
    pub public_key: Option<PublicKey>,
}

impl TokenStore {
    /// Lists the certificates that have the label and identifier of a URI, where it has any.
    ///
    /// # Errors
    /// What keeps the token from being searched; [`KeyErrorKind::Malformed`] for the URI of something else.
    pub fn certificates(&self, uri: &Uri) -> Result<Vec<TokenCertificate>, KeyError> {
        check_type(uri)?;
        self.run(|session| self.certificates_in(session, uri))
    }

    /// Lists as [`certificates`](Self::certificates) does, without a login: those that the token shows to everybody,
    /// which is all of them on most.
    ///
    /// # Errors
    /// As [`certificates`](Self::certificates), but for those of a login.
    pub fn public_certificates(&self, uri: &Uri) -> Result<Vec<TokenCertificate>, KeyError> {
        check_type(uri)?;
        self.token().run_without_login(|session| self.certificates_in(session, uri))
    }

    fn certificates_in(
        &self,
        session: &mut Session,
        uri: &Uri,
    ) -> Result<Vec<TokenCertificate>, KeyError> {
        let mut wanted = base();
        wanted
            .extend(uri.object.as_ref().map(|label| Attribute::bytes(CKA_LABEL, label.as_bytes())));
        wanted.extend(uri.id.as_ref().map(|id| Attribute::bytes(CKA_ID, id.as_slice())));
        let failed = |error| self.certificate_error("cannot look for certificates", error);
        let mut found = Vec::new();
        for handle in session.find(&wanted).map_err(failed)? {
            found.extend(self.read_certificate(session, handle).map_err(failed)?);
        }
        Ok(found)
    }

    /// Writes a certificate to the token, under the identifier of its key there; where it has none there, under
    /// the SHA-1 of the public key, as the key would have it.
    ///
    /// # Errors
    /// [`KeyErrorKind::Malformed`] for what is no certificate; [`KeyErrorKind::AlreadyExists`] where the token has
    /// it; [`KeyErrorKind::NotPermitted`] where the token takes none.
    pub fn import_certificate(
        &self,
        der: &[u8],
        label: Option<&str>,
    ) -> Result<TokenCertificate, KeyError> {
        let malformed = || KeyError::new(KeyErrorKind::Malformed, "not a certificate in DER");
        let fields = CertificateFields::of_whole(der).ok_or_else(malformed)?;
        let public_key = fields.public_key().ok_or_else(malformed)?;
        if let Some(there) = self.certificates(&Uri::new())?.iter().find(|there| there.der == der) {
            let message = format!("the certificate is there already: `{}`", there.address);
            return Err(KeyError::new(KeyErrorKind::AlreadyExists, message));
        }
        let mut of_key = Vec::new();
        match self.find(&KeyQuery::any().with_public_key(public_key.clone()))? {
            Match::None => {}
            Match::One(key) => of_key.push(key),
            Match::Many(keys) => of_key = keys,
        }
        let id = of_key.iter().find_map(|key| key.id.clone());
        let id = id.unwrap_or_else(|| Sha1::digest(public_key.subject_public_key()).to_vec());
        let label =
            label.map(str::to_owned).or_else(|| of_key.into_iter().find_map(|key| key.label));
        let mut template = base();
        template.extend([
            Attribute::flag(CKA_TOKEN, true),
            Attribute::flag(CKA_PRIVATE, false),
            Attribute::bytes(CKA_VALUE, der),
            Attribute::bytes(CKA_SUBJECT, fields.subject),
            Attribute::bytes(CKA_ISSUER, fields.issuer),
            Attribute::bytes(CKA_SERIAL_NUMBER, fields.serial),
            Attribute::bytes(CKA_ID, id),
        ]);
        template.extend(label.map(|label| Attribute::bytes(CKA_LABEL, label.as_bytes())));
        self.token().write(&**self.pins(), |session| {
            let made =
                session.create(&template).and_then(|made| self.read_certificate(session, made));
            let failed = |error| self.certificate_error("cannot write the certificate", error);
            made.map_err(failed)?.ok_or_else(|| {
                let message = format!(
                    "token `{}` does not give the certificate back",
                    self.token().info().label
                );
                KeyError::new(KeyErrorKind::Device, message)
            })
        })
    }

    /// Deletes a certificate that [`certificates`](Self::certificates) listed; its key stays. Returns how many
    /// objects it was, all with this label and identifier.
    ///
    /// # Errors
    /// [`KeyErrorKind::NotFound`] where it has gone since; what keeps the token from deleting it.
    pub fn delete_certificate(&self, certificate: &TokenCertificate) -> Result<usize, KeyError> {
        self.token().write(&**self.pins(), |session| {
            let failed = |error| self.certificate_error("cannot delete the certificate", error);
            let mut wanted = base();
            wanted.push(Attribute::bytes(CKA_VALUE, certificate.der.as_slice()));
            let mut deleted: usize = 0;
            for handle in session.find(&wanted).map_err(failed)? {
                if self.read_certificate(session, handle).map_err(failed)?.as_ref()
                    == Some(certificate)
                {
                    session.destroy(handle).map_err(failed)?;
                    deleted = deleted.saturating_add(1);
                }
            }
            if deleted == 0 {
                let message = format!("no certificate `{}` any more", certificate.address);
                return Err(KeyError::new(KeyErrorKind::NotFound, message));
            }
            Ok(deleted)
        })
    }

    /// Reads a certificate object; `None` for one that has no value, as with those kept elsewhere (`CKA_URL`).
    fn read_certificate(
        &self,
        session: &mut Session,
        handle: ObjectHandle,
    ) -> Result<Option<TokenCertificate>, Pkcs11Error> {
        let told = session.read(handle, &[CKA_VALUE, CKA_LABEL, CKA_ID])?;
        let Some(der) = told.bytes(CKA_VALUE).map(<[u8]>::to_vec) else { return Ok(None) };
        let label = told.bytes(CKA_LABEL).and_then(|label| String::from_utf8(label.to_vec()).ok());
        let id = told.bytes(CKA_ID).map(<[u8]>::to_vec);
        let mut address = self.token().address().clone().with_type(ObjectType::Cert);
        address.object.clone_from(&label);
        address.id.clone_from(&id);
        let public_key = CertificateFields::of(&der).and_then(|fields| fields.public_key());
        Ok(Some(TokenCertificate { address, der, label, id, public_key }))
    }

    fn certificate_error(&self, what: &str, error: Pkcs11Error) -> KeyError {
        error.at(format!("{what} in token `{}`", self.token().info().label))
    }
}

fn check_type(uri: &Uri) -> Result<(), KeyError> {
    if matches!(uri.object_type, None | Some(ObjectType::Cert)) {
        return Ok(());
    }
    let message = format!("`{uri}` is not the address of a certificate");
    Err(KeyError::new(KeyErrorKind::Malformed, message))
}

fn base() -> Vec<Attribute> {
    vec![
        Attribute::number(CKA_CLASS, CKO_CERTIFICATE),
        Attribute::number(CKA_CERTIFICATE_TYPE, CKC_X_509),
    ]
}
