//! What `key_mgmt_util` understands.

use crate::compat::grammar::{Opt, Status, Tool, Verb, flag, refused, valued};

const fn other(name: &'static str, meaning: &'static str, instead: &'static str) -> Verb {
    Verb { name, operands: "", meaning, status: Status::Refused(instead), options: &[] }
}

const ATTEST: Opt = refused("attest", "Checks the HSM.", "use the tools of the HSM");
const USERS: Opt = refused("u", "Who shares the key.", "the tools of the HSM share keys");
const M_VALUE: Opt =
    refused("m_value", "How many users have to agree.", "the tools of the HSM say who agrees");
const MIN_SRV: Opt = refused(
    "min_srv",
    "On how many HSMs the key has to be.",
    "the cluster copies it: leave it out",
);
const TIMEOUT: Opt = refused("timeout", "How long to wait for them.", "leave it out with -min_srv");

pub(in crate::compat) const TOOL: Tool = Tool {
    name: "key_mgmt_util",
    purpose: "logs in to the token, makes keys, finds them and tells about them; alone a prompt, after `singlecmd` \
              the commands of one line.",
    mark: '-',
    slash: false,
    verb_mark: "",
    verbs: &[
        Verb {
            name: "loginHSM",
            operands: "-u CU -s USER -p PASSWORD",
            meaning: "Logs in for the rest of this run.",
            status: Status::Done,
            options: &[
                valued("u", "TYPE", "CU; officers administer with the tools of their HSM."),
                valued("s", "USER", "The user; the PIN is USER:PASSWORD, as AWS CloudHSM has it."),
                valued(
                    "p",
                    "PASSWORD",
                    "The password. Without -s it is the whole PIN. Others can read the arguments of a process, so better set n3fips_password.",
                ),
                flag("hpswd", "Asks for the password on the terminal, where nobody sees it."),
            ],
        },
        Verb {
            name: "logoutHSM",
            operands: "",
            meaning: "Forgets the PIN.",
            status: Status::Done,
            options: &[],
        },
        Verb {
            name: "findKey",
            operands: "[-c CLASS] [-t TYPE] [-l LABEL] [-id ID] [-m FILE]",
            meaning: "Prints the handles of the keys that fit.",
            status: Status::Done,
            options: &[
                valued(
                    "c",
                    "CLASS",
                    "2 for public keys, 3 for private keys; both without it. 4, secret keys, is not done.",
                ),
                valued("t", "TYPE", "0 for RSA, 3 for EC."),
                valued("l", "LABEL", "The label."),
                valued("id", "ID", "The identifier: text, or hex after 0x."),
                valued(
                    "m",
                    "FILE",
                    "A file with the modulus, as openssl prints it or without `Modulus=`.",
                ),
                valued(
                    "sess",
                    "0 or 1",
                    "0 for keys that last, which all are; 1 for those of a session, of which there are none.",
                ),
                refused("u", "Who shares the key.", "sharing is told by the tools of the HSM"),
                refused("kcv", "The check value of a key.", "key pairs have none: use -m or -id"),
            ],
        },
        Verb {
            name: "getAttribute",
            operands: "-o HANDLE -a ATTRIBUTE -out FILE",
            meaning: "Writes an attribute of a key to a file.",
            status: Status::Done,
            options: &[
                valued("o", "HANDLE", "The key."),
                valued("a", "ATTRIBUTE", "Its number, as listAttributes prints them; 512 for all."),
                valued("out", "FILE", "A file that is not there yet."),
            ],
        },
        Verb {
            name: "listAttributes",
            operands: "",
            meaning: "Prints the attributes that getAttribute knows, and their numbers.",
            status: Status::Done,
            options: &[],
        },
        Verb {
            name: "getKeyInfo",
            operands: "-k HANDLE",
            meaning: "Tells what a key is.",
            status: Status::Done,
            options: &[
                valued("k", "HANDLE", "The key."),
                refused("a", "All that is known.", "it is all told without"),
            ],
        },
        Verb {
            name: "genRSAKeyPair",
            operands: "-m BITS -e EXPONENT -l LABEL",
            meaning: "Makes an RSA key pair.",
            status: Status::Done,
            options: &[
                valued("m", "BITS", "The length of the modulus."),
                valued("e", "EXPONENT", "65537, the only one."),
                valued("l", "LABEL", "The label."),
                valued("id", "ID", "The identifier: text, or hex after 0x."),
                flag("nex", "Not extractable; keys are made so anyway."),
                refused("sess", "For this session.", "keys are made to stay"),
                refused(
                    "wrap_with",
                    "A wrapping key.",
                    "keys are made so that they cannot leave their token",
                ),
                ATTEST,
                USERS,
                M_VALUE,
                MIN_SRV,
                TIMEOUT,
            ],
        },
        Verb {
            name: "genECCKeyPair",
            operands: "-i CURVE -l LABEL",
            meaning: "Makes an elliptic-curve key pair.",
            status: Status::Done,
            options: &[
                valued("i", "CURVE", "2 for P-256, 14 for P-384, 15 for P-521."),
                valued("l", "LABEL", "The label."),
                valued("id", "ID", "The identifier: text, or hex after 0x."),
                flag("nex", "Not extractable; keys are made so anyway."),
                refused("sess", "For this session.", "keys are made to stay"),
                ATTEST,
                USERS,
                M_VALUE,
                MIN_SRV,
                TIMEOUT,
            ],
        },
        Verb {
            name: "exit",
            operands: "",
            meaning: "Ends the prompt.",
            status: Status::Done,
            options: &[],
        },
        other("listUsers", "Lists the users.", "users are told by the tools of the HSM"),
        other("deleteKey", "Deletes a key.", "type  chancery key delete --key URI --yes"),
        other("sign", "Signs a file.", "type  chancery sign, or chancery signtool sign"),
        other("exSymKey", "Exports a key.", "keys stay on their token"),
        other("exportPrivateKey", "Exports a key.", "keys stay on their token"),
        other("importPrivateKey", "Imports a key.", "keys are made on their token"),
        other("wrapKey", "Wraps a key.", "keys stay on their token"),
        other("unWrapKey", "Unwraps a key.", "keys are made on their token"),
        other("genSymKey", "Makes a symmetric key.", "nothing here uses one"),
        other("setAttribute", "Changes a key.", "type  chancery key rename"),
        other("verify", "Verifies a signature.", "type  chancery verify, or openssl dgst -verify"),
        other("getCert", "Gets certificates of the HSM.", "use the tools of the HSM"),
        other("genPBEKey", "Makes a key from a password.", "nothing here uses one"),
        other("imSymKey", "Imports a symmetric key.", "nothing here uses one"),
        other("exportPubKey", "Exports a public key.", "type  chancery key list --format json"),
        other("importPubKey", "Imports a public key.", "a certificate has it: chancery store add"),
        other("insertMaskedObject", "Copies a key.", "the cluster copies its keys"),
        other("extractMaskedObject", "Copies a key.", "the cluster copies its keys"),
        other("aesWrapUnwrap", "Wraps a file.", "nothing here encrypts"),
        other(
            "IsValidKeyHandlefile",
            "Tells a key file from a handle.",
            "there are no files that stand for keys: findKey -m finds the key itself",
        ),
        other(
            "getCaviumPrivKey",
            "Writes a file that stands for a key.",
            "the address of a key stands for it: chancery key list",
        ),
        other(
            "convert2CaviumPrivKey",
            "Imports a key as a file that stands for it.",
            "keys are made on their token",
        ),
        other("Error2String", "Explains a number.", "every error says what it is"),
        other("getHSMInfo", "Tells about the HSM.", "type  chancery token list"),
    ],
    notes: &[
        "A handle is a number of ours: made from the public key and the identifier, the same on every machine that has the \
         token, even for a public half and odd for a private one. PKCS#11 has no handles that last.",
        "COMMAND -h tells about a command, help about all.",
        "Where the tool prints a line for each node of a cluster, one is printed, for the token's slot.",
    ],
};
