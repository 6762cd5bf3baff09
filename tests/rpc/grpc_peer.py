"""A peer of gRPC that is not ours: Python's grpcio, which is gRPC's C core.

    grpc_peer.py serve ADDRESS [CERT KEY]     prints "ADDRESS" once it serves
    grpc_peer.py call TARGET METHOD HEX MS    prints what came of it

Messages are bytes to it. Methods are those of /test.Echo/.

SPDX-License-Identifier: Apache-2.0
"""

import pathlib
import signal
import sys
import threading

try:
    import grpc
except ImportError:
    print("skip: no grpcio (python3-grpcio)", flush=True)
    sys.exit(0)

from concurrent import futures


def echo(message, context):
    return message


def fail(message, context):
    """The first byte is the code, the rest what is said."""
    context.abort(list(grpc.StatusCode)[message[0]], message[1:].decode())


def big(message, context):
    return b"\0" * int.from_bytes(message, "big")


# Returns when the call is over: at its deadline or when it was canceled, never with an answer before that.
def stall(message, context):
    over = threading.Event()
    if context.add_callback(over.set):
        over.wait()
    return message


def deadline(message, context):
    left = context.time_remaining()
    return b"none" if left is None else b"%d" % int(left + 0.5)


def compressed(message, context):
    context.set_compression(grpc.Compression.Gzip)
    return message


def metadata(message, context):
    context.send_initial_metadata((("x-first", "1"), ("x-bin", b"\0\1")))
    context.set_trailing_metadata((("x-last", "3"),))
    return message


METHODS = {
    "Echo": echo,
    "Fail": fail,
    "Big": big,
    "Stall": stall,
    "Deadline": deadline,
    "Compressed": compressed,
    "Metadata": metadata,
}


def serve(address, *tls):
    handlers = {name: grpc.unary_unary_rpc_method_handler(f) for name, f in METHODS.items()}
    server = grpc.server(
        futures.ThreadPoolExecutor(8),
        options=[("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)],
    )
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test.Echo", handlers),))
    if tls:
        cert, key = (pathlib.Path(name).read_bytes() for name in tls)
        port = server.add_secure_port(address, grpc.ssl_server_credentials([(key, cert)]))
    else:
        port = server.add_insecure_port(address)
    server.start()
    print(address if address.startswith("unix:") else f"{address.rpartition(':')[0]}:{port}", flush=True)
    server.wait_for_termination()


def call(target, method, message, ms):
    with grpc.insecure_channel(target, options=[("grpc.max_receive_message_length", -1)]) as channel:
        ask = channel.unary_unary(method)
        print("asking", flush=True)
        try:
            print("OK", ask(bytes.fromhex(message), timeout=int(ms) / 1000).hex())
        except grpc.RpcError as error:
            print(error.code().name, error.details())


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    {"serve": serve, "call": call}[sys.argv[1]](*sys.argv[2:])
