"""A simple-kbs, written from the reference sheet (guest-protocols 5.9, evidence 9.2 and 9.3).

    simple_kbs.py ADDRESS CONNECTION_JSON     prints "ADDRESS" once it serves

gRPC is gRPC's own; messages, the SEV session, measurements and packets are done here
again, by other means than the library's. What it has is SECRETS and RESOURCES; ids that
begin with "odd-" are answered wrongly, each in its way.

SPDX-License-Identifier: Apache-2.0
"""

import base64
import hashlib
import hmac
import json
import os
import struct
import sys
import uuid

try:
    import grpc
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
except ImportError as error:
    print(f"skip: {error} (python3-grpcio, python3-cryptography)", flush=True)
    sys.exit(0)

from concurrent import futures

SECRETS = {
    "default/key/1": b"0123456789abcdef0123456789abcdef",
    "default/key/2": b"another key of thirty-two bytes!",
    "guarded": b"for firmware of api 2 alone",
}
RESOURCES = {"default/policy/1": b'{"default":[]}', "default/key/resource": b"not a key", "empty/empty/1": b""}
KEYSETS = {"KEYSET-1": ["default/key/1", "default/key/2"]}
DEFAULT_POLICY = {
    "allowed_digests": [], "allowed_policies": [], "min_fw_api_major": 0, "min_fw_api_minor": 0,
    "allowed_build_ids": [],
}
POLICIES = {"guarded": dict(DEFAULT_POLICY, min_fw_api_major=2)}
REPORT_KEY = ec.generate_private_key(ec.SECP256R1())


# ---- Protocol Buffers: texts, numbers, and messages in them ----

def varint(n):
    out = bytearray()
    while n > 0x7F:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)


def pack(*fields):
    return b"".join(
        varint(number << 3 | 2) + varint(len(text.encode())) + text.encode()
        for number, text in enumerate(fields, 1)
    )


def unpack(data):
    """{number: [values]}"""
    fields, at = {}, 0

    def number():
        nonlocal at
        n = shift = 0
        while True:
            n |= (data[at] & 0x7F) << shift
            at, shift = at + 1, shift + 7
            if data[at - 1] < 0x80:
                return n

    while at < len(data):
        tag = number()
        if tag & 7 == 0:
            value = number()
        else:
            assert tag & 7 == 2, tag
            size = number()
            value, at = data[at:at + size], at + size
        fields.setdefault(tag >> 3, []).append(value)
    return fields


def text(fields, number):
    return fields.get(number, [b""])[0].decode()


def count(fields, number):
    return fields.get(number, [0])[0]


# ---- policies and secrets ----

class Refused(Exception):
    pass


class Requests:
    def __init__(self, fields):
        self.all = []
        for raw in fields:
            item = unpack(raw)
            guid, form, kind, ident = (text(item, n) for n in range(1, 5))
            if kind not in ("key", "bundle", "resource", "report", "connection"):
                raise Refused("Bad secret request: Unknown Secret Type")
            self.all.append((guid, form, kind, ident))

    def check(self, connection):
        for policy in [DEFAULT_POLICY] + [POLICIES[i] for _, _, _, i in self.all if i in POLICIES]:
            for allowed, got, what in (
                ("allowed_digests", "fw_digest", "fw digest"), ("allowed_policies", "policy", "policy"),
                ("allowed_build_ids", "fw_build_id", "build id"),
            ):
                if policy[allowed] and connection[got] not in policy[allowed]:
                    raise Refused(f"Policy validation failed: {what} not valid")
            least = policy["min_fw_api_major"], policy["min_fw_api_minor"]
            if (connection["fw_api_major"], connection["fw_api_minor"]) < least:
                raise Refused("Policy validation failed: fw api major not valid")

    def payloads(self, service, connection):
        for guid, form, kind, ident in self.all:
            try:
                yield guid, self.payload(service, connection, form, kind, ident)
            except KeyError as missing:
                raise Refused(f"Cannot fulfill secret request: no {missing}") from missing

    def payload(self, service, connection, form, kind, ident):
        if kind == "key":
            if form == "json":
                return json.dumps({"id": ident, "payload": base64.b64encode(SECRETS[ident]).decode()}).encode()
            if form != "binary":
                raise Refused("Cannot fulfill secret request: Unknown format type")
            return SECRETS[ident]
        if kind == "resource":
            return RESOURCES[ident]
        if kind == "bundle":
            return json.dumps({i: base64.b64encode(SECRETS[i]).decode() for i in KEYSETS[ident]}).encode()
        if kind == "report":
            from cryptography.hazmat.primitives import hashes
            said = json.dumps(connection)
            signature = REPORT_KEY.sign(said.encode(), ec.ECDSA(hashes.SHA256()))
            return json.dumps({"connection": said, "signature": base64.b64encode(signature).decode()}).encode()
        client_id, key = str(uuid.uuid4()), os.urandom(32)
        service.connections[client_id] = (connection, key)
        return json.dumps({"client_id": client_id, "key": base64.b64encode(key).decode()}).encode()


