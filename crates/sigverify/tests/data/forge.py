"""Makes PKCS#1 v1.5 signatures with wrong padding, by the private key of an exponent of 3.

Whoever compares the whole padding refuses each; whoever parses it may accept it. `bleichenbacher`
is made without the private key, as a cube root (the 2006 forgery).
"""
import hashlib
import re
import sys

text = open(sys.argv[1]).read()
digest = hashlib.sha256(open(sys.argv[2], "rb").read()).digest()


def number(name):
    block = re.search(name + r":\n((?:\s+[0-9a-f:]+\n)+)", text).group(1)
    return int(re.sub(r"[\s:]", "", block), 16)


n, d = number("modulus"), number("privateExponent")
k = (n.bit_length() + 7) // 8
oid = bytes.fromhex("0609608648016503040201")
info = bytes.fromhex("3031300d") + oid + bytes.fromhex("05000420") + digest


def encoded(info, lead=b"\x00\x01", fill=0xFF, tail=b"", end=b"\x00"):
    padding = k - len(lead) - len(end) - len(info) - len(tail)
    return lead + bytes([fill]) * padding + end + info + tail


def patched(position, value):
    em = bytearray(encoded(info))
    em[position] = value
    return bytes(em)


forms = {
    "digest-info-without-null": encoded(bytes.fromhex("302f300b") + oid + b"\x04\x20" + digest),
    "null-with-contents": encoded(bytes.fromhex("3033300f") + oid + bytes.fromhex("050200000420") + digest),
    "long-form-length": encoded(bytes.fromhex("308131300d") + oid + bytes.fromhex("05000420") + digest),
    "indefinite-length": encoded(
        bytes.fromhex("3080300d") + oid + bytes.fromhex("05000420") + digest + b"\x00\x00"),
    "trailing-data-inside": encoded(
        bytes.fromhex("3033300d") + oid + bytes.fromhex("05000420") + digest + b"\x05\x00"),
    "bare-digest": encoded(digest),
    "other-algorithm": encoded(info.replace(oid, bytes.fromhex("0609608648016503040202"))),
    "short-padding-and-garbage": (b"\x00\x01" + b"\xff" * 8 + b"\x00" + info).ljust(k, b"\x5a"),
    "no-separator": encoded(info, end=b"\xff"),
    "block-type-2": encoded(info, lead=b"\x00\x02"),
    "block-type-0": encoded(info, lead=b"\x00\x00", fill=0x00),
    "padding-of-another-byte": encoded(info, fill=0xFE),
    "one-padding-byte-changed": patched(100, 0xFE),
    "first-byte-not-zero": patched(0, 0x01),
}


def cube_root_above(value):
    low, high = 0, 1 << (value.bit_length() // 3 + 2)
    while low < high:
        middle = (low + high) // 2
        if middle**3 < value:
            low = middle + 1
        else:
            high = middle
    return low


head = b"\x00\x01" + b"\xff" * 8 + b"\x00" + info
forged = cube_root_above(int.from_bytes(head.ljust(k, b"\x00"), "big"))
cube = (forged**3).to_bytes(k, "big")
assert cube.startswith(head), "the garbage reaches into the digest"
signatures = {name: pow(int.from_bytes(em, "big") % n, d, n) for name, em in forms.items()}
signatures["bleichenbacher"] = forged
with open("rsa2048e3.forgeries.txt", "w") as out:
    for name, signature in signatures.items():
        out.write(f"{name} {signature.to_bytes(k, 'big').hex()}\n")
