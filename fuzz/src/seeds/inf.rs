//! INF text: in order, odd, and as it is pasted from web pages.

use super::Seeds;

const PLAIN: &str = "[Version]\r\nSignature = \"$Windows NT$\"\r\n\r\n[NewRequest]\r\n\
    Subject = \"CN=Example,O=Example Ltd,C=GB\"\r\nKeyLength = 3072\r\nKeyUsage = 0x80\r\n\
    [Extensions]\r\n2.5.29.17 = \"{text}\"\r\n_continue_ = \"dns=a.example&\"\r\n\
    _continue_ = \"ipaddress=192.0.2.1\"\r\nCritical = 2.5.29.17\r\n\
    [EnhancedKeyUsageExtension]\r\nOID = 1.3.6.1.5.5.7.3.3\r\n\
    [Strings]\r\nNAME = \"Example\"\r\n";

pub(super) fn seeds() -> Seeds {
    let wide = |text: &str| -> Vec<u8> {
        "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
    };
    Seeds::from([
        ("comments", b"; all\n[A] ; of\nB = \"a\"\"b\" ; it\nC = \\\n1, 2, , 3\n".to_vec()),
        ("ec", PLAIN.replace("KeyLength = 3072", "KeyAlgorithm = ECDSA_P384").into_bytes()),
        ("empty", Vec::new()),
        ("plain", PLAIN.into()),
        ("self-signed", PLAIN.replace("KeyUsage", "RequestType = Cert\nKeyUsage").into_bytes()),
        ("smart-quotes", PLAIN.replace('"', "\u{201c}").into_bytes()),
        ("strings", "[A]\nB = %C%%D%\n[Strings]\nC = 1\nD = %C%\n".into()),
        ("unfinished-quote", b"[A]\nB = \"a\n".to_vec()),
        ("utf-16", wide(PLAIN)),
        ("utf-16-odd", wide(PLAIN)[..101].to_vec()),
    ])
}
