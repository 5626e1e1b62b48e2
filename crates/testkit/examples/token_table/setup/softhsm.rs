//! SoftHSM2, the token most tests use.

use chancery_testkit::softhsm::SoftHsm;

use super::Setup;

pub(super) const TOKEN: &str = "table";
pub(super) const PIN: &str = "12345678";

pub(crate) fn set_up() -> Setup {
    let hsm = with_token();
    let (name, value) = hsm.environment();
    Setup {
        module: hsm.module().to_owned(),
        token: TOKEN,
        pin: PIN,
        environment: vec![(name.into(), value.into())],
        wrapper: Vec::new(),
        _keep: Box::new(hsm),
    }
}

pub(super) fn with_token() -> SoftHsm {
    let hsm = SoftHsm::create().unwrap_or_else(|| panic!("SoftHSM is not here"));
    hsm.init_token(TOKEN, PIN);
    hsm
}
