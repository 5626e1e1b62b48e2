//! How many signatures a second the pool makes, against a bare loop of `C_SignInit` and `C_Sign` in the same run.
//!
//! Bare and pooled rounds alternate, since other work on the machine swings the rate of either by half. What is
//! printed is the median of each, and the median of the ratios of neighbours. Then a token that takes 5 ms for each
//! signature, in 16 sessions: how near it comes to what that allows, and with how many calls. Rounds during which the
//! host gave the processors to others are run again.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::multiple_unsafe_ops_per_block,
    reason = "a benchmark ends where anything fails, and prints"
)]

use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use chancery_key::{
    EcCurve, KeyAlgorithm, KeyError, KeyTemplate, Pin, PinRequest, PinSource, SignatureScheme,
    SigningKey,
};
use chancery_pkcs11::{Module, Token, TokenStore, Uri};
use chancery_sigverify::{Verified, digest};
use chancery_testkit::calm;
use chancery_testkit::faulty::FaultyToken;
use chancery_testkit::softhsm::SoftHsm;
use cryptoki_sys::{
    CK_FUNCTION_LIST, CK_MECHANISM, CK_OBJECT_HANDLE, CK_RV, CK_SESSION_HANDLE, CK_SLOT_ID,
    CKF_SERIAL_SESSION, CKM_ECDSA, CKM_RSA_PKCS, CKR_OK,
};

const PIN: &[u8] = b"4711";

/// A signer's attributes are about this long.
const MESSAGE: [u8; 160] = [7; 160];

/// How long the slow token takes, and in how many sessions at once.
const LATENCY: Duration = Duration::from_millis(5);
const SESSIONS: usize = 16;

const ROUNDS: usize = 9;
const ROUND: Duration = Duration::from_millis(400);

#[derive(Debug)]
struct FixedPin;

impl PinSource for FixedPin {
    fn pin(&self, _: &PinRequest) -> Result<Pin, KeyError> {
        Ok(Pin::new(PIN.to_vec()))
    }
}

fn main() {
    // SoftHSM reads its configuration from the environment of the process that loads it.
    if std::env::var_os("SOFTHSM2_CONF").is_none() {
        let Some(hsm) = SoftHsm::create() else { return };
        hsm.init_token("bench", "4711");
        let itself = std::env::current_exe().unwrap();
        let status = hsm.command(&itself).arg(hsm.module()).status();
        assert!(status.unwrap().success());
        let faulty = FaultyToken::over(&hsm);
        faulty.follow(&format!("delay C_Sign {}", LATENCY.as_millis()));
        let mut slow = faulty.command(&itself);
        // Writing every call down would be a good part of what is measured.
        slow.arg(faulty.module()).arg("slow").env_remove("CHANCERY_FAULTY_RECORD");
        assert!(slow.status().unwrap().success());
        return;
    }
    let path = std::env::args().nth(1).expect("the module's path");
    if std::env::args().nth(2).is_some() {
        return against_latency(&path);
    }
    let module = Module::load(&path).unwrap();
    let token = Token::open(&module, &Uri::new().with_token("bench")).unwrap();
    let slot = CK_SLOT_ID::try_from(token.info().slot_id).unwrap();
    let store = TokenStore::new(token, FixedPin);
    let bare = Bare::over(&path, slot);
    println!("key        threads  bare/s  pool/s  ratio  verified/s  ratio");
    for (name, algorithm, scheme, mechanism) in [
        (
            "RSA 2048",
            KeyAlgorithm::Rsa { bits: 2048 },
            SignatureScheme::RsaPkcs1Sha256,
            CKM_RSA_PKCS,
        ),
        ("P-256", KeyAlgorithm::Ec(EcCurve::P256), SignatureScheme::EcdsaSha256, CKM_ECDSA),
    ] {
        let template = KeyTemplate::new(algorithm).with_label(name);
        let key = store.generate_key(&template).unwrap();
        let object = bare.private_key(name);
        let hash = digest(scheme.digest(), &MESSAGE);
        let input = match mechanism {
            CKM_RSA_PKCS => [scheme.digest().digest_info_prefix(), &hash].concat(),
            _ => hash,
        };
        let verified = Verified::new(&key);
        let (bare, input) = (&bare, input.as_slice());
        for threads in [1, 2] {
            let calm = calm::rounds(ROUNDS, || {
                let bare_loop = || {
                    let session = bare.session();
                    move || bare.sign(session, mechanism, object, input)
                };
                [
                    rate(threads, bare_loop),
                    rate(threads, || || drop(key.sign(scheme, &MESSAGE).unwrap())),
                    rate(threads, || || drop(verified.sign(scheme, &MESSAGE).unwrap())),
                ]
            });
            let rounds = &calm.rounds;
            let of = |which: usize| median(rounds.iter().map(|round| round[which]).collect());
            let ratio =
                |which: usize| median(rounds.iter().map(|round| round[which] / round[0]).collect());
            println!(
                "{name:<10} {threads:>7} {:>7.0} {:>7.0} {:>6.3} {:>11.0} {:>6.3}   {calm}",
                of(0),
                of(1),
                ratio(1),
                of(2),
                ratio(2)
            );
        }
    }
}

