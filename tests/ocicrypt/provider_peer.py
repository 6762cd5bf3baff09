"""A key provider of ocicrypt's protocol that is not ours: what it wraps is sealed with AES-GCM.

    provider_peer.py cmd [strings|numbers|fail|nothing]     one request from stdin, one reply to stdout
    provider_peer.py serve ADDRESS [CERT KEY]               the same over gRPC; prints the address

The parameter that it is asked with is what it seals for: another one opens nothing.

SPDX-License-Identifier: Apache-2.0
"""

import base64
import json
import os
import sys
import pathlib

try:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
except ImportError:
    print("skip: no python3-cryptography", flush=True)
    sys.exit(0)

KEY = b"k" * 32
NAME = "acme"


def parameter(config):
    (text,) = config["Parameters"][NAME]
    return base64.b64decode(text)


def answer(request):
    """The bytes that answer a request, and where they belong."""
    request = json.loads(request)
    if request["op"] == "keywrap":
        params = request["keywrapparams"]
        assert params["ec"]["DecryptConfig"] is not None
        nonce = os.urandom(12)
        sealed = AESGCM(KEY).encrypt(nonce, base64.b64decode(params["optsdata"]), parameter(params["ec"]))
        return "keywrapresults", "annotation", nonce + sealed
    assert request["op"] == "keyunwrap"
    params = request["keyunwrapparams"]
    sealed = base64.b64decode(params["annotation"])
    opened = AESGCM(KEY).decrypt(sealed[:12], sealed[12:], parameter(params["dc"]))
    return "keyunwrapresults", "optsdata", opened


def reply(request, form):
    results, member, data = answer(request)
    value = list(data) if form == "numbers" else base64.b64encode(data).decode()
    return json.dumps({results: {member: value}})


def cmd(form="strings"):
    request = sys.stdin.read()
    if form == "nothing":
        return
    if form == "fail":
        sys.exit("no key for you\nat all")
    try:
        print(reply(request, form))
    except InvalidTag:
        sys.exit("not mine")


def varint(n):
    out = b""
    while n > 0x7F:
        out += bytes([n & 0x7F | 0x80])
        n >>= 7
    return out + bytes([n])


def serve(address, *tls):
    try:
        import grpc
    except ImportError:
        print("skip: no grpcio (python3-grpcio)", flush=True)
        sys.exit(0)
    from concurrent import futures

    def call(message, context):
        assert message[:1] == b"\x0a"
        at = 1
        while message[at] & 0x80:
            at += 1
        try:
            text = reply(message[at + 1:], "numbers").encode()
        except InvalidTag:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "not mine")
        return b"\x0a" + varint(len(text)) + text

    handlers = {name: grpc.unary_unary_rpc_method_handler(call) for name in ("WrapKey", "UnWrapKey")}
    server = grpc.server(futures.ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler("keyprovider.KeyProviderService", handlers),))
    if tls:
        cert, key = (pathlib.Path(name).read_bytes() for name in tls)
        port = server.add_secure_port(address, grpc.ssl_server_credentials([(key, cert)]))
    else:
        port = server.add_insecure_port(address)
    server.start()
    print(address if address.startswith("unix:") else f"{address.rpartition(':')[0]}:{port}", flush=True)
    server.wait_for_termination()


if __name__ == "__main__":
    {"cmd": cmd, "serve": serve}[sys.argv[1]](*sys.argv[2:])
