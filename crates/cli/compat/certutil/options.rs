//! What `certutil` understands.

use crate::compat::grammar::{Opt, Status, Tool, Verb, flag, refused, valued};

const USER: Opt = flag("user", "The stores of the user, and not of the machine.");
const ENTERPRISE: Opt = flag("enterprise", "The stores of the machine's enterprise.");
const GROUP_POLICY: Opt = flag("grouppolicy", "The stores of group policy.");
const FORCE: Opt = flag("f", "Puts what is new in the place of what is there.");
const VERBOSE: Opt = flag("v", "Says more: everything that is in a certificate.");
const SERVICE: Opt =
    refused("service", "The stores of a service.", "those of the machine serve it: leave it out");
const SPLIT: Opt = refused(
    "split",
    "Writes what is in a file to files.",
    "type  chancery cert export FILE --out OUT, or chancery inspect FILE --asn1",
);
const SILENT: Opt = flag("silent", "Asks nothing; nothing is ever asked.");

const fn verb(
    name: &'static str,
    operands: &'static str,
    meaning: &'static str,
    options: &'static [Opt],
) -> Verb {
    Verb { name, operands, meaning, status: Status::Done, options }
}

const fn other(name: &'static str, meaning: &'static str, instead: &'static str) -> Verb {
    Verb { name, operands: "", meaning, status: Status::Refused(instead), options: &[] }
}

pub(in crate::compat) const TOOL: Tool = Tool {
    name: "certutil",
    purpose: "keeps certificates in stores, binds keys to them, and shows, encodes and checks files.",
    mark: '-',
    slash: true,
    verb_mark: "-",
    verbs: &[
        verb(
            "ca.cert",
            "FILE",
            "Writes the certificate of the certificate authority, DER, and prints it.",
            &[
                FORCE,
                SPLIT,
                valued(
                    "config",
                    "FOLDER",
                    "The authority's folder (chancery ca init); else `ca` of chancery.toml.",
                ),
            ],
        ),
        verb(
            "addstore",
            "STORE FILE",
            "Adds the certificates and revocation lists of a file to a store.",
            &[FORCE, USER, ENTERPRISE, GROUP_POLICY, SERVICE, VERBOSE],
        ),
        verb(
            "delstore",
            "STORE ID",
            "Removes a certificate from a store.",
            &[FORCE, USER, ENTERPRISE, GROUP_POLICY, SERVICE, VERBOSE],
        ),
        verb(
            "store",
            "[STORE [ID [FILE]]]",
            "Lists the certificates of a store, My without its name, and its revocation lists; with a key, whether it is there and signs. An ID is a place, serial number, hash or part of a subject; the one it names is written to a file.",
            &[FORCE, USER, ENTERPRISE, GROUP_POLICY, SERVICE, SILENT, SPLIT, VERBOSE],
        ),
        verb(
            "viewstore",
            "[STORE [ID [FILE]]]",
            "The same; there is no window.",
            &[FORCE, USER, ENTERPRISE, GROUP_POLICY, SERVICE, SILENT, SPLIT, VERBOSE],
        ),
        verb(
            "repairstore",
            "STORE ID [INF]",
            "Finds the key of a certificate and binds it, or sets the properties of an INF. A key is proved first to be the certificate's.",
            &[
                FORCE,
                USER,
                ENTERPRISE,
                GROUP_POLICY,
                SERVICE,
                SILENT,
                SPLIT,
                VERBOSE,
                valued("csp", "PROVIDER", "The provider to look for the key in."),
            ],
        ),
        verb(
            "key",
            "[CONTAINER]",
            "Lists the key containers of a provider.",
            &[
                USER,
                SILENT,
                VERBOSE,
                valued("csp", "PROVIDER", "The provider; without it the one of chancery.toml."),
            ],
        ),
        verb("csplist", "", "Lists the providers.", &[USER, VERBOSE]),
        verb("encode", "IN OUT", "Writes a file in Base64, as a certificate.", &[FORCE]),
        verb("decode", "IN OUT", "Writes what a file in Base64 has.", &[FORCE]),
        verb(
            "hashfile",
            "FILE [ALGORITHM]",
            "Prints the hash of a file; SHA1 without an algorithm.",
            &[],
        ),
        verb(
            "dump",
            "FILE",
            "Prints what is in a certificate, request, revocation list, store or file of PKCS#7.",
            &[VERBOSE, SILENT, SPLIT, FORCE],
        ),
        verb(
            "verify",
            "CERTIFICATE [ISSUERS]",
            "Judges a certificate by the stores Root and CA and the revocation lists in them, for signing code.",
            &[
                FORCE,
                USER,
                SILENT,
                SPLIT,
                VERBOSE,
                flag(
                    "urlfetch",
                    "Fetches issuers and revocation lists that are missing, over HTTP.",
                ),
            ],
        ),
        other(
            "importpfx",
            "Imports a key.",
            "sign with the file as it is:  signtool sign /f FILE.pfx, or --key file:FILE.pfx",
        ),
        other(
            "exportpfx",
            "Exports a key.",
            "keys stay where they are:  chancery cert export --pkcs12 for a key file",
        ),
        other("delkey", "Deletes a key.", "type  chancery key delete --key URI --yes"),
        other("csptest", "Tests providers.", "type  chancery token doctor"),
        other("scinfo", "Tells about smart cards.", "type  chancery token list"),
        other(
            "revoke",
            "Revokes a certificate.",
            "type  chancery cert revoke --ca FOLDER --serial N",
        ),
        other("crl", "Publishes a revocation list.", "type  chancery ca crl FOLDER"),
        other("url", "Shows a window.", "type  chancery cert verify FILE --roots ROOTS --fetch"),
        other("asn", "Prints ASN.1.", "type  openssl asn1parse -i -in FILE"),
    ],
    notes: &[
        "A store is that of the machine unless an option says otherwise; the folder is `store` of chancery.toml.",
        "Dates are in UTC.",
        "Where Windows encrypts to test a key, a signature is made, since a key for signing does nothing else; \
         the line is `Signature test passed`.",
        "The process ends with 0 or the HRESULT; systems with eight bits for it get the lowest eight.",
    ],
};