# ---- SEV (AMD 55766) ----

def ctr(key, iv, data):
    return Cipher(algorithms.AES(key), modes.CTR(iv)).encryptor().update(data)


def mac(key, *parts):
    return hmac.new(key, b"".join(parts), hashlib.sha256).digest()


def kdf(key, label, context=b""):
    return mac(key, struct.pack("<I", 1), label, b"\0", context, struct.pack("<I", 128))[:16]


def public_key(cert):
    x, y = (int.from_bytes(cert[at:at + 72], "little") for at in (20, 92))
    return ec.EllipticCurvePublicNumbers(x, y, ec.SECP384R1()).public_key()


class Launch:
    def __init__(self, policy, chain):
        if len(chain) < 4 * 2084:
            raise Refused("Failed to generate launch bundle: Cert Chain not formatted correctly")
        own = ec.generate_private_key(ec.SECP384R1())
        z = own.exchange(ec.ECDH(), public_key(chain))
        self.policy, self.tek, self.tik = policy, os.urandom(16), os.urandom(16)
        nonce, iv = os.urandom(16), os.urandom(16)
        master = kdf(z, b"sev-master-secret", nonce)
        wrapped = ctr(kdf(master, b"sev-kek"), iv, self.tek + self.tik)
        self.session = (
            nonce + wrapped + iv + mac(kdf(master, b"sev-kik"), wrapped)
            + mac(self.tik, struct.pack("<I", policy))
        )
        numbers = own.public_key().public_numbers()
        cert = struct.pack("<IBBHIII", 1, 0, 0, 0, 0x1003, 0x103, 2)
        cert += numbers.x.to_bytes(72, "little") + numbers.y.to_bytes(72, "little")
        cert = cert.ljust(1044, b"\0") + (struct.pack("<II", 0x1000, 0) + bytes(512)) * 2
        self.cert = cert

    def check(self, connection, measurement):
        try:
            digest = base64.b64decode(connection["fw_digest"], validate=True)
            got, nonce = measurement[:32], measurement[32:]
            want = mac(
                self.tik, b"\4",
                bytes([connection["fw_api_major"], connection["fw_api_minor"], connection["fw_build_id"]]),
                struct.pack("<I", self.policy), digest, nonce,
            )
        except ValueError as error:
            raise Refused(f"Measurement Verification Failed: {error}") from error
        if len(measurement) != 48 or not hmac.compare_digest(got, want):
            raise Refused("Measurement Verification Failed: Measurement Invalid")

    def packet(self, measurement, table):
        iv = os.urandom(16)
        sealed = ctr(self.tek, iv, table)
        size = struct.pack("<I", len(table))
        return bytes(4) + iv + mac(self.tik, b"\1", bytes(4), iv, size, size, sealed, measurement[:32]), sealed


