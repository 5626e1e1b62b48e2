//! What the articles have their readers do, in order. Of their texts there are here the command lines, and the short
//! answers that ours are compared with.

/// Something an article has its reader do.
pub(super) enum Step {
    /// A line typed at a prompt.
    Line(Line),
    /// Something else: what, a phrase of the article for it, and what becomes of it here.
    Aside { what: &'static str, phrase: &'static str, here: &'static str },
}

/// A line typed at a prompt.
#[derive(Clone, Copy)]
pub(super) struct Line {
    /// As the article has it.
    pub(super) typed: &'static str,
    pub(super) answer: Answer,
}

/// What an article shows for a line.
#[derive(Clone, Copy)]
pub(super) enum Answer {
    /// Nothing.
    Nothing,
    /// What another program prints; ours is run in its place.
    OfAnotherProgram { here: &'static str },
    /// A text, as [`compare`](super::shown::compare) reads it.
    Shown {
        /// What the article says before it, where that is not the line.
        after: &'static str,
        text: &'static str,
        /// What the article goes on with.
        until: &'static str,
        differences: &'static [Difference],
    },
}

/// A place where what is printed here is not what an article shows.
pub(super) struct Difference {
    pub(super) there: &'static str,
    pub(super) here: &'static str,
    pub(super) why: &'static str,
}

const fn line(typed: &'static str, text: &'static str, until: &'static str) -> Step {
    differing(typed, "", text, until, &[])
}

const fn differing(
    typed: &'static str,
    after: &'static str,
    text: &'static str,
    until: &'static str,
    differences: &'static [Difference],
) -> Step {
    Step::Line(Line { typed, answer: Answer::Shown { after, text, until, differences } })
}

const fn aside(what: &'static str, phrase: &'static str, here: &'static str) -> Step {
    Step::Aside { what, phrase, here }
}

const STORE_LIST: Step = Step::Line(Line {
    typed: "Get-ChildItem -path cert:\\LocalMachine\\My",
    answer: Answer::OfAnotherProgram { here: "chancery store list LocalMachine/My" },
});

const SIGN: &str = ".\\signtool.exe sign /v /fd sha256 /sha1 <thumbprint> /sm /as C:\\Users\\Administrator\\Desktop\\<test.exe>";
const VERIFY: &str = ".\\signtool.exe verify /v /pa C:\\Users\\Administrators\\Desktop\\<test.exe>";

const BEGINS_IN_THE_MIDDLE: Difference = Difference {
    there: "Done Adding",
    here: "<words> Done Adding",
    why: "the article begins in the middle: before it is the certificate that was chosen",
};

const ONE_NODE: Difference = Difference {
    there: "SUCCESS Node id <slot> and err state 0x00000000 : HSM Return: SUCCESS",
    here: "SUCCESS",
    why: "one node: there is one token",
};

pub(super) const FIRST_ARTICLE: &[Step] = &[
    aside(
        "install the HSM's client and the Windows SDK",
        "Windows SDK with Microsoft SignTool installed",
        "links of the tools' names, and the module in `chancery.toml`",
    ),
    aside(
        "write IISCertRequest.inf",
        "IISCertRequest.inf",
        "the same file, with the page's no-break spaces",
    ),
    line(
        "certreq -new <IISCertRequest.inf IISCertRequest.csr>",
        "SDK Version: <number> CertReq: Request Created",
        "If successful",
    ),
    aside(
        "have the authority answer the request",
        "Provide the CSR to your CA for signing",
        "`certreq -submit` to an authority in a folder",
    ),
    Step::Line(Line { typed: "certreq -accept <signedCertificate.cer>", answer: Answer::Nothing }),
    STORE_LIST,
    aside(
        "go to the folder of SignTool",
        "navigate to the app",
        "not needed, the link is in the path",
    ),
    differing(
        SIGN,
        "You should see a message like this:",
        "Done Adding Additional Store Successfully signed <file> Number of files successfully Signed: 1 \
         Number of warnings: 0 Number of errors: 0",
        "One last",
        &[
            BEGINS_IN_THE_MIDDLE,
            Difference {
                there: "signed <file>",
                here: "signed: <file>",
                why: "a colon, as the other article has it",
            },
        ],
    ),
    aside(
        "trust the root of a private authority",
        "deploy a copy of the root CA certificate",
        "`certutil -addstore Root`, before the next line",
    ),
    Step::Line(Line { typed: VERIFY, answer: Answer::Nothing }),
];

/// What a listing says of the certificate, up to its key.
macro_rules! listed {
    ($after:literal) => {
        concat!(
            "my \"Personal\" ================ Certificate 0 ================ Serial Number: <serial> \
             Issuer: CN=MYRootCA NotBefore: <date> NotAfter: <date> Subject: CN=www.mydomain.com, \
             OU=Certificate Management, O=Information Technology, L=Houston, S=Texas, C=US Non-root Certificate \
             Cert Hash(sha1): <hash> ",
            $after
        )
    };
}

/// What the tool of the HSM says of a cluster with two nodes.
macro_rules! nodes {
    ($before:literal, $after:literal) => {
        concat!(
            $before,
            " Cluster Error Status Node id <slot> and err state 0x00000000 : HSM Return: SUCCESS \
             Node id <slot> and err state 0x00000000 : HSM Return: SUCCESS",
            $after
        )
    };
}

const LOGGED_IN: &str = nodes!("Cfm3LoginHSM returned: 0x00 : HSM Return: SUCCESS", "");

const FOUND: &str = nodes!(
    "Total number of keys present: 1 Number of matching keys from start index 0::0 \
     Handles of matching keys: <handle>",
    " Cfm3FindKey returned: 0x00 : HSM Return: SUCCESS"
);

pub(super) const SECOND_ARTICLE: &[Step] = &[
    aside(
        "set the login credentials of the HSM",
        "Set credentials through Windows Credentials Manager",
        "`n3fips_password`, or `pin` in `chancery.toml`",
    ),
    line(
        "certutil -ca.cert <my root certificate>.cer",
        "CA cert[0]: 3 -- Valid CA cert[0]: -----BEGIN CERTIFICATE----- <words> -----END CERTIFICATE----- \
         CertUtil: -ca.cert command completed successfully.",
        "C:\\Users\\Administrator\\Desktop>",
    ),
    aside(
        "copy the root to the new machine",
        "file to your new Windows instance",
        "the file, copied",
    ),
    line(
        "certutil -addstore \"Root\" <my root certificate>.cer",
        "Root \"Trusted Root Certification Authorities\" Signature matches Public Key \
         Certificate \"MYRootCA\" added to store. CertUtil: -addstore command completed successfully.",
        "3. Copy",
    ),
    aside(
        "look at the roots in certlm.msc",
        "certlm.msc",
        "`chancery store list LocalMachine/Root`",
    ),
    line(
        "certutil -addstore \"My\" <my signed certificate>.cer",
        "My \"Personal\" Certificate \"www.mydomain.com\" added to store. \
         CertUtil: -addstore command completed successfully.",
        "4. Verify",
    ),
    line(
        "certutil -store my",
        listed!(
            "No key provider information Cannot find the certificate and private key for decryption. \
             CertUtil: -store command completed successfully."
        ),
        "Retrieve the key handles",
    ),
    aside(
        "download and install OpenSSL, and Visual C++ for it",
        "Win64OpenSSL",
        "not needed, `openssl` is a link too",
    ),
    line(
        "certutil -encode <my signed certificate>.cer <signed certificate in base64>.cer",
        "Input Length = <number> Output Length = <number> CertUtil: -encode command completed successfully.",
        "6. Run",
    ),
    line(
        "openssl x509 -noout -modulus -in <signed certificate in base64>.cer",
        "Modulus=<hex>",
        "7. Save",
    ),
    aside(
        "save the modulus in modulus.txt",
        "Save the certificate modulus in a text file",
        "the line as it was printed",
    ),
    aside(
        "start key_mgmt_util",
        "Run the key_mgmt_util command line tool",
        "`key_mgmt_util`, and the next three lines at its prompt",
    ),
    differing(
        "loginHSM -u CU -s <CU username> -p <CU password>",
        "",
        LOGGED_IN,
        "9. Run",
        &[ONE_NODE],
    ),
    differing(
        "findKey -c 2 -m C:\\\\Users\\\\Administrator\\\\Desktop\\\\modulus.txt",
        "",
        FOUND,
        "10. Run",
        &[ONE_NODE],
    ),
    differing(
        "findKey -c 3 -m C:\\\\Users\\\\Administrator\\\\Desktop\\\\modulus.txt",
        "",
        FOUND,
        "Create a new key container",
        &[ONE_NODE],
    ),
    aside(
        "start the daemon of the HSM's client",
        "start the CloudHSM client daemon",
        "not needed, a module has none",
    ),
    line(
        "import_key.exe -from HSM \u{2013}privateKeyHandle <private key handle> -publicKeyHandle <public key handle>",
        "Represented 1 keypairs in Cavium Key Storage Provider.",
        "Note: If you get",
    ),
    line(
        "certutil -key -csp \"Cavium Key Storage provider\"",
        "Cavium Key Storage provider: <container> RSA CertUtil: -key command completed successfully.",
        "Update the certificate store",
    ),
    aside("write repair.txt", "Create a file named repair.txt", "the same file"),
    line(
        "certutil -repairstore my <certificate serial number> repair.txt",
        listed!("CertUtil: -repairstore command completed successfully."),
        "3. Run",
    ),
    differing(
        "certutil -store my",
        "",
        listed!(
            "Key Container = <container> Provider = Cavium Key Storage Provider Private key is NOT exportable \
             Encryption test passed CertUtil: -store command completed successfully."
        ),
        "Now you can use",
        &[Difference {
            there: "Encryption test passed",
            here: "Signature test passed",
            why: "the key is for signatures and decrypts nothing: it signs for a test",
        }],
    ),
    STORE_LIST,
    aside(
        "download and install the Windows SDK, and go to its folder",
        "Download and install one of the following versions",
        "not needed, `signtool` is a link",
    ),
    differing(
        SIGN,
        "You should see a message like the following:",
        "Done Adding Additional Store Successfully signed: <file> Number of files successfully Signed: 1 \
         Number of warnings: 0 Number of errors: 0",
        "6. (Optional)",
        &[BEGINS_IN_THE_MIDDLE],
    ),
    differing(
        VERIFY,
        "If successful, you should see output similar to the following.",
        "Number of files successfully Verified: 1",
        "Conclusion",
        &[Difference {
            there: "Number of files successfully Verified: 1",
            here: "<words> Number of files successfully Verified: 1 Number of warnings: 0 Number of errors: 0",
            why: "the article shows one line: around it are the chain and the other numbers",
        }],
    ),
];
