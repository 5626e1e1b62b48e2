"""Signs in a bare loop of C_SignInit and C_Sign: bare_sign.py MODULE PIN LABEL COUNT; prints signatures a second."""

import ctypes
import sys
import time

ULONG = ctypes.c_ulong


class Attribute(ctypes.Structure):
    _fields_ = [("type", ULONG), ("value", ctypes.c_void_p), ("length", ULONG)]


def check(rv):
    assert rv == 0, hex(rv)


module, pin, label, count = sys.argv[1], sys.argv[2].encode(), sys.argv[3].encode(), int(sys.argv[4])
pkcs11 = ctypes.CDLL(module)
check(pkcs11.C_Initialize(None))
slots, found = (ULONG * 8)(), ULONG(8)
check(pkcs11.C_GetSlotList(1, slots, ctypes.byref(found)))
session = ULONG()
check(pkcs11.C_OpenSession(slots[0], ULONG(4), None, None, ctypes.byref(session)))
check(pkcs11.C_Login(session, ULONG(1), pin, ULONG(len(pin))))
private = ULONG(3)
template = (Attribute * 2)(
    Attribute(0, ctypes.cast(ctypes.byref(private), ctypes.c_void_p), 8),
    Attribute(3, ctypes.cast(ctypes.c_char_p(label), ctypes.c_void_p), len(label)),
)
key = ULONG()
check(pkcs11.C_FindObjectsInit(session, template, ULONG(2)))
check(pkcs11.C_FindObjects(session, ctypes.byref(key), ULONG(1), ctypes.byref(found)))
check(pkcs11.C_FindObjectsFinal(session))
# CKM_RSA_PKCS over a DigestInfo of SHA-256.
mechanism = Attribute(1, None, 0)
message = bytes.fromhex("3031300d060960864801650304020105000420") + bytes(32)
signature, length = ctypes.create_string_buffer(512), ULONG()
began = time.perf_counter()
for _ in range(count):
    check(pkcs11.C_SignInit(session, ctypes.byref(mechanism), key))
    length.value = 512
    check(pkcs11.C_Sign(session, message, ULONG(len(message)), signature, ctypes.byref(length)))
print(count / (time.perf_counter() - began))
