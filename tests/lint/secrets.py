#!/usr/bin/env python3
"""Check that secrets are compared in constant time and never formatted (T36, T37).

SPDX-License-Identifier: Apache-2.0
"""

import pathlib
import re
import sys

TOP = pathlib.Path(sys.argv[1])
FOLDERS = ["lib", "cli", "daemons"]

# memcmp() tells by its time where two bytes differ. How many calls a file may have, and what they compare.
MEMCMP = {
    "cli/try_image.c": (1, "the magic number of a program"),
    "lib/attester/sgx.c": (1, "report data, which a host knows"),
    "lib/attester/snp.c": (2, "report data and digests of init data, which a host knows"),
    "lib/attester/software.c": (1, "digests of init data, which is no secret"),
    "lib/attester/tdx.c": (2, "report data and digests of init data, which a host knows"),
    "lib/attester/cca.c": (1, "a challenge, which a host knows"),
    "lib/base/cbor_get.c": (1, "names of members"),
    "lib/base/cbor_read.c": (1, "keys of maps"),
    "lib/base/digest.c": (1, "digests of what everybody may read"),
    "lib/base/json_read.c": (1, "words of JSON"),
    "lib/base/yaml.c": (1, "the beginning of a document"),
    "lib/collateral/bundle.c": (2, "a format's name, and digests of what everybody may read"),
    "lib/crypto/cose.c": (1, "labels of headers"),
    "lib/crypto/der.c": (1, "names of algorithms and of certificates"),
    "lib/crypto/jwk.c": (1, "two public keys"),
    "lib/crypto/key.c": (1, "how a public key begins"),
    "lib/crypto/openpgp.c": (1, "names of keys' owners"),
    "lib/crypto/pkcs11_sign.c": (1, "names of curves"),
    "lib/image/tar.c": (1, "whether padding is zero"),
    "lib/image/tarhead.c": (6, "magic numbers, and whether a block is zero"),
    "lib/kbs/seal_tpm.c": (1, "a magic number"),
    "lib/kbs/session.c": (4, "hashes of nonces, which whoever sends one knows"),
    "lib/measure/firmware.c": (2, "a magic number and GUIDs"),
    "lib/measure/pe.c": (1, "a magic number"),
    "lib/rpc/h2.c": (2, "names and values of headers that are no secrets"),
    "lib/rpc/tls.c": (1, "the name of a protocol"),
    "lib/tee/ccel.c": (1, "a magic number"),
    "lib/tee/corim_write.c": (1, "names of environments"),
    "lib/tee/eventlog.c": (3, "names in event logs"),
    "lib/tee/csv.c": (1, "a magic number"),
    "lib/tee/csv_page.c": (2, "report data and a nonce, which a host knows"),
    "lib/tee/csv_cert.c": (1, "names of Hygon's keys"),
    "lib/tee/pck.c": (1, "names of members"),
    "lib/tee/pcs.c": (1, "signs of JSON"),
    "lib/tee/qe_identity.c": (1, "a measurement, which everybody may read"),
    "lib/tee/quote.c": (1, "the name of a maker"),
    "lib/tee/se.c": (1, "a magic number"),
    "lib/tee/se_request.c": (1, "names of hosts"),
    "lib/tee/tdreport.c": (2, "hashes of what everybody may read"),
    "lib/tee/sev_cert.c": (1, "names of AMD's keys"),
    "lib/tee/sev_secret.c": (1, "the name of a table"),
    "lib/tee/snp_certs.c": (1, "names of kinds of certificates"),
    "lib/tee/software.c": (2, "a magic number, and whether padding is zero"),
    "lib/verifier/boot_claims.c": (1, "names in event logs"),
    "lib/verifier/cca.c": (2, "ids of machines, and hashes of public keys"),
    "lib/verifier/dcap_collateral.c": (3, "names of machines, and certificates"),
    "lib/verifier/known.c": (2, "digests of certificates and of what they signed"),
    "lib/verifier/sev_owner.c": (2, "names of secrets"),
    "lib/verifier/software.c": (1, "two public keys"),
    "lib/verifier/tcb.c": (1, "a measurement, which everybody may read"),
}

