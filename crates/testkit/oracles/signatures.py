"""Says field by field what signify and LIEF think of each signature of a file: one JSON object a line.

Standard input has a file name a line; the first argument names a PEM file of trusted roots. An answer is
  {"file": "a.exe", "signify": [FIELDS...], "lief": [FIELDS...]}
in the order primary, nested, next entry; FIELDS has "digest", "signature", "chain" and "timestamp", each true,
false, or null where the tool does not say.
"""

import json
import logging
import os
import pathlib
import sys

FIELDS = ("digest", "signature", "chain", "timestamp")


def fields(**known):
    return {name: known.get(name) for name in FIELDS}


def judge_signify(signature, roots):
    from signify import exceptions

    def attempt(mode):
        try:
            list(
                signature.verify(
                    trusted_certificate_store=roots,
                    countersignature_mode=mode,
                    strict_validation=False,
                    verify_additional_hashes=False,
                )
            )
        except Exception as error:
            return error
        return None

    stamped = signature.signer_info.countersigner is not None
    error = attempt("strict")
    if error is None:
        return fields(digest=True, signature=True, chain=True, timestamp=True if stamped else None)
    if isinstance(error, exceptions.AuthenticodeInvalidDigestError):
        return fields(digest="indirect data" not in str(error), signature=None)
    if isinstance(error, exceptions.CounterSignerError):
        # The digest was looked at before; whether the rest holds without the timestamp is another question.
        rest = attempt("permit")
        if rest is None:
            return fields(digest=True, signature=True, chain=True, timestamp=False)
        is_chain = isinstance(rest, exceptions.CertificateVerificationError)
        return fields(digest=True, chain=False if is_chain else None, timestamp=False)
    if isinstance(error, exceptions.CertificateVerificationError):
        return fields(digest=True, chain=False)
    if isinstance(error, exceptions.InvalidDigestError):
        return fields(digest=True, signature=False)
    if isinstance(error, exceptions.SignerInfoVerificationError):
        return fields(digest=True, signature=False)
    return fields()


def ask_signify(file, roots):
    from signify.authenticode import AuthenticodeFile

    with open(file, "rb") as stream:
        try:
            return [judge_signify(one, roots) for one in AuthenticodeFile.from_stream(stream).iter_signatures()]
        except Exception:
            return []


def judge_lief(binary, signature):
    import lief

    flag = lief.PE.Signature.VERIFICATION_FLAGS
    found = binary.verify_signature(signature)
    if found == flag.OK:
        return fields(digest=True, signature=True)
    bits = int(found)

    def has(name):
        return bool(bits & int(getattr(flag, name)))

    if has("BAD_DIGEST"):
        return fields(digest=False)
    # A signature that is merely late is called bad as well.
    if has("BAD_SIGNATURE") and not has("CERT_EXPIRED"):
        return fields(digest=True, signature=False)
    return fields(digest=True)


def ask_lief(file):
    import lief

    binary = lief.PE.parse(file)
    if binary is None:
        return []
    found = []
    for signature in binary.signatures:
        found.append(judge_lief(binary, signature))
        for signer in signature.signers:
            for attribute in signer.unauthenticated_attributes:
                if isinstance(attribute, lief.PE.MsSpcNestedSignature):
                    found.append(judge_lief(binary, attribute.signature))
    return found


def main():
    import lief
    from signify.x509 import FileSystemCertificateStore

    # Only answers may reach standard output, whatever the libraries print.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    logging.disable(logging.CRITICAL)
    lief.logging.disable()
    roots = FileSystemCertificateStore(pathlib.Path(sys.argv[1]), trusted=True)
    for line in sys.stdin:
        file = line.rstrip("\n")
        answer = {"file": file, "signify": ask_signify(file, roots), "lief": ask_lief(file)}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
