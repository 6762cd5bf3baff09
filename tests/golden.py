#!/usr/bin/env python3
#
# tests/golden.py - a conversation in each version of the KBS protocol
#
#     tests/golden.py >tests/golden.h
#
# Written from the description of the protocol (kbs-protocol A), with another
# library and another JSON writer than the code under test, and not run by the
# build: what is committed must not move.
#
# SPDX-License-Identifier: Apache-2.0
import base64
import hashlib
import json
import os

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash
from cryptography.hazmat.primitives.keywrap import aes_key_wrap

VERSIONS = ["0.1.0", "0.1.1", "0.2.0", "0.3.0", "0.4.0"]
SECRET = b"golden secret"
INIT_DATA = 'version = "0.1.0"\nalgorithm = "sha384"\n[data]\n"aa.toml" = ""\n'


def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value, size):
    return b64url(value.to_bytes(size, "big"))


def compact(value):
    return json.dumps(value, separators=(",", ":"))


def canonical(value):
    return json.dumps(value, separators=(",", ":"), sort_keys=True)


def public_jwk(key, version):
    public = key.public_key().public_numbers()
    if isinstance(public, rsa.RSAPublicNumbers):
        return {
            "kty": "RSA",
            "alg": "RSA1_5" if version < "0.2.0" else "RSA-OAEP-256",
            "n": number(public.n, 256),
            "e": number(public.e, 3),
        }
    return {
        "kty": "EC",
        "crv": "P-256",
        "alg": "ECDH-ES+A256KW",
        "x": number(public.x, 32),
        "y": number(public.y, 32),
    }


def request(version):
    if version == "0.1.0":
        extra = ""
    else:
        extra = {"supported-hash-algorithms": ["sha384", "sha512"]}
    return compact({"version": version, "tee": "sample", "extra-params": extra})


def bound(version, nonce, jwk):
    data = {"nonce": nonce, "tee-pubkey": jwk}
    if version >= "0.3.0":
        data["additional-evidence"] = ""
    return hashlib.sha384(canonical(data).encode()).digest()


def attestation(version, nonce, jwk):
    report_data = base64.b64encode(bound(version, nonce, jwk)).decode()
    evidence = {"svn": "1", "report_data": report_data}
    both = {"primary_evidence": evidence, "additional_evidence": ""}
    if version == "0.1.0":
        return compact({"tee-pubkey": jwk, "tee-evidence": compact(evidence)})
    if version in ("0.1.1", "0.2.0"):
        return compact({"tee-pubkey": jwk, "tee-evidence": evidence})
    if version == "0.3.0":
        return compact({"tee-pubkey": jwk, "tee-evidence": both})
    return compact(
        {
            "init-data": {"format": "toml", "body": INIT_DATA},
            "runtime-data": {"nonce": nonce, "tee-pubkey": jwk},
            "tee-evidence": both,
        }
    )


def wrap_for_ec(public, cek):
    ephemeral = ec.generate_private_key(ec.SECP256R1())
    z = ephemeral.exchange(ec.ECDH(), public)
    alg = b"ECDH-ES+A256KW"
    info = len(alg).to_bytes(4, "big") + alg + bytes(8) + (256).to_bytes(4, "big")
    kek = ConcatKDFHash(hashes.SHA256(), 32, info).derive(z)
    point = ephemeral.public_key().public_numbers()
    epk = {"crv": "P-256", "kty": "EC", "x": number(point.x, 32), "y": number(point.y, 32)}
    return {"alg": alg.decode(), "enc": "A256GCM", "epk": epk}, aes_key_wrap(kek, cek)


def response(version, key):
    cek, iv = os.urandom(32), os.urandom(12)
    public = key.public_key()
    if version < "0.2.0":
        header = compact({"alg": "RSA1_5", "enc": "A256GCM"})
        wrapped = public.encrypt(cek, padding.PKCS1v15())
        sealed, tag = AESGCM(cek).encrypt(iv, SECRET, None), b""
    else:
        if isinstance(public, rsa.RSAPublicKey):
            oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
            fields, wrapped = {"alg": "RSA-OAEP-256", "enc": "A256GCM"}, public.encrypt(cek, oaep)
        else:
            fields, wrapped = wrap_for_ec(public, cek)
        header = b64url(compact(fields).encode())
        both = AESGCM(cek).encrypt(iv, SECRET, header.encode())
        sealed, tag = both[:-16], both[-16:]
    return compact(
        {
            "protected": header,
            "encrypted_key": b64url(wrapped),
            "iv": b64url(iv),
            "ciphertext": b64url(sealed),
            "tag": b64url(tag),
        }
    )


def literal(text):
    lines = []
    while text:
        lines.append(json.dumps(text[:68], ensure_ascii=True))
        text = text[68:]
    return "\n            ".join(lines)


def conversation(version):
    if version < "0.2.0":
        key = rsa.generate_private_key(65537, 2048)
    else:
        key = ec.generate_private_key(ec.SECP256R1())
    nonce = base64.b64encode(os.urandom(32)).decode()
    jwk = public_jwk(key, version)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
    return {
        "version": version,
        "key": pem,
        "request": request(version),
        "nonce": nonce,
        "challenge": compact({"nonce": nonce, "extra-params": ""}),
        "report_data": bound(version, nonce, jwk).hex(),
        "attestation": attestation(version, nonce, jwk),
        "response": response(version, key),
    }


HEAD = """/*
 * tests/golden.h - a conversation in each version of the KBS protocol
 *
 * Made by tests/golden.py, without any of the code under test. The keys are of
 * nobody.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TESTS_GOLDEN_H
#define COCO_TESTS_GOLDEN_H

#define GOLDEN_SECRET "golden secret"

struct golden {
    const char *version;
    const char *key; /* of the guest, PEM */
    const char *request;
    const char *nonce;
    const char *challenge;
    const char *report_data; /* hex */
    const char *attestation; /* of the TEE sample */
    const char *response;    /* GOLDEN_SECRET, sealed */
};

/* clang-format off */
static const struct golden golden[] = {"""


def main():
    print(HEAD)
    for version in VERSIONS:
        print("    {")
        for name, text in conversation(version).items():
            print(f"        .{name} =\n            {literal(text)},")
        print("    },")
    print("};\n/* clang-format on */\n\n#define GOLDENS (sizeof(golden) / sizeof(golden[0]))\n\n#endif")


main()