def table_of(payloads):
    body = b"".join(
        uuid.UUID(guid).bytes_le + struct.pack("<I", len(data) + 20) + data for guid, data in payloads
    )
    head = uuid.UUID("1e74f542-71dd-4d66-963e-ef4287ff173b").bytes_le + struct.pack("<I", len(body) + 20)
    return (head + body).ljust((len(head + body) + 15) // 16 * 16, b"\0")


# ---- the service ----

class Service:
    def __init__(self, connection):
        said = json.loads(connection)
        first = {
            "policy": 0, "fw_api_major": 0, "fw_api_minor": 0, "fw_build_id": 0,
            "launch_description": "", "fw_digest": "",
        }
        self.connections = {said["client_id"]: (first, base64.b64decode(said["key"]))}
        self.launches = {}

    def get_bundle(self, request):
        launch = Launch(count(request, 2), base64.b64decode(text(request, 1)))
        launch_id = str(uuid.uuid4())
        self.launches[launch_id] = launch
        if count(request, 2) == 0xBAD:  # what no simple-kbs says
            launch_id = "../../etc"
        return pack(base64.b64encode(launch.cert).decode(), base64.b64encode(launch.session).decode(), launch_id)

    def get_secret(self, request):
        try:
            launch_id = str(uuid.UUID(text(request, 2)))
        except ValueError as error:
            raise Refused(f"Malformed Launch ID: {error}") from error
        connection = {
            "policy": count(request, 3), "fw_api_major": count(request, 4), "fw_api_minor": count(request, 5),
            "fw_build_id": count(request, 6), "launch_description": text(request, 8), "fw_digest": text(request, 7),
        }
        requests = Requests(request.get(9, []))
        requests.check(connection)
        if launch_id not in self.launches:
            raise Refused(f"Launch ID not found. UUID: {launch_id}")
        launch = self.launches.pop(launch_id)
        measurement = base64.b64decode(text(request, 1))
        launch.check(connection, measurement)
        header, data = launch.packet(measurement, table_of(requests.payloads(self, connection)))
        return pack(base64.b64encode(header).decode(), base64.b64encode(data).decode())

    def get_online_secret(self, request):
        try:
            client_id = str(uuid.UUID(text(request, 1)))
        except ValueError as error:
            raise Refused(f"Malformed Client ID: {error}") from error
        if client_id not in self.connections:
            raise Refused("Connection not found: no rows returned")
        connection, key = self.connections[client_id]
        requests = Requests(request.get(2, []))
        ident = requests.all[0][3] if requests.all else ""
        if ident.startswith("odd-"):
            return self.odd(ident.split("/")[0], requests.all[0][0], key)
        requests.check(connection)
        return self.seal(key, self.bincode(dict(requests.payloads(self, connection))))

    @staticmethod
    def bincode(entries):
        out = struct.pack("<Q", len(entries))
        for name, value in entries.items():
            out += struct.pack("<Q", len(name)) + name.encode() + struct.pack("<Q", len(value)) + value
        return out

    @staticmethod
    def seal(key, plain):
        iv = os.urandom(12)
        sealed = AESGCM(key).encrypt(iv, plain, None)
        return pack(base64.b64encode(sealed).decode(), base64.b64encode(iv).decode())

    def odd(self, kind, guid, key):
        good = self.bincode({guid: b"secret"})
        return {
            "odd-key": lambda: self.seal(bytes(32), good),
            "odd-guid": lambda: self.seal(key, self.bincode({str(uuid.uuid4()): b"secret"})),
            "odd-two": lambda: self.seal(key, self.bincode({guid: b"a", str(uuid.uuid4()): b"b"})),
            "odd-none": lambda: self.seal(key, self.bincode({})),
            "odd-cut": lambda: self.seal(key, good[:-1]),
            "odd-long": lambda: self.seal(key, good + b"x"),
            "odd-empty": lambda: self.seal(key, b""),
            "odd-iv": lambda: pack(base64.b64encode(good).decode(), base64.b64encode(bytes(16)).decode()),
            "odd-short": lambda: pack(base64.b64encode(b"short").decode(), base64.b64encode(bytes(12)).decode()),
            "odd-base64": lambda: pack("*", "*"),
            "odd-nothing": lambda: b"",
            "odd-bytes": lambda: b"\x0a\xff",
        }[kind]()


def serve(address, connection):
    service = Service(connection)

    def handler(method):
        def answer(message, context):
            try:
                return method(unpack(message))
            except Refused as why:
                context.abort(grpc.StatusCode.INTERNAL, str(why))

        return grpc.unary_unary_rpc_method_handler(answer)

    methods = {
        "GetBundle": handler(service.get_bundle),
        "GetSecret": handler(service.get_secret),
        "GetOnlineSecret": handler(service.get_online_secret),
    }
    server = grpc.server(futures.ThreadPoolExecutor(8))
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler("keybroker.KeyBrokerService", methods),)
    )
    server.add_insecure_port(address)
    server.start()
    print(address, flush=True)
    server.wait_for_termination()


if __name__ == "__main__":
    serve(*sys.argv[1:])
