//! Sessions: login, objects, key pairs, signatures.

use core::fmt;
use core::ptr;
use std::sync::Arc;

use cryptoki_sys::{
    CK_ATTRIBUTE_TYPE, CK_SESSION_HANDLE, CK_SESSION_INFO, CK_SLOT_ID, CK_USER_TYPE,
    CKF_RW_SESSION, CKF_SERIAL_SESSION, CKR_ATTRIBUTE_SENSITIVE, CKR_ATTRIBUTE_TYPE_INVALID,
    CKR_BUFFER_TOO_SMALL, CKR_GENERAL_ERROR, CKR_OK, CKR_SIGNATURE_INVALID,
    CKR_SIGNATURE_LEN_RANGE, CKR_USER_ALREADY_LOGGED_IN, CKS_RO_USER_FUNCTIONS,
    CKS_RW_USER_FUNCTIONS, CKU_CONTEXT_SPECIFIC, CKU_USER,
};

use super::attribute::{Length, Room, length, length_request, template};
use super::{
    Attribute, Attributes, Library, Mechanism, ObjectHandle, check, claimed, entry, ulong,
};
use crate::Pkcs11Error;

/// How many handles are fetched in one call of a search.
const FIND_BATCH: usize = 256;

/// The most objects one search returns; a module that goes on beyond it is taken not to end at all.
const MAX_OBJECTS: usize = 100_000;

/// The longest signature we make room for, in bytes: RSA keys of 16384 bits have 2048.
const MAX_SIGNATURE_LEN: usize = 4_096;

/// Whose PIN is given.
#[derive(Clone, Copy, Debug)]
pub(crate) enum User {
    /// The token's normal user, for all sessions of this process.
    Normal,
    /// The same person again, for the one operation that has just been started.
    Context,
}

impl User {
    const fn code(self) -> CK_USER_TYPE {
        match self {
            Self::Normal => CKU_USER,
            Self::Context => CKU_CONTEXT_SPECIFIC,
        }
    }
}

/// An open session, closed when dropped. It has one operation at a time, so every call wants it alone.
pub(crate) struct Session {
    library: Arc<Library>,
    handle: CK_SESSION_HANDLE,
}

impl Session {
    pub(crate) fn open(
        library: &Arc<Library>,
        slot: CK_SLOT_ID,
        read_write: bool,
    ) -> Result<Self, Pkcs11Error> {
        let open_session = entry!(library, C_OpenSession)?;
        let access = if read_write { CKF_RW_SESSION } else { 0 };
        let flags = CKF_SERIAL_SESSION | access;
        let mut handle = 0;
        let call = library.call("C_OpenSession");
        // SAFETY: no notification callback is given, and `handle` is a valid place for the answer.
        check("C_OpenSession", unsafe {
            open_session(slot, flags, ptr::null_mut(), None, &raw mut handle)
        })?;
        drop(call);
        Ok(Self { library: Arc::clone(library), handle })
    }

    /// Tells whether the token's user is logged in, for this and so for every session of the process.
    pub(crate) fn user_is_logged_in(&mut self) -> Result<bool, Pkcs11Error> {
        let get_session_info = entry!(self.library, C_GetSessionInfo)?;
        let mut info = CK_SESSION_INFO::default();
        let _call = self.library.call("C_GetSessionInfo");
        // SAFETY: `info` is a valid place for the answer.
        check("C_GetSessionInfo", unsafe { get_session_info(self.handle, &raw mut info) })?;
        Ok(matches!(info.state, CKS_RO_USER_FUNCTIONS | CKS_RW_USER_FUNCTIONS))
    }

    /// Logs in, with the token's own keypad where there is no PIN. Being logged in already is success, also for one
    /// operation: NSS softokn answers so where it does not enforce what the key says.
    pub(crate) fn login(&mut self, user: User, pin: Option<&[u8]>) -> Result<(), Pkcs11Error> {
        let login = entry!(self.library, C_Login)?;
        let start = pin.map_or(ptr::null_mut(), |pin| pin.as_ptr().cast_mut());
        let len = ulong(pin.map_or(0, <[u8]>::len));
        // A person at a keypad takes their time.
        let _call = match pin {
            Some(_) => self.library.call("C_Login"),
            None => self.library.unwatched_call("C_Login"),
        };
        // SAFETY: `start` is null with a length of zero, or covers `len` bytes that live through the call and
        // that C_Login only reads.
        let rv = unsafe { login(self.handle, user.code(), start, len) };
        match rv {
            CKR_USER_ALREADY_LOGGED_IN => Ok(()),
            rv => check("C_Login", rv),
        }
    }

    /// Lists every object that has all these attributes.
    pub(crate) fn find(
        &mut self,
        attributes: &[Attribute],
    ) -> Result<Vec<ObjectHandle>, Pkcs11Error> {
        let init = entry!(self.library, C_FindObjectsInit)?;
        let finish = entry!(self.library, C_FindObjectsFinal)?;
        let mut wanted = template(attributes);
        let call = self.library.call("C_FindObjectsInit");
        // SAFETY: `wanted` has as many entries as said, and points into `attributes`, which live.
        check("C_FindObjectsInit", unsafe {
            init(self.handle, wanted.as_mut_ptr(), ulong(wanted.len()))
        })?;
        drop(call);
        let found = self.find_all();
        let call = self.library.call("C_FindObjectsFinal");
        // SAFETY: ends the search begun above, whatever became of it.
        let ended = check("C_FindObjectsFinal", unsafe { finish(self.handle) });
        drop(call);
        let found = found?;
        ended.map(|()| found)
    }

