//! Whether a lock that nobody holds proves that nobody works on a file.

use std::path::Path;

/// File systems that one machine alone has mounted.
#[cfg(target_os = "linux")]
const OF_ONE_MACHINE: [&[u8]; 18] = [
    b"ext2",
    b"ext3",
    b"ext4",
    b"xfs",
    b"btrfs",
    b"bcachefs",
    b"f2fs",
    b"zfs",
    b"jfs",
    b"reiserfs",
    b"tmpfs",
    b"ramfs",
    b"rootfs",
    b"overlay",
    b"vfat",
    b"exfat",
    b"ntfs3",
    b"udf",
];

/// Tells whether a lock on a file in a folder is seen by every process that can reach it, on whatever machine. Where
/// that is not known, it is not so.
///
/// Linux says which file system it is and how it was mounted; elsewhere the lock is taken at its word.
pub(super) fn locks_reach_everybody(folder: &Path) -> bool {
    #[cfg(target_os = "linux")]
    {
        let mounts = std::fs::read("/proc/self/mountinfo").unwrap_or_default();
        folder.canonicalize().is_ok_and(|folder| reach_everybody(&mounts, &folder))
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = folder;
        true
    }
}

/// Reads a table as in proc_pid_mountinfo(5).
#[cfg(target_os = "linux")]
fn reach_everybody(mounts: &[u8], folder: &Path) -> bool {
    let mut found: Option<Mount<'_>> = None;
    for mount in mounts.split(|byte| *byte == b'\n').filter_map(Mount::read) {
        // What is mounted last hides what is below it.
        let is_closer = found
            .as_ref()
            .is_none_or(|best| mount.point.as_os_str().len() >= best.point.as_os_str().len());
        if is_closer && folder.starts_with(&mount.point) {
            found = Some(mount);
        }
    }
    found.is_some_and(|mount| mount.locks_reach_everybody())
}

#[cfg(target_os = "linux")]
struct Mount<'a> {
    point: std::path::PathBuf,
    kind: &'a [u8],
    options: &'a [u8],
}

#[cfg(target_os = "linux")]
impl<'a> Mount<'a> {
    fn read(line: &'a [u8]) -> Option<Self> {
        use std::os::unix::ffi::OsStringExt;
        let mut fields = line.split(|byte| *byte == b' ');
        let point = std::ffi::OsString::from_vec(unescape(fields.nth(4)?)).into();
        let mut rest = fields.skip_while(|field| *field != b"-").skip(1);
        let kind = rest.next()?;
        Some(Self { point, kind, options: rest.nth(1).unwrap_or_default() })
    }

    fn locks_reach_everybody(&self) -> bool {
        let has = |option: &[u8]| self.options.split(|byte| *byte == b',').any(|one| one == option);
        match self.kind {
            b"nfs" | b"nfs4" => has(b"local_lock=none"),
            b"cifs" | b"smb3" => !has(b"nobrl"),
            b"ceph" => true,
            kind => OF_ONE_MACHINE.contains(&kind),
        }
    }
}

/// Undoes `\040` and its like.
#[cfg(target_os = "linux")]
fn unescape(field: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((first, after)) = rest.split_first() {
        let escaped = after.get(..3).filter(|_| *first == b'\\');
        let code = escaped
            .and_then(|digits| core::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() { after.get(3..).unwrap_or_default() } else { after };
    }
    bytes
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    const MOUNTS: &[u8] = b"\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
40 22 0:50 / /build rw shared:2 - nfs4 server:/b rw,vers=4.2,local_lock=none,addr=10.0.0.1
41 22 0:51 / /old\\040share rw - nfs server:/o rw,vers=3,nolock,local_lock=all
42 40 0:52 / /build/fast rw - tmpfs tmpfs rw
43 22 0:53 / /win rw - cifs //server/w rw,nobrl
44 22 0:54 / /host rw - virtiofs host rw
45 22 0:55 / /over rw - ext4 /dev/sdb1 rw
46 45 0:56 / /over rw - fuse.sshfs there: rw
";

    #[test]
    fn locks_are_believed_where_every_machine_sees_them() {
        for (folder, believed) in [
            ("/home/me", true),
            ("/build", true),
            ("/build/fast/x", true),
            ("/buildings", true),
            ("/old share/x", false),
            ("/win/x", false),
            ("/host", false),
            ("/over/x", false),
        ] {
            assert_eq!(reach_everybody(MOUNTS, Path::new(folder)), believed, "{folder}");
        }
        assert!(!reach_everybody(b"", Path::new("/")), "what is not known is not so");
        assert!(!reach_everybody(b"nonsense\n1 2 3\n", Path::new("/")));
    }
}
