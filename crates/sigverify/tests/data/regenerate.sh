#!/bin/sh
# Makes every file of this folder anew: new keys, new signatures. Needs OpenSSL 3 and Python 3.
# Run it in this folder. The private keys are thrown away.
set -eu
keys=$(mktemp -d)
trap 'rm -rf "$keys"' EXIT
printf 'what Chancery signs is always small' > message.bin

rsa() { # name bits exponent
    # OpenSSL makes a modulus a bit shorter now and then, where the length is odd.
    until openssl pkey -in "$keys/$1.pem" -noout -text 2>&1 | grep -q "($2 bit"; do
        openssl genpkey -quiet -algorithm RSA -pkeyopt "rsa_keygen_bits:$2" \
            -pkeyopt "rsa_keygen_pubexp:$3" -out "$keys/$1.pem"
    done
    openssl pkey -in "$keys/$1.pem" -pubout -outform DER -out "$1.spki.der"
}
ec() { # name curve
    openssl genpkey -quiet -algorithm EC -pkeyopt "ec_paramgen_curve:$2" -out "$keys/$1.pem"
    openssl pkey -in "$keys/$1.pem" -pubout -outform DER -out "$1.spki.der"
}
plain() { # key scheme hash: PKCS#1 v1.5 or ECDSA
    openssl dgst "-$3" -sign "$keys/$1.pem" -out "$1.$2-$3.sig" message.bin
}
pss() { # key hash salt-length suffix [mask-hash]
    openssl dgst "-$2" -sign "$keys/$1.pem" -sigopt rsa_padding_mode:pss \
        -sigopt "rsa_pss_saltlen:$3" -sigopt "rsa_mgf1_md:${5:-$2}" \
        -out "$1.rsa-pss-$2$4.sig" message.bin
}

rsa rsa512 512 65537;    plain rsa512 rsa-pkcs1 sha256
rsa rsa1024 1024 65537;  plain rsa1024 rsa-pkcs1 sha1
rsa rsa2048 2048 65537
for hash in sha1 sha256 sha384 sha512; do plain rsa2048 rsa-pkcs1 $hash; done
for hash in sha256 sha384 sha512; do pss rsa2048 $hash digest ''; done
pss rsa2048 sha256 20 .salt20
pss rsa2048 sha256 0 .salt0
pss rsa2048 sha256 digest .mgf-sha1 sha1
rsa rsa1025 1025 65537;  plain rsa1025 rsa-pkcs1 sha256; pss rsa1025 sha256 digest ''
rsa rsa2050 2050 65537;  pss rsa2050 sha512 digest ''
rsa rsa8192 8192 65537;  plain rsa8192 rsa-pkcs1 sha256; pss rsa8192 sha512 digest ''
rsa rsa16384 16384 65537; plain rsa16384 rsa-pkcs1 sha512
for curve in p256:P-256 p384:P-384 p521:P-521; do
    ec "${curve%:*}" "${curve#*:}"
    for hash in sha1 sha256 sha384 sha512; do plain "${curve%:*}" ecdsa $hash; done
done
openssl genpkey -quiet -algorithm ED25519 -out "$keys/ed25519.pem"
openssl pkey -in "$keys/ed25519.pem" -pubout -outform DER -out ed25519.spki.der
openssl pkeyutl -sign -rawin -inkey "$keys/ed25519.pem" -in message.bin -out ed25519.ed25519.sig

rsa rsa2048e3 2048 3;    plain rsa2048e3 rsa-pkcs1 sha256
openssl rsa -in "$keys/rsa2048e3.pem" -noout -text > "$keys/numbers.txt"
python3 forge.py "$keys/numbers.txt" message.bin
