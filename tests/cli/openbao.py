"""OpenBao's own server, as an operator starts it, and its operator, who speaks HTTP to it.

SPDX-License-Identifier: Apache-2.0
"""

import http.client
import json
import ssl
import subprocess
import time

from conftest import free_port, needs
from daemon import environment

TIMEOUT_S = 60


class Answer:
    """Of one request: .status, and .json, None where the body is none."""

    def __init__(self, response):
        self.status, self.headers = response.status, response.headers
        text = response.read()
        self.json = json.loads(text) if text[:1] == b"{" else None


class Server:
    """A server with TLS that keeps what it has in memory, until stop(); .root is the token of its root."""

    def __init__(self, folder, cert, key, name="bao", **config):
        self.folder, self.ca, self.name = folder, cert, name
        self.port, self.cluster_port = free_port(), free_port()
        self.url = f"https://127.0.0.1:{self.port}"
        self.root = self.key = ""
        listener = {"address": f"127.0.0.1:{self.port}", "cluster_address": f"127.0.0.1:{self.cluster_port}",
                    "tls_cert_file": str(cert), "tls_key_file": str(key)}  # fmt: skip
        config = {"storage": {"inmem": {}}, "api_addr": self.url, "disable_mlock": True,
                  "cluster_addr": f"https://127.0.0.1:{self.cluster_port}", "listener": {"tcp": listener}} | config  # fmt: skip
        (folder / f"{name}.json").write_text(json.dumps(config))
        self.log = folder / f"{name}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [needs("bao"), "server", "-config", folder / f"{name}.json"],
                env=environment() | {"HOME": str(folder)}, stdout=log, stderr=log, cwd=folder,
            )  # fmt: skip
        self.wait_until(lambda: self.get("sys/seal-status").status == 200)

    def wait_until(self, condition):
        end = time.monotonic() + TIMEOUT_S
        while True:
            assert self.process.poll() is None and time.monotonic() < end, self.log.read_text()
            try:
                if condition():
                    return
            except OSError:
                continue

    def ask(self, method, path, body=None, token=None, **headers):
        """One request as the root, or whoever has token."""
        tls = ssl.create_default_context(cafile=self.ca)
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=TIMEOUT_S, context=tls)
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        headers |= {"X-Vault-Token": self.root if token is None else token}
        try:
            connection.request(method, f"/v1/{path}", None if body is None else json.dumps(body), headers)
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def get(self, path, **how):
        return self.ask("GET", path, **how)

    def put(self, path, body=None, **how):
        """Must go well; what the answer holds."""
        answer = self.ask("POST", path, {} if body is None else body, **how)
        assert answer.status in (200, 204), (path, answer.status, answer.json)
        return answer.json

    def delete(self, path, **how):
        assert self.ask("DELETE", path, **how).status == 204

    def begin(self):
        """Makes its key, in one part, and the root."""
        made = self.put("sys/init", {"secret_shares": 1, "secret_threshold": 1})
        self.key, self.root = made["keys"][0], made["root_token"]
        self.unseal()

    def unseal(self):
        assert not self.put("sys/unseal", {"key": self.key})["sealed"]
        self.wait_until(lambda: self.get("sys/health").status == 200)

    def token(self, policy, **settings):
        """A token with this policy alone, in HCL or JSON."""
        name = f"policy-{time.monotonic_ns()}"
        self.put(f"sys/policies/acl/{name}", {"policy": policy})
        settings = {"policies": [name], "no_default_policy": True} | settings
        return self.put("auth/token/create", settings)["auth"]["client_token"]

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Proxy:
    """What stands on a guest, logs in itself by the token in a file, and answers at .url."""

    def __init__(self, folder, server, token_file):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        (folder / "proxy.hcl").write_text(f"""
vault {{
  address = "{server.url}"
  ca_cert = "{server.ca}"
}}
auto_auth {{ method "token_file" {{ config = {{ token_file_path = "{token_file}" }} }} }}
api_proxy {{ use_auto_auth_token = true }}
listener "tcp" {{
  address = "127.0.0.1:{self.port}"
  tls_disable = true
  require_request_header = true
}}
""")
        self.log = folder / "proxy.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [needs("bao"), "proxy", "-config", folder / "proxy.hcl"],
                env=environment() | {"HOME": str(folder)}, stdout=log, stderr=log, cwd=folder,
            )  # fmt: skip
        end = time.monotonic() + TIMEOUT_S
        while not self.is_in():
            assert self.process.poll() is None and time.monotonic() < end, self.log.read_text()

    def is_in(self):
        """Whether it answers as who it logged in as."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_S)
        try:
            connection.request("GET", "/v1/auth/token/lookup-self", None, {"X-Vault-Request": "true"})
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def stop(self):
        self.process.terminate()
        self.process.wait()
