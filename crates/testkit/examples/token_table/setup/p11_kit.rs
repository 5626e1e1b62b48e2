//! p11-kit: SoftHSM in a server, reached through a socket.

use std::process::Stdio;

use super::Setup;
use super::server::{Server, wait_for};
use super::softhsm::{PIN, TOKEN, with_token};
use super::tool::installed;

const CLIENTS: [&str; 3] = [
    "/usr/lib/x86_64-linux-gnu/pkcs11/p11-kit-client.so",
    "/usr/lib/aarch64-linux-gnu/pkcs11/p11-kit-client.so",
    "/usr/lib64/pkcs11/p11-kit-client.so",
];

pub(crate) fn set_up() -> Setup {
    let client = installed(&CLIENTS, "p11-kit p11-kit-modules");
    let hsm = with_token();
    let socket = hsm.dir().join("socket");
    let mut command = hsm.command("p11-kit");
    command.args(["server", "-f", "--provider"]).arg(hsm.module()).arg("-n").arg(&socket);
    command.arg(format!("pkcs11:token={TOKEN}")).stdout(Stdio::null());
    let server = Server::start(command);
    wait_for(&socket);
    let address = format!("unix:path={}", socket.display());
    Setup {
        module: client,
        token: TOKEN,
        pin: PIN,
        environment: vec![("P11_KIT_SERVER_ADDRESS".into(), address.into())],
        wrapper: Vec::new(),
        _keep: Box::new((server, hsm)),
    }
}
