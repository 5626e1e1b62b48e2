//! tpm2-pkcs11 over swtpm, with the resource manager it needs on a bus of its own.

use std::fs;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::Setup;
use super::server::{Server, wait_for};
use super::tool::installed;

const MODULES: [&str; 3] = [
    "/usr/lib/x86_64-linux-gnu/libtpm2_pkcs11.so.1",
    "/usr/lib/aarch64-linux-gnu/libtpm2_pkcs11.so.1",
    "/usr/lib64/pkcs11/libtpm2_pkcs11.so",
];

const TOKEN: &str = "table";
const PIN: &str = "12345678";

/// Starts the resource manager, makes the token, and runs the command after it. `$1` is the directory.
const SESSION: &str = r#"
set -e
dir=$1; shift
tpm2-abrmd --session --allow-root --tcti="swtpm:path=$dir/swtpm.sock" 2>"$dir/abrmd.log" &
manager=$!
trap 'kill $manager' EXIT
until tpm2_ptool init --path "$dir/store" >"$dir/init.log" 2>&1; do
  kill -0 $manager
  sleep 0.2
done
tpm2_ptool addtoken --path "$dir/store" --pid 1 --sopin 87654321 --userpin 12345678 --label table >/dev/null
"$@"
"#;

pub(crate) fn set_up() -> Setup {
    let module = installed(&MODULES, "libtpm2-pkcs11-1");
    let dir = TempDir::new().unwrap();
    let at = |name: &str| dir.path().join(name);
    fs::create_dir(at("state")).unwrap();
    fs::create_dir(at("store")).unwrap();
    fs::write(at("session.sh"), SESSION).unwrap();
    let control = format!("type=unixio,path={}", at("swtpm.sock.ctrl").display());
    let mut swtpm = Command::new("swtpm");
    swtpm.args(["socket", "--tpm2", "--flags", "startup-clear", "--ctrl", &control, "--tpmstate"]);
    swtpm.arg(format!("dir={}", at("state").display()));
    swtpm.args(["--server", &format!("type=unixio,path={}", at("swtpm.sock").display())]);
    swtpm.stdout(Stdio::null()).stderr(Stdio::null());
    let server = Server::start(swtpm);
    wait_for(&at("swtpm.sock"));
    let words = ["dbus-run-session", "--", "sh"].map(Into::into);
    let mut wrapper = Vec::from(words);
    wrapper.extend([at("session.sh").into(), dir.path().into()]);
    Setup {
        module,
        token: TOKEN,
        pin: PIN,
        environment: vec![
            ("TPM2_PKCS11_STORE".into(), at("store").into()),
            ("TPM2_PKCS11_TCTI".into(), "tabrmd:bus_type=session".into()),
            ("TPM2TOOLS_TCTI".into(), "tabrmd:bus_type=session".into()),
        ],
        wrapper,
        _keep: Box::new((server, dir)),
    }
}