    fn find_all(&mut self) -> Result<Vec<ObjectHandle>, Pkcs11Error> {
        let find = entry!(self.library, C_FindObjects)?;
        let mut found = Vec::new();
        loop {
            let mut batch = [0; FIND_BATCH];
            let mut count = 0;
            let call = self.library.call("C_FindObjects");
            // SAFETY: `batch` has room for as many handles as said, and `count` for one number.
            check("C_FindObjects", unsafe {
                find(self.handle, batch.as_mut_ptr(), ulong(FIND_BATCH), &raw mut count)
            })?;
            drop(call);
            match batch.get(..claimed(count, FIND_BATCH)) {
                None | Some([]) => return Ok(found),
                Some(handles) => found.extend_from_slice(handles),
            }
            if found.len() > MAX_OBJECTS {
                return Err(Pkcs11Error::new("C_FindObjects", CKR_GENERAL_ERROR));
            }
        }
    }

    /// Reads what the object tells of these attributes; what it does not is left out.
    pub(crate) fn read(
        &mut self,
        object: ObjectHandle,
        kinds: &[CK_ATTRIBUTE_TYPE],
    ) -> Result<Attributes, Pkcs11Error> {
        let mut told = Attributes::default();
        for kind in self.read_together(object, kinds, &mut told)? {
            self.read_together(object, &[kind], &mut told)?;
        }
        Ok(told)
    }

    /// Reads values in two calls, lengths first. Returns the attributes that the module did not get to
    /// because it stopped at one it could not tell, against the standard.
    fn read_together(
        &mut self,
        object: ObjectHandle,
        kinds: &[CK_ATTRIBUTE_TYPE],
        told: &mut Attributes,
    ) -> Result<Vec<CK_ATTRIBUTE_TYPE>, Pkcs11Error> {
        let mut lengths = length_request(kinds);
        self.get_attributes(object, &mut lengths)?;
        let mut rooms = Vec::new();
        let mut unanswered = Vec::new();
        for answer in &lengths {
            match length(answer) {
                Length::Known(0) | Length::Unavailable => {}
                Length::Known(len) => rooms.push(Room::new(answer.type_, len)),
                Length::Unanswered => unanswered.push(answer.type_),
            }
        }
        if !rooms.is_empty() {
            let mut values: Vec<_> = rooms.iter_mut().map(Room::request).collect();
            self.get_attributes(object, &mut values)?;
            for (room, answer) in rooms.into_iter().zip(&values) {
                if let Some(value) = room.take(answer) {
                    told.push(value);
                }
            }
        }
        Ok(unanswered)
    }

    fn get_attributes(
        &mut self,
        object: ObjectHandle,
        attributes: &mut [cryptoki_sys::CK_ATTRIBUTE],
    ) -> Result<(), Pkcs11Error> {
        let get_attribute_value = entry!(self.library, C_GetAttributeValue)?;
        let _call = self.library.call("C_GetAttributeValue");
        // SAFETY: the entries are as many as said, and each has no room or points to as much as it says.
        let rv = unsafe {
            get_attribute_value(
                self.handle,
                object,
                attributes.as_mut_ptr(),
                ulong(attributes.len()),
            )
        };
        match rv {
            // Not errors of the call (PKCS#11 v2.40 section 5.7): each entry says how it fared.
            CKR_ATTRIBUTE_SENSITIVE | CKR_ATTRIBUTE_TYPE_INVALID | CKR_BUFFER_TOO_SMALL => Ok(()),
            rv => check("C_GetAttributeValue", rv),
        }
    }

    pub(crate) fn set_attribute(
        &mut self,
        object: ObjectHandle,
        attribute: &Attribute,
    ) -> Result<(), Pkcs11Error> {
        let set_attribute_value = entry!(self.library, C_SetAttributeValue)?;
        let mut wanted = template(core::slice::from_ref(attribute));
        let _call = self.library.call("C_SetAttributeValue");
        // SAFETY: `wanted` has as many entries as said, and points into `attribute`, which lives.
        check("C_SetAttributeValue", unsafe {
            set_attribute_value(self.handle, object, wanted.as_mut_ptr(), ulong(wanted.len()))
        })
    }

    /// Writes a new object.
    pub(crate) fn create(&mut self, attributes: &[Attribute]) -> Result<ObjectHandle, Pkcs11Error> {
        let create_object = entry!(self.library, C_CreateObject)?;
        let mut wanted = template(attributes);
        let mut object = 0;
        let _call = self.library.call("C_CreateObject");
        // SAFETY: `wanted` has as many entries as said, and points into `attributes`, which live; `object` is
        // a valid place for the answer.
        check("C_CreateObject", unsafe {
            create_object(self.handle, wanted.as_mut_ptr(), ulong(wanted.len()), &raw mut object)
        })?;
        Ok(object)
    }

