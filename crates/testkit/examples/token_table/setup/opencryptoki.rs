//! opencryptoki's soft token, whose daemon and state are the machine's.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use super::Setup;
use super::server::{Server, wait_for};
use super::tool::installed;

const MODULES: [&str; 3] = [
    "/usr/lib/x86_64-linux-gnu/pkcs11/libopencryptoki.so",
    "/usr/lib/aarch64-linux-gnu/pkcs11/libopencryptoki.so",
    "/usr/lib64/opencryptoki/libopencryptoki.so",
];

const TOKEN: &str = "table";
const PIN: &str = "11111111";
const DEFAULT_SO_PIN: &str = "87654321";
const SO_PIN: &str = "12345678";
const SOCKET: &str = "/run/pkcsslotd.socket";
const STATE: &str = "/var/lib/opencryptoki/swtok";
const PROCESS: &str = "/run/pkcsslotd.pid";

pub(crate) fn set_up() -> Setup {
    let module = installed(&MODULES, "opencryptoki");
    assert!(!is_running(), "pkcsslotd runs already: end it, since its token begins afresh here");
    // A token that was set up before cannot be set up again: its objects and PINs go.
    for name in ["MK_SO", "MK_USER", "NVTOK.DAT", "TOK_OBJ/OBJ.IDX"] {
        let _ = fs::remove_file(Path::new(STATE).join(name));
    }
    let _ = fs::remove_file(SOCKET);
    let mut daemon = Command::new("pkcsslotd");
    daemon.arg("-f").stdout(Stdio::null()).stderr(Stdio::null());
    let server = Server::start(daemon);
    wait_for(SOCKET.as_ref());
    configure(&["-I", "-S", DEFAULT_SO_PIN], TOKEN).unwrap();
    configure(&["-P", "-S", DEFAULT_SO_PIN, "-n", SO_PIN], "").unwrap();
    configure(&["-u", "-S", SO_PIN, "-n", PIN], "").unwrap();
    Setup {
        module,
        token: TOKEN,
        pin: PIN,
        environment: Vec::new(),
        wrapper: Vec::new(),
        _keep: Box::new(server),
    }
}

fn is_running() -> bool {
    let process = fs::read_to_string(PROCESS).unwrap_or_default();
    !process.trim().is_empty() && Path::new("/proc").join(process.trim()).exists()
}

/// Runs `pkcsconf` for the soft token's slot; it asks for a label on its input.
fn configure(args: &[&str], input: &str) -> Result<(), String> {
    let mut command = Command::new("pkcsconf");
    command.args(["-c", "3"]).args(args);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    writeln!(process.stdin.take().unwrap(), "{input}").unwrap();
    let output = process.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    // It ends well whatever the token says.
    if output.status.success() && !said.contains("rror") {
        Ok(())
    } else {
        Err(format!("{command:?}: {said}"))
    }
}
