//! A modulus as openssl prints it, as shells save that, and cut.

use super::Seeds;

pub(super) fn seeds() -> Seeds {
    let line = format!("Modulus={}01\r\n", "C0FE".repeat(40));
    let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let colons = format!("00:{}01", "c0:fe:".repeat(40));
    // An RSAPublicKey of 65537 and a number of 512 bits.
    let mut pkcs1 = b"\x30\x48\x02\x41\x00\xc1".to_vec();
    pkcs1.extend([0xc1; 63]);
    pkcs1.extend(b"\x02\x03\x01\x00\x01");
    Seeds::from([
        ("colons", colons.into_bytes()),
        ("hex-prefix", line.replace("Modulus=", "0x").into_bytes()),
        ("no-modulus", b"Modulus=No modulus for this public key type\n".to_vec()),
        ("openssl", line.clone().into_bytes()),
        ("pkcs1", pkcs1),
        ("utf-16", [vec![0xff, 0xfe], wide(&line)].concat()),
        ("utf-16-no-mark", wide(&line)),
    ])
}
