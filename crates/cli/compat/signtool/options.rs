//! What `signtool` understands.

use crate::compat::grammar::{Opt, Status, Tool, Verb, flag, refused, valued};

const QUIET: Opt = flag("q", "Says nothing but errors.");
const VERBOSE: Opt = flag("v", "Says more, with the numbers of files at the end.");
const DEBUG: Opt =
    flag("debug", "As /v, and which certificates of the store there are to choose from.");
const TR: Opt = valued("tr", "URL", "Timestamps by RFC 3161 from this server.");
const TD: Opt = valued("td", "ALG", "The hash for /tr, after it: SHA256, SHA384, SHA512, SHA1.");
const T: Opt = valued("t", "URL", "Timestamps from this server in the way before RFC 3161.");
const SEAL: Opt =
    refused("seal", "Sealing signatures.", "leave it out; /as appends to a signature");

pub(in crate::compat) const TOOL: Tool = Tool {
    name: "signtool",
    purpose: "signs and verifies programs, timestamps signatures and removes them.",
    mark: '/',
    slash: true,
    verb_mark: "",
    verbs: &[
        Verb {
            name: "sign",
            operands: "[OPTIONS] FILES",
            meaning: "Signs files, in the place of signatures they have unless /as is there.",
            status: Status::Done,
            options: &[
                valued(
                    "fd",
                    "ALG",
                    "The hash of the file: SHA256, SHA384, SHA512, SHA1. There has to be one.",
                ),
                valued("sha1", "HASH", "The certificate of this SHA-1, as it is pasted."),
                valued("n", "TEXT", "The certificate with this in its subject."),
                valued("i", "TEXT", "The certificate with this in its issuer."),
                valued("s", "STORE", "The store; My without it."),
                flag("sm", "The stores of the machine, and not of the user."),
                flag("a", "Of several certificates the one that is valid longest."),
                valued("f", "FILE", "The certificate in a file, or a PKCS#12 file with its key."),
                valued(
                    "p",
                    "PASSWORD",
                    "The password of the PKCS#12 file. Others can read the arguments of a process: chancery sign --pin-file.",
                ),
                valued(
                    "csp",
                    "PROVIDER",
                    "The provider that has the key of /f; chancery.toml says which token stands for it.",
                ),
                valued("kc", "CONTAINER", "The key's container: its label."),
                valued("k", "CONTAINER", "The same."),
                flag("as", "Keeps the signatures there are and appends one."),
                Opt {
                    name: "ac",
                    value: Some("FILE"),
                    meaning: "More certificates, for the path to the root.",
                    status: Status::Repeatable,
                },
                T,
                TR,
                TD,
                valued("d", "TEXT", "What the program is called."),
                valued("du", "URL", "Where to read more about it."),
                flag("ph", "Hashes every page too."),
                flag("nph", "Does not, whatever SIGNTOOL_PAGE_HASHES says."),
                valued("dg", "FOLDER", "Writes FILE.dig and FILE.p7u, to be signed elsewhere."),
                flag("ds", "Signs a .dig: writes FILE.dig.signed."),
                valued(
                    "di",
                    "FOLDER",
                    "Takes FILE.dig.signed and FILE.p7u from there and finishes the file.",
                ),
                refused("dxml", "Writes FILE.dig.xml.", "FILE.dig has the same"),
                refused(
                    "dlib",
                    "Signs by a library.",
                    "a key in an HSM is used through PKCS#11: chancery sign --key",
                ),
                refused("dmdf", "Data for /dlib.", "leave it out with /dlib"),
                valued(
                    "p7",
                    "FOLDER",
                    "Signs any file as it is: writes FOLDER/FILE.p7, a PKCS#7 signature, and leaves the file alone.",
                ),
                valued("p7co", "OID", "The type of the content for /p7; plain data without it."),
                valued(
                    "p7ce",
                    "FORM",
                    "Embedded, which it is without: the content is in FILE.p7. DetachedSignedData: it is not, and FILE.p7 is the SignedData alone, as UEFI wants it.",
                ),
                valued("r", "TEXT", "The certificate below a root with this in its subject."),
                valued(
                    "u",
                    "PURPOSE",
                    "The certificate for this purpose, by its number; for signing code without it.",
                ),
                flag("uw", "The certificate for signing components of Windows."),
                refused("c", "The certificate's template.", "name the certificate: /sha1 HASH"),
                refused("nosealwarn", "Warnings of seals.", "leave it out"),
                refused("itos", "Sealing signatures.", "leave it out"),
                refused("fdchw", "A warning about the hash.", "leave it out"),
                refused("tdchw", "A warning about the hash.", "leave it out"),
                refused(
                    "rmc",
                    "More room for certificates.",
                    "leave it out; there is as much as it takes",
                ),
                SEAL,
                QUIET,
                VERBOSE,
                DEBUG,
            ],
        },
        Verb {
            name: "verify",
            operands: "[OPTIONS] FILES",
            meaning: "Verifies signatures by the roots in the stores Root.",
            status: Status::Done,
            options: &[
                flag(
                    "pa",
                    "By the policy for programs. It or /pg has to be there: the policy without is that for drivers.",
                ),
                valued(
                    "pg",
                    "GUID",
                    "By this policy: {00AAC56B-CD44-11D0-8CC2-00C04FC295EE}, which is /pa.",
                ),
                flag("all", "Every signature of a file, and not the first alone."),
                valued("ds", "N", "The signature of this number, from 0."),
                flag("tw", "Warns where there is no timestamp."),
                flag("d", "Prints what the program is called."),
                valued("r", "TEXT", "The root's subject has to have this in it."),
                flag(
                    "ph",
                    "Says whether the page hashes are those of the file; they are always checked.",
                ),
                refused("kp", "The policy for drivers.", "nothing here judges drivers: /pa"),
                valued(
                    "hash",
                    "ALG",
                    "SHA1 or SHA256, by which catalogs are searched. There are none here: it changes nothing.",
                ),
                flag(
                    "p7",
                    "Files of PKCS#7: the signature, and the path of its certificate. It takes no /pa.",
                ),
                valued("p7content", "FILE", "What a detached file of PKCS#7 is over."),
                flag(
                    "a",
                    "By catalogs too, of which there are none here: by the signature in the file.",
                ),
                refused("ad", "The default catalog.", "signatures in files are verified"),
                refused("as", "The system's catalogs.", "signatures in files are verified"),
                refused("ag", "A database of catalogs.", "signatures in files are verified"),
                refused("c", "A catalog.", "signatures in files are verified"),
                refused("o", "The system's version.", "leave it out"),
                refused("ms", "Several policies.", "type /all"),
                refused("sl", "Sealing signatures.", "leave it out"),
                SEAL,
                QUIET,
                VERBOSE,
                DEBUG,
            ],
        },
        Verb {
            name: "timestamp",
            operands: "[OPTIONS] FILES",
            meaning: "Timestamps a signature that is there.",
            status: Status::Done,
            options: &[
                T,
                TR,
                TD,
                valued("tp", "N", "The signature of this number, from 0."),
                refused("tseal", "Sealing timestamps.", "type /tr"),
                flag("p7", "Files of PKCS#7."),
                QUIET,
                VERBOSE,
                DEBUG,
            ],
        },
        Verb {
            name: "remove",
            operands: "/s | /u FILES",
            meaning: "Removes signatures.",
            status: Status::Done,
            options: &[
                flag("s", "Every signature."),
                flag("u", "What nobody signed: timestamps, and other unsigned attributes."),
                refused("c", "Certificates but the signer's.", "they are what a verifier needs"),
                QUIET,
                VERBOSE,
                DEBUG,
            ],
        },
        Verb {
            name: "catdb",
            operands: "",
            meaning: "Changes databases of catalogs.",
            status: Status::Refused("nothing here has catalogs: sign the files themselves"),
            options: &[],
        },
    ],
    notes: &[
        "Options begin with / or -. What begins with a slash and is no option is a path where it has another slash in it \
         or is there.",
        "@FILE stands for the words in FILE; * and ? in a file's name stand for files.",
        "The stores are in the folder that is `store` in chancery.toml. A certificate there has a key after certreq -accept, \
         certutil -repairstore, or chancery store bind.",
        "The PIN comes from n3fips_password (USER:PASSWORD), HSM_PIN, or where chancery.toml says.",
        "Where no timestamp is to be had nothing is written. SignTool leaves a signed file without one.",
        "The process ends with 0, 1 (an error) or 2 (a warning).",
        "Dates are in UTC.",
    ],
};
