//! NSS softokn, whose parameters come with `C_Initialize`: chancery-faulty-token gives them to it.

use std::fs;
use std::process::Command;

use chancery_testkit::faulty;
use tempfile::TempDir;

use super::Setup;
use super::tool::{installed, run};

const MODULES: [&str; 3] = [
    "/usr/lib/x86_64-linux-gnu/libsoftokn3.so",
    "/usr/lib/aarch64-linux-gnu/libsoftokn3.so",
    "/usr/lib64/libsoftokn3.so",
];

const PIN: &str = "12345678";

pub(crate) fn set_up() -> Setup {
    let softokn = installed(&MODULES, "libnss3");
    let dir = TempDir::new().unwrap();
    let at = |name: &str| dir.path().join(name);
    fs::write(at("pin"), format!("{PIN}\n")).unwrap();
    fs::write(at("script"), "").unwrap();
    let database = format!("sql:{}", dir.path().display());
    let mut make = Command::new("certutil");
    make.args(["-N", "-d", &database, "-f"]).arg(at("pin"));
    run(make);
    let parameters = format!("configdir='{database}' certPrefix='' keyPrefix='' secmod='' flags=");
    Setup {
        module: faulty::module(),
        token: "NSS Certificate DB",
        pin: PIN,
        environment: vec![
            ("CHANCERY_FAULTY_MODULE".into(), softokn.into()),
            ("CHANCERY_FAULTY_SCRIPT".into(), at("script").into()),
            ("CHANCERY_FAULTY_RESERVED".into(), parameters.into()),
        ],
        wrapper: Vec::new(),
        _keep: Box::new(dir),
    }
}
