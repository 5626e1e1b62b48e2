//! A key among the thousand of one token, counted in calls.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use chancery_key::{
    KeyError, KeyInfo, KeyQuery, KeyStore, Match, Pin, PinRequest, PinSource, SignatureScheme,
    SigningKey,
};
use chancery_keymatch::{Modulus, Wanted, find_in_stores};
use chancery_pkcs11::{Module, Token, TokenStore, Uri};
use chancery_testkit::openssl::openssl;
use chancery_testkit::softhsm::{SoftHsm, isolated};
use chancery_x509::{CertificateBuilder, Profile, SerialNumber, Time, Validity, to_pem};

/// How many keys the token has.
const KEYS: usize = 1000;

/// How many of the others are made; the rest are copies of them. SoftHSM takes minutes to make a thousand.
const MADE: usize = 3;

/// The most calls that a search among any number of keys may take.
const MOST_CALLS: u64 = 32;

const PIN: &str = "4711";

#[derive(Debug)]
struct Known;

impl PinSource for Known {
    fn pin(&self, _: &PinRequest) -> Result<Pin, KeyError> {
        Ok(Pin::new(PIN.as_bytes().to_vec()))
    }
}

fn make(hsm: &SoftHsm, label: &str, id: &str) {
    let login = ["--token-label", "cluster", "--login", "--pin", PIN];
    let kind = ["--keypairgen", "--key-type", "rsa:2048", "--label", label, "--id", id];
    hsm.pkcs11_tool(login.iter().chain(&kind));
}

/// Copies what a token has until it has this many objects: SoftHSM keeps each in a file of its own.
fn fill(hsm: &SoftHsm, objects: usize) {
    let mut folders = fs::read_dir(hsm.dir().join("tokens")).unwrap();
    let token = folders.next().unwrap().unwrap().path();
    let is_object = |path: &PathBuf| {
        path.extension().is_some_and(|ext| ext == "object") && !path.ends_with("token.object")
    };
    let files = fs::read_dir(token.as_path()).unwrap().map(|entry| entry.unwrap().path());
    let made: Vec<PathBuf> = files.filter(is_object).collect();
    for (number, from) in made.iter().cycle().take(objects - made.len()).enumerate() {
        fs::copy(from, token.join(format!("00000000-0000-4000-8000-{number:012}.object"))).unwrap();
    }
}

/// The token is asked for the number: listing the keys and reading the modulus of each, as scripts around `findKey` do,
/// costs a call and more a key.
#[test]
fn the_key_of_a_certificate_is_found_among_a_thousand_with_a_handful_of_calls() {
    isolated(|hsm| {
        hsm.init_token("cluster", PIN);
        for number in 1..=MADE {
            make(hsm, &format!("other{number}"), &format!("0{number}"));
        }
        // Two objects a key, and the wanted key is the last.
        fill(hsm, (KEYS - 1) * 2);
        make(hsm, "wanted", "ff");
        let module = Module::load(hsm.module()).unwrap();
        let token = Token::open(&module, &Uri::new()).unwrap();
        let store = TokenStore::new(token, Arc::new(Known) as Arc<dyn PinSource>);
        let wanted = store.open_key(&"pkcs11:object=wanted".parse().unwrap()).unwrap();

        let now = Time::now().unwrap();
        let certificate = CertificateBuilder::new(
            Profile::CodeSigning,
            "CN=One of a thousand".parse().unwrap(),
            wanted.public_key().clone(),
            Validity::from_now(now, 30).unwrap(),
            SerialNumber::random().unwrap(),
        )
        .self_signed(&wanted, SignatureScheme::RsaPkcs1Sha256)
        .unwrap();
        let file = hsm.dir().join("certificate.pem");
        fs::write(&file, to_pem("CERTIFICATE", certificate.as_der())).unwrap();
        let printed = openssl(["x509", "-noout", "-modulus", "-in", file.to_str().unwrap()]);
        let modulus = Modulus::from_file_contents(&printed.stdout).unwrap();

        let stores: [Box<dyn KeyStore>; 1] = [Box::new(store.clone())];
        let calls = |work: &dyn Fn()| {
            let count = || module.statistics().calls.values().sum::<u64>();
            let before = count();
            work();
            count() - before
        };
        for by in
            [Wanted::Modulus(modulus.clone()), Wanted::PublicKey(certificate.public_key().clone())]
        {
            let searched = calls(&|| {
                let found = find_in_stores(&stores, &by.query()).found.one().unwrap();
                assert_eq!(found.info, *wanted.info());
            });
            println!("{KEYS} keys: {searched} calls for one {by:?}");
            assert!(searched <= MOST_CALLS, "{searched} calls");
        }

        let scanned = calls(&|| {
            let Match::Many(all) = store.find(&KeyQuery::any()).unwrap() else { panic!("all") };
            assert_eq!(all.len(), KEYS);
            let by = Wanted::Modulus(modulus.clone());
            let fits = |info: &&KeyInfo| info.public_key.as_ref().is_some_and(|key| by.fits(key));
            assert_eq!(all.iter().filter(fits).collect::<Vec<_>>(), [wanted.info()]);
        });
        println!("{KEYS} keys: {scanned} calls to read them all");
        assert!(scanned >= KEYS as u64, "a scan reads every key: {scanned} calls");
    });
}
