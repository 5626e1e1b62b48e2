//! Where vendors install their modules.

use std::path::{Path, PathBuf};

#[cfg(windows)]
const PLACES: &[&str] = &[
    r"C:\SoftHSM2\lib\softhsm2-x64.dll",
    r"C:\Program Files\SoftHSM2\lib\softhsm2-x64.dll",
    r"C:\Program Files\OpenSC Project\OpenSC\pkcs11\opensc-pkcs11.dll",
    r"C:\Program Files\Yubico\Yubico PIV Tool\bin\libykcs11.dll",
    r"C:\Program Files\Yubico\YubiHSM Shell\bin\yubihsm_pkcs11.dll",
    r"C:\Windows\System32\eTPKCS11.dll",
    r"C:\Windows\System32\eToken.dll",
    r"C:\Program Files\SafeNet\LunaClient\cryptoki.dll",
    r"C:\Program Files\nCipher\nfast\toolkits\pkcs11\cknfast.dll",
    r"C:\Program Files\Amazon\CloudHSM\lib\cloudhsm_pkcs11.dll",
    r"C:\Program Files\Utimaco\CryptoServer\Lib\cs_pkcs11_R3.dll",
];

#[cfg(target_os = "macos")]
const PLACES: &[&str] = &[
    "/opt/homebrew/lib/softhsm/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
    "/Library/OpenSC/lib/opensc-pkcs11.so",
    "/usr/local/lib/opensc-pkcs11.so",
    "/opt/homebrew/lib/libykcs11.dylib",
    "/usr/local/lib/libykcs11.dylib",
    "/usr/local/lib/pkcs11/yubihsm_pkcs11.dylib",
    "/usr/local/lib/libeTPkcs11.dylib",
    "/Library/Frameworks/eToken.framework/Versions/Current/libeToken.dylib",
    "/usr/safenet/lunaclient/lib/libCryptoki2_64.dylib",
];

#[cfg(not(any(windows, target_os = "macos")))]
const PLACES: &[&str] = &[
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib64/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/opensc-pkcs11.so",
    "/usr/lib/aarch64-linux-gnu/opensc-pkcs11.so",
    "/usr/lib64/opensc-pkcs11.so",
    "/usr/lib64/pkcs11/opensc-pkcs11.so",
    "/usr/lib/opensc-pkcs11.so",
    "/usr/lib/x86_64-linux-gnu/libykcs11.so",
    "/usr/lib/aarch64-linux-gnu/libykcs11.so",
    "/usr/lib64/libykcs11.so",
    "/usr/local/lib/libykcs11.so",
    "/usr/lib/x86_64-linux-gnu/pkcs11/yubihsm_pkcs11.so",
    "/usr/lib64/pkcs11/yubihsm_pkcs11.so",
    "/usr/lib/libeTPkcs11.so",
    "/usr/lib64/libeTPkcs11.so",
    "/usr/lib/libeToken.so",
    "/usr/safenet/lunaclient/lib/libCryptoki2_64.so",
    "/opt/nfast/toolkits/pkcs11/libcknfast.so",
    "/opt/cloudhsm/lib/libcloudhsm_pkcs11.so",
    "/opt/utimaco/lib/libcs_pkcs11_R3.so",
    "/usr/lib/libcs_pkcs11_R3.so",
    "/usr/lib/x86_64-linux-gnu/pkcs11/libopencryptoki.so",
    "/usr/lib64/opencryptoki/libopencryptoki.so",
    "/usr/lib/x86_64-linux-gnu/libtpm2_pkcs11.so.1",
    "/usr/lib64/pkcs11/libtpm2_pkcs11.so",
];

/// Lists the modules that are there, each file once.
pub(super) fn present() -> Vec<PathBuf> {
    let mut canonical = Vec::new();
    let mut found = Vec::new();
    for place in PLACES.iter().map(Path::new) {
        if let Ok(path) = place.canonicalize()
            && !canonical.contains(&path)
        {
            canonical.push(path);
            found.push(place.to_owned());
        }
    }
    found
}

/// Tells whether a module has this RFC 7512 `module-name`: the file name without `lib` and extensions.
pub(super) fn is_named(path: &Path, name: &str) -> bool {
    let Some(file) = path.file_name().and_then(|file| file.to_str()) else { return false };
    let stem = file.split_once('.').map_or(file, |(stem, _)| stem);
    stem == name || stem.strip_prefix("lib") == Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_named_without_prefix_and_extension() {
        assert!(is_named(Path::new("/usr/lib/softhsm/libsofthsm2.so"), "softhsm2"));
        assert!(is_named(Path::new("/usr/lib/softhsm/libsofthsm2.so"), "libsofthsm2"));
        assert!(is_named(Path::new("/usr/lib64/opensc-pkcs11.so"), "opensc-pkcs11"));
        assert!(is_named(Path::new("/lib/libtpm2_pkcs11.so.1"), "tpm2_pkcs11"));
        assert!(!is_named(Path::new("/usr/lib/softhsm/libsofthsm2.so"), "softhsm"));
        assert!(!is_named(Path::new("/usr/lib/softhsm/libsofthsm2.so"), ""));
    }

    #[test]
    fn no_place_is_listed_twice() {
        for (at, place) in PLACES.iter().enumerate() {
            assert!(!PLACES[..at].contains(place), "{place}");
        }
    }
}
