//! ECDSA signatures in both forms.

use chancery_key::ecdsa_der_from_fixed;

use super::Seeds;

pub(super) fn seeds() -> Seeds {
    let fixed = |len: usize, octet: u8| vec![octet; 2 * len];
    let der = |fixed: &[u8]| ecdsa_der_from_fixed(fixed).expect("two positive numbers");
    Seeds::from([
        ("der-p256", der(&fixed(32, 0x7f))),
        ("der-p384-high-bit", der(&fixed(48, 0x80))),
        ("der-p521", der(&[&[1], &fixed(65, 0xff)[..], &[1]].concat())),
        ("der-not-minimal", vec![0x30, 0x08, 0x02, 0x02, 0x00, 0x01, 0x02, 0x02, 0x00, 0x01]),
        ("der-negative", vec![0x30, 0x06, 0x02, 0x01, 0x80, 0x02, 0x01, 0x80]),
        ("der-trailing", [der(&fixed(32, 1)), vec![0]].concat()),
        ("der-zero", vec![0x30, 0x06, 0x02, 0x01, 0x00, 0x02, 0x01, 0x01]),
        ("fixed-leading-zeros", [[0; 31].as_slice(), &[1], &[0; 31], &[1]].concat()),
        ("fixed-odd", vec![1; 63]),
        ("fixed-p256", fixed(32, 0xa5)),
        ("fixed-p521", fixed(66, 0x01)),
        ("fixed-zero", fixed(32, 0)),
    ])
}