/// Signs with a token that takes its time over each signature, in as many sessions as threads.
fn against_latency(path: &str) {
    let module = Module::load(path).unwrap();
    let token = Token::open(&module, &Uri::new().with_token("bench")).unwrap();
    let store = TokenStore::new(token.with_max_sessions(SESSIONS), FixedPin);
    let key = store.open_key(&Uri::new().with_object("P-256")).unwrap();
    let sign = || drop(key.sign(SignatureScheme::EcdsaSha256, &MESSAGE).unwrap());
    let slot = CK_SLOT_ID::try_from(store.token().info().slot_id).unwrap();
    let bare = Bare::over(path, slot);
    let object = bare.private_key("P-256");
    let hash = digest(SignatureScheme::EcdsaSha256.digest(), &MESSAGE);
    let (bare, hash) = (&bare, hash.as_slice());
    // Every session is opened and every handle looked up before anything is counted.
    rate(SESSIONS, || sign);
    let before = module.statistics();
    let calm = calm::rounds(ROUNDS, || {
        let bare_loop = || {
            let session = bare.session();
            move || bare.sign(session, CKM_ECDSA, object, hash)
        };
        [
            rate(SESSIONS, || sign),
            rate(SESSIONS, bare_loop),
            // What the machine's clock and scheduler alone leave of it.
            rate(SESSIONS, || || thread::sleep(LATENCY)),
        ]
    });
    let after = module.statistics();
    let signatures = after.calls_of("C_Sign") - before.calls_of("C_Sign");
    let calls = after.calls.values().sum::<u64>() - before.calls.values().sum::<u64>();
    let best = f64::from(u32::try_from(SESSIONS).unwrap()) / LATENCY.as_secs_f64();
    let latency = LATENCY.as_millis();
    println!("\nC_Sign of {latency} ms, {SESSIONS} sessions: {best:.0}/s at best ({calm})");
    for (index, name) in ["pool", "bare loop", "sleep alone"].into_iter().enumerate() {
        let rate = median(calm.rounds.iter().map(|round| round[index]).collect());
        println!("{name:<12} {rate:>6.0}/s  ratio {:.3}", rate / best);
    }
    println!(
        "{signatures} signatures: {:.2} calls each, {} logins",
        f64::from(u32::try_from(calls).unwrap()) / f64::from(u32::try_from(signatures).unwrap()),
        after.calls_of("C_Login")
    );
}

/// Runs work on threads for one round; returns how often it was done in a second.
fn rate<W: FnMut() + Send>(threads: usize, work: impl Fn() -> W + Sync) -> f64 {
    let done = AtomicU64::new(0);
    let began = Instant::now();
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut work = work();
                while began.elapsed() < ROUND {
                    work();
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    let done = u32::try_from(done.into_inner()).unwrap();
    f64::from(done) / began.elapsed().as_secs_f64()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The module's functions with nothing around them; the login is the pool's.
struct Bare {
    functions: CK_FUNCTION_LIST,
    slot: CK_SLOT_ID,
    _code: libloading::Library,
}

impl Bare {
    fn over(path: &str, slot: CK_SLOT_ID) -> Self {
        // SAFETY: the module is loaded already, and gives its functions as the standard says.
        unsafe {
            let code = libloading::Library::new(path).unwrap();
            let get = code
                .get::<unsafe extern "C" fn(*mut *mut CK_FUNCTION_LIST) -> CK_RV>(
                    b"C_GetFunctionList\0",
                )
                .unwrap();
            let mut list = ptr::null_mut();
            assert_eq!(get(&raw mut list), CKR_OK);
            Self { functions: list.read_unaligned(), slot, _code: code }
        }
    }

    fn session(&self) -> CK_SESSION_HANDLE {
        let mut session = 0;
        let open = self.functions.C_OpenSession.unwrap();
        // SAFETY: no callback is given, and `session` is a valid place for the answer.
        let rv =
            unsafe { open(self.slot, CKF_SERIAL_SESSION, ptr::null_mut(), None, &raw mut session) };
        assert_eq!(rv, CKR_OK);
        session
    }

    fn private_key(&self, label: &str) -> CK_OBJECT_HANDLE {
        let mut class = cryptoki_sys::CKO_PRIVATE_KEY;
        let mut template = [
            cryptoki_sys::CK_ATTRIBUTE {
                type_: cryptoki_sys::CKA_CLASS,
                pValue: (&raw mut class).cast(),
                ulValueLen: size_of_val(&class) as _,
            },
            cryptoki_sys::CK_ATTRIBUTE {
                type_: cryptoki_sys::CKA_LABEL,
                pValue: label.as_ptr().cast_mut().cast(),
                ulValueLen: label.len() as _,
            },
        ];
        let (session, mut object, mut count) = (self.session(), 0, 0);
        // SAFETY: templates and places are as long as said and live through the calls.
        unsafe {
            let init = self.functions.C_FindObjectsInit.unwrap();
            assert_eq!(init(session, template.as_mut_ptr(), 2), CKR_OK);
            let find = self.functions.C_FindObjects.unwrap();
            assert_eq!(find(session, &raw mut object, 1, &raw mut count), CKR_OK);
            assert_eq!(self.functions.C_FindObjectsFinal.unwrap()(session), CKR_OK);
        }
        assert_eq!(count, 1);
        object
    }

    fn sign(
        &self,
        session: CK_SESSION_HANDLE,
        mechanism: cryptoki_sys::CK_MECHANISM_TYPE,
        key: CK_OBJECT_HANDLE,
        input: &[u8],
    ) {
        let mut descriptor =
            CK_MECHANISM { mechanism, pParameter: ptr::null_mut(), ulParameterLen: 0 };
        let mut signature = [0; 512];
        let mut len = 512;
        // SAFETY: everything pointed to lives through the calls and is as long as said.
        unsafe {
            let init = self.functions.C_SignInit.unwrap();
            assert_eq!(init(session, &raw mut descriptor, key), CKR_OK);
            let sign = self.functions.C_Sign.unwrap();
            let start = input.as_ptr().cast_mut();
            let rv = sign(session, start, input.len() as _, signature.as_mut_ptr(), &raw mut len);
            assert_eq!(rv, CKR_OK);
        }
    }
}
