//! What `certreq` understands.

use crate::compat::grammar::{Opt, Status, Tool, Verb, flag, refused, valued};

const QUIET: Opt = flag("q", "Says nothing where all is well.");
const FORCE: Opt = flag("f", "Puts new files in the place of old ones.");
const USER: Opt = flag("user", "The stores of the user.");
const MACHINE: Opt = flag("machine", "The stores of the machine.");
const BINARY: Opt = flag("binary", "Writes DER, and no Base64.");
const CONFIG: Opt = valued(
    "config",
    "FOLDER",
    "The authority's folder (chancery ca init); else `ca` of chancery.toml.",
);
const POLICY_SERVER: Opt =
    refused("PolicyServer", "A policy server.", "authorities are folders here: -config FOLDER");

pub(in crate::compat) const TOOL: Tool = Tool {
    name: "certreq",
    purpose: "makes requests for certificates, has a certificate authority answer them, and accepts the answers.",
    mark: '-',
    slash: true,
    verb_mark: "-",
    verbs: &[
        Verb {
            name: "new",
            operands: "INF OUT",
            meaning: "Makes the key that an INF asks for in its provider, and a request, which is remembered in the \
                      store REQUEST. docs/inf-keys.md says what an INF can say.",
            status: Status::Done,
            options: &[
                QUIET,
                FORCE,
                USER,
                MACHINE,
                refused(
                    "cert",
                    "A certificate to renew.",
                    "type  chancery csr new --like OLD.cer --key URI",
                ),
                BINARY,
                refused("attrib", "Attributes for the authority.", "type them for -submit"),
                refused("config", "The authority.", "type it for -submit"),
                refused(
                    "unicode",
                    "Writes UTF-16.",
                    "leave it out: what is printed is UTF-8, and files are read in either",
                ),
                POLICY_SERVER,
            ],
        },
        Verb {
            name: "submit",
            operands: "REQUEST CERTIFICATE [CHAIN]",
            meaning: "Has an authority in a folder issue a certificate, for signing code.",
            status: Status::Done,
            options: &[
                QUIET,
                FORCE,
                BINARY,
                CONFIG,
                valued("attrib", "TEXT", "CertificateTemplate:CodeSigning, WebServer or SubCA."),
                POLICY_SERVER,
            ],
        },
        Verb {
            name: "retrieve",
            operands: "ID CERTIFICATE",
            meaning: "Writes a certificate that the authority issued.",
            status: Status::Done,
            options: &[QUIET, FORCE, BINARY, CONFIG],
        },
        Verb {
            name: "accept",
            operands: "CERTIFICATE",
            meaning: "Puts a certificate into the store My with the key of its request.",
            status: Status::Done,
            options: &[QUIET, USER, MACHINE],
        },
        Verb {
            name: "sign",
            operands: "REQUEST OUT",
            meaning: "Signs a request with another certificate too, as CMC has it (RFC 5272); -submit takes the result.",
            status: Status::Done,
            options: &[
                QUIET,
                FORCE,
                BINARY,
                USER,
                MACHINE,
                valued(
                    "cert",
                    "ID",
                    "The certificate that signs, in the store My: its hash, serial number or part of its subject.",
                ),
            ],
        },
        Verb {
            name: "policy",
            operands: "",
            meaning: "Makes a request for cross-certification.",
            status: Status::Refused("type  chancery csr new --like CA.cer --key URI"),
            options: &[],
        },
        Verb {
            name: "enroll",
            operands: "",
            meaning: "Enrols by a template of a domain.",
            status: Status::Refused("make a request with -new and submit it with -submit"),
            options: &[],
        },
    ],
    notes: &[
        "The provider of an INF is that of chancery.toml: [provider.\"NAME\"] module = \"PATH\". Without a name it is the only one there.",
        "The process ends with 0 or the HRESULT; systems with eight bits for it get the lowest eight.",
    ],
};
