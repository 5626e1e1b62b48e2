//! What is signed, and by whom.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use chancery_testkit::openssl::openssl;
use chancery_testkit::pe_maker::{TinyPe, tiny_pe};
use chancery_testkit::softhsm::SoftHsm;
use tempfile::TempDir;

pub(crate) const PIN: &str = "4711";

const EXTENSIONS: &str = "
[req]
distinguished_name = name
[name]
[root]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
[signer]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = codeSigning
[tsa]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
";

/// A folder beside what cargo builds, so on a disk and not in memory, with a root certificate in it.
#[derive(Debug)]
pub(crate) struct World {
    folder: TempDir,
}

/// A key's kind, as openssl names it.
pub(crate) const RSA_2048: &[&str] = &["-newkey", "rsa:2048"];
pub(crate) const P_256: &[&str] = &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"];

impl World {
    pub(crate) fn make() -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        fs::write(folder.path().join("cnf"), EXTENSIONS).unwrap();
        let world = Self { folder };
        world.certify("root", RSA_2048, &[]);
        world
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Makes `NAME.key`, and `NAME.pem` under the root with the extensions of that name.
    pub(crate) fn issue(&self, name: &str, key: &[&str]) {
        let (root, root_key) = (self.at("root.pem"), self.at("root.key"));
        self.certify(name, key, &["-CA", text(&root), "-CAkey", text(&root_key)]);
    }

    fn certify(&self, name: &str, key: &[&str], issuer: &[&str]) {
        let at = |extension: &str| self.at(name).with_extension(extension);
        let (config, key_file, certificate) = (self.at("cnf"), at("key"), at("pem"));
        let subject = format!("/CN=Peers {name}");
        let mut args = vec!["req", "-x509", "-noenc", "-days", "30", "-subj", &subject];
        args.extend(["-config", text(&config), "-extensions", name]);
        args.extend(["-keyout", text(&key_file), "-out", text(&certificate)]);
        args.extend(key);
        args.extend(issuer);
        let output = openssl(&args);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// Makes a folder of programs of so many bytes, `0.exe` and so on.
    pub(crate) fn programs(&self, name: &str, count: usize, len: u64) -> PathBuf {
        let folder = self.at(name);
        fs::create_dir(&folder).unwrap();
        for number in 0..count {
            program(&folder.join(format!("{number}.exe")), len, number as u64);
        }
        folder
    }

    /// Makes a new copy of a folder, on the disk before anything is measured. Earlier ones stay: where ext4 has no
    /// journal, it looks at every file that was deleted a minute ago before it makes a new one.
    pub(crate) fn fresh(&self, folder: &Path, name: &str) -> PathBuf {
        let mut copies = (0..).map(|number: usize| self.at(&format!("{name}-{number}")));
        let copy = copies.find(|copy| !copy.exists()).unwrap();
        fs::create_dir(&copy).unwrap();
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), copy.join(entry.file_name())).unwrap();
        }
        settle();
        copy
    }

    /// Puts the key of that name into a token of its own.
    pub(crate) fn token(&self, name: &str) -> SoftHsm {
        let hsm = SoftHsm::create().expect("SoftHSM is here: apt-get install softhsm2 opensc");
        hsm.init_token("peers", PIN);
        hsm.import_key("peers", PIN, &self.at(name).with_extension("key"), name, "01");
        fs::write(self.at("pin"), PIN).unwrap();
        hsm
    }
}

/// Waits until the disk has everything: what one contestant left behind is nothing to the next.
pub(crate) fn settle() {
    assert!(Command::new("sync").status().unwrap().success());
}

/// Writes a program of exactly so many bytes, most of them noise behind its one section.
pub(crate) fn program(path: &Path, len: u64, seed: u64) {
    let head = tiny_pe(&TinyPe::default());
    let mut file = BufWriter::with_capacity(1 << 20, File::create(path).unwrap());
    file.write_all(&head).unwrap();
    let mut state = seed.wrapping_mul(2).wrapping_add(0x9E37_79B9_7F4A_7C15) | 1;
    let mut left = len.checked_sub(head.len() as u64).expect("longer than its headers");
    while left > 0 {
        // Marsaglia's xorshift: nothing compresses it, and no page of it is a hole.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let bytes = state.to_le_bytes();
        let take = left.min(8);
        file.write_all(&bytes[..take as usize]).unwrap();
        left -= take;
    }
    file.flush().unwrap();
}

/// The command of this build, copied to where it stays, as its peers were when they were installed: what a linker has
/// just written lies in memory in smaller pieces, and a process of it takes half a millisecond longer to start.
pub(crate) fn chancery(args: &[&str]) -> Command {
    static INSTALLED: OnceLock<PathBuf> = OnceLock::new();
    let installed = INSTALLED.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("installed");
        fs::create_dir_all(&folder).unwrap();
        let copy = folder.join("chancery");
        let _ = fs::remove_file(&copy);
        fs::copy(env!("CARGO_BIN_EXE_chancery"), &copy).unwrap();
        copy
    });
    let mut command = Command::new(installed);
    command.arg("--quiet").args(args).env_remove("PKCS11_MODULE");
    command
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}
