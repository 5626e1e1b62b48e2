"""Answers what signify and LIEF say of signed files: one JSON object a line in, one out.

The first line out gives the versions:
  {"python": "3.11.2", "signify": {"version": "0.9.3"}, "lief": {"error": "No module named 'lief'"}}
A question is {"oracle": "signify", "file": "a.exe", "ca": "roots.pem"}; its answer is
  {"verdict": "accepted" | "refused" | "failed", "reason": "..."}
"""

import importlib
import importlib.metadata
import json
import logging
import os
import pathlib
import platform
import sys


def signify(file, ca):
    """Every embedded signature has to verify, up to the given roots and no others."""
    from signify.authenticode import AuthenticodeFile
    from signify.x509 import FileSystemCertificateStore

    roots = FileSystemCertificateStore(pathlib.Path(ca), trusted=True)
    if not list(roots):
        return "failed", f"{ca} holds no certificate"
    with open(file, "rb") as stream:
        try:
            AuthenticodeFile.from_stream(stream).verify(
                multi_verify_mode="all",
                signature_types="embedded",
                ignore_parse_errors=False,
                trusted_certificate_store=roots,
            )
        except (ImportError, MemoryError, OSError):
            raise
        # Malformed input ends in any exception at all, from asn1crypto's up.
        except Exception as error:
            return "refused", f"{type(error).__name__}: {error}"
    return "accepted", ""


def lief(file, ca):
    """The signature over the file holds. LIEF has no trust anchors, so `ca` does not count."""
    import lief as library

    library.logging.disable()
    binary = library.PE.parse(file)
    if binary is None:
        return "refused", "not a PE file"
    flags = binary.verify_signature()
    if flags == library.PE.Signature.VERIFICATION_FLAGS.OK:
        return "accepted", ""
    return "refused", str(flags)


ORACLES = {"signify": signify, "lief": lief}


def versions():
    """Imports each package, so that a broken one shows now and not as a verdict."""
    found = {"python": platform.python_version()}
    modules = {"signify": "signify.authenticode", "lief": "lief"}
    for package, module in modules.items():
        try:
            importlib.import_module(module)
            found[package] = {"version": importlib.metadata.version(package)}
        except Exception as error:
            found[package] = {"error": f"{type(error).__name__}: {error}"}
    return found


def answer(question):
    try:
        verdict, reason = ORACLES[question["oracle"]](question["file"], question["ca"])
    except Exception as error:
        verdict, reason = "failed", f"{type(error).__name__}: {error}"
    return {"verdict": verdict, "reason": reason}


def main():
    # Only answers may reach standard output, whatever the libraries print.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    sys.stdin.reconfigure(encoding="utf-8")
    logging.disable(logging.CRITICAL)

    def say(value):
        print(json.dumps(value), file=answers, flush=True)

    say(versions())
    for line in sys.stdin:
        say(answer(json.loads(line)))


if __name__ == "__main__":
    main()