    /// Deletes an object for good, where it is one of the token's.
    pub(crate) fn destroy(&mut self, object: ObjectHandle) -> Result<(), Pkcs11Error> {
        let destroy_object = entry!(self.library, C_DestroyObject)?;
        let _call = self.library.call("C_DestroyObject");
        // SAFETY: the call takes two handles and nothing else.
        check("C_DestroyObject", unsafe { destroy_object(self.handle, object) })
    }

    /// Makes a pair; returns the public and the private half.
    pub(crate) fn generate_key_pair(
        &mut self,
        mechanism: Mechanism,
        public: &[Attribute],
        private: &[Attribute],
    ) -> Result<(ObjectHandle, ObjectHandle), Pkcs11Error> {
        let generate = entry!(self.library, C_GenerateKeyPair)?;
        let mut descriptor = mechanism.descriptor();
        let (mut public, mut private) = (template(public), template(private));
        let (mut public_key, mut private_key) = (0, 0);
        let _call = self.library.call("C_GenerateKeyPair");
        // SAFETY: mechanism and templates have as many entries as said and point into arguments, which live;
        // the handles are valid places for the answer.
        check("C_GenerateKeyPair", unsafe {
            generate(
                self.handle,
                &raw mut descriptor,
                public.as_mut_ptr(),
                ulong(public.len()),
                private.as_mut_ptr(),
                ulong(private.len()),
                &raw mut public_key,
                &raw mut private_key,
            )
        })?;
        Ok((public_key, private_key))
    }

    /// Starts a signature, which [`sign`](Self::sign) finishes.
    pub(crate) fn sign_init(
        &mut self,
        mechanism: Mechanism,
        key: ObjectHandle,
    ) -> Result<(), Pkcs11Error> {
        let sign_init = entry!(self.library, C_SignInit)?;
        let mut descriptor = mechanism.descriptor();
        let _call = self.library.call("C_SignInit");
        // SAFETY: the mechanism's parameters point into `mechanism`, which lives.
        check("C_SignInit", unsafe { sign_init(self.handle, &raw mut descriptor, key) })
    }

    /// Finishes a signature in one call where the length is as expected, in two where it is not.
    pub(crate) fn sign(
        &mut self,
        data: &[u8],
        expected_len: usize,
    ) -> Result<Vec<u8>, Pkcs11Error> {
        let sign = entry!(self.library, C_Sign)?;
        let mut room = expected_len;
        loop {
            let mut signature = vec![0; room];
            let mut len = ulong(room);
            let call = self.library.call("C_Sign");
            // SAFETY: `data` is only read; `signature` has as much room as `len` says.
            let rv = unsafe {
                sign(
                    self.handle,
                    data.as_ptr().cast_mut(),
                    ulong(data.len()),
                    signature.as_mut_ptr(),
                    &raw mut len,
                )
            };
            drop(call);
            match rv {
                CKR_OK => {
                    signature.truncate(claimed(len, room));
                    return Ok(signature);
                }
                // The operation stays active (PKCS#11 v2.40 section 5.2).
                CKR_BUFFER_TOO_SMALL if room == expected_len => {
                    room = claimed(len, MAX_SIGNATURE_LEN).max(expected_len.saturating_add(1));
                }
                rv => return Err(Pkcs11Error::new("C_Sign", rv)),
            }
        }
    }
}

impl Session {
    /// Checks a signature with a public key of the token.
    pub(crate) fn verifies(
        &mut self,
        mechanism: Mechanism,
        key: ObjectHandle,
        data: &[u8],
        signature: &[u8],
    ) -> Result<bool, Pkcs11Error> {
        let verify_init = entry!(self.library, C_VerifyInit)?;
        let verify = entry!(self.library, C_Verify)?;
        let mut descriptor = mechanism.descriptor();
        let call = self.library.call("C_VerifyInit");
        // SAFETY: the mechanism's parameters point into `mechanism`, which lives.
        check("C_VerifyInit", unsafe { verify_init(self.handle, &raw mut descriptor, key) })?;
        drop(call);
        let _call = self.library.call("C_Verify");
        // SAFETY: `data` and `signature` are only read, and are as long as said.
        let rv = unsafe {
            verify(
                self.handle,
                data.as_ptr().cast_mut(),
                ulong(data.len()),
                signature.as_ptr().cast_mut(),
                ulong(signature.len()),
            )
        };
        match rv {
            CKR_SIGNATURE_INVALID | CKR_SIGNATURE_LEN_RANGE => Ok(false),
            rv => check("C_Verify", rv).map(|()| true),
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // In a fork the session is the parent's.
        if self.library.ensure_own_process().is_err() {
            return;
        }
        let Ok(close_session) = entry!(self.library, C_CloseSession) else { return };
        let _call = self.library.call("C_CloseSession");
        // SAFETY: the handle is used nowhere after this. An error leaves nothing to be done: the session
        // was gone already.
        let _ = unsafe { close_session(self.handle) };
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}