# A name that has one of these words is a secret's.
WORDS = {"secret", "password", "passwd", "mac", "hmac", "kek", "cek", "bearer", "credential", "credentials"}
COMPARES = r"\b(?:str(?:n?case)?n?cmp|strcoll|memcmp|bcmp)\s*\("
FORMATS = r"\b(?:coco_fail\w*|coco_wrap|coco_ctx_log|cli_fail\w*|f?printf|v?as?n?printf|coco_buf_printf|say)\s*\("


def without_comments_and_strings(text):
    """The same lines, without what is not code."""
    def blank(found):
        return "\n" * found[0].count("\n") + ('""' if found[0][0] in "\"'" else "")
    return re.sub(r"/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", blank, text, flags=re.S)


def arguments(text, start):
    """What is between the bracket that ends at start and its partner."""
    depth = 1
    for at in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        if depth == 0:
            return text[start:at]
    return ""


def secrets_in(args):
    """Names of secrets in args; their lengths, and where they are to be found, are none."""
    args = re.sub(r"(?:->|\.)(?:len|size|alg)\b|_prefix\b|\bsizeof\s*\([^)]*\)", "#", args)
    for name in re.findall(r"[A-Za-z_][\w.>-]*#?", args):
        words = re.split(r"[_.>-]+", name.lower())
        if not name.endswith("#") and not name.isupper() and not WORDS.isdisjoint(words):
            yield next(word for word in words if word in WORDS)


def calls(text, pattern):
    for found in re.finditer(pattern, text):
        yield text.count("\n", 0, found.start()) + 1, found[0].rstrip("( "), arguments(text, found.end())


def check_text(name, text):
    """(line, what is wrong) of each problem."""
    text = without_comments_and_strings(text)
    for pattern, why in ((COMPARES, "use CRYPTO_memcmp() or coco_secret_equal()"), (FORMATS, "is formatted")):
        for line, function, args in calls(text, pattern):
            for word in secrets_in(args):
                yield line, f"{function}() of a {word}: {why}"
    count = len(list(calls(text, r"\b(?:memcmp|bcmp)\s*\(")))
    allowed = MEMCMP.get(name, (0, ""))[0]
    if count != allowed:
        yield 1, f"{count} calls of memcmp(), {allowed} are known not to compare secrets"


def check_itself():
    """What this must see, and what not."""
    for code, bad in (
        ("if (memcmp(a, b, 16) == 0)", 1),
        ("return strcmp(given, admin->password);", 1),
        ("x = strncmp(\n    header,\n    hmac, 32);", 1),
        ('coco_fail(err, s, "%s", client_secret);', 1),
        ('coco_ctx_log(ctx, L, "%p", f(layer->mac));', 1),
        ('coco_fail(err, s, "%zu", secret->len);', 0),
        ('coco_fail(err, s, "secret %s", name);', 0),
        ("/* memcmp(secret) */ strcmp(machine, name);", 0),
        ("CRYPTO_memcmp(mac, want, 32);", 0),
        ('coco_fail(err, s, "%d", MAC_SIZE);', 0),
    ):
        found = len(list(check_text("none", code)))
        assert found == bad, (code, found)


check_itself()
problems = []
for path in sorted(path for folder in FOLDERS for path in (TOP / folder).rglob("*.[ch]")):
    name = str(path.relative_to(TOP))
    problems += [f"{name}:{line}: {what}" for line, what in check_text(name, path.read_text())]
problems += [f"{name}: is gone, drop it from MEMCMP" for name in MEMCMP if not (TOP / name).is_file()]
print("\n".join(problems) or "secrets: ok")
sys.exit(bool(problems))
