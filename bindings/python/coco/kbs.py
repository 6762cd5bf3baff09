"""An embedded key broker service (KBS); needs libcoco-kbs.

    with coco.kbs.Kbs() as kbs:
        kbs.put("default/key/1", secret)
        print(kbs.url)

SPDX-License-Identifier: Apache-2.0
"""

import enum
import json
import os
import typing
import weakref

from . import native_kbs
from ._context import Context, Handle


class Access(enum.IntEnum):
    """Who may ask a plug-in for something."""

    NONE = native_kbs.COCO_KBS_ACCESS_NONE
    GUEST = native_kbs.COCO_KBS_ACCESS_GUEST
    OWNER = native_kbs.COCO_KBS_ACCESS_OWNER
    PUBLIC = native_kbs.COCO_KBS_ACCESS_PUBLIC


class Request(typing.NamedTuple):
    """What a plug-in is asked."""

    method: str  # "GET", "POST", "PUT" or "DELETE"
    path: str  # behind `/kbs/v0/<plugin>/`
    query: dict  # texts
    body: bytes = b""
    claims: typing.Optional[dict] = None  # verified, of the guest that asks
    role: typing.Optional[str] = None  # of the owner who asks


class Reply(typing.NamedTuple):
    """What a plug-in replies."""

    data: bytes
    type: typing.Optional[str] = None  # media type of what everybody may read: not encrypted to a guest
    note: typing.Optional[str] = None  # for the audit log: one line, without secrets


class _Plugin:
    """A plug-in, in the words of C."""

    def __init__(self, plugin):
        self.plugin = plugin
        self.name = plugin.name

    def configure(self, config):
        config = json.loads(config)
        if hasattr(self.plugin, "configure"):
            self.plugin.configure(config)
        elif config:
            raise ValueError(f"takes no {next(iter(config))!r}")

    def access(self, method, path, query):
        if hasattr(self.plugin, "access"):
            return self.plugin.access(Request(method, path, json.loads(query)))
        return Access.GUEST if method == "GET" else Access.OWNER

    def handle(self, method, path, query, body, claims, role):
        claims = None if claims is None else json.loads(claims)
        reply = self.plugin.handle(Request(method, path, json.loads(query), body, claims, role))
        return tuple(reply if isinstance(reply, Reply) else Reply(reply))


class Kbs(Handle):
    """A KBS, configured by the text of a kbs-config.toml; a with block starts and stops it.

    Without a configuration it lives in memory, at 127.0.0.1:8080. The log of
    `context` is called from threads of the server.
    """

    def __init__(self, config="", *, context=None):
        self._context = Context() if context is None else context
        super().__init__(native_kbs.kbs_new(self._context._c, config))
        # No thread of the server may outlive the interpreter.
        self._finalizer = weakref.finalize(self, native_kbs.kbs_stop, self._c)

    def add_plugin(self, plugin):
        """Adds what answers at `/kbs/v0/<plugin>/`; before start().

            class Greeter:
                name = "greeter"

                def handle(self, request):  # a Request
                    return b"hello " + request.path.encode()

        handle() returns bytes or a Reply; what it raises is what the caller is told: LookupError
        is not found, PermissionError denied, errors of this package themselves; of all else only the
        log is told. configure(dict),
        if there is one, is called here with what `[[plugins]]` says. access(Request), if there is
        one, returns an Access; without it guests may GET, and owners do all else. Several threads
        may call them at once.
        """
        native_kbs.kbs_add_plugin(self._c, _Plugin(plugin))

    def start(self):
        """Starts to serve, on threads of its own."""
        native_kbs.kbs_start(self._c)

    def stop(self):
        """Stops serving after the requests under way; fine if it never started.

        Not from a plug-in or the log of the context: it would wait for itself.
        """
        native_kbs.kbs_stop(self._c)

    @property
    def url(self):
        """Address it serves at, or None."""
        return native_kbs.kbs_url(self._c)

    def close(self):
        """Stops the server, if it runs, and frees it; fine to call again."""
        self._finalizer()
        super().close()

    def __enter__(self):
        if self.url is None:
            self.start()
        return self

    def put(self, path, data):
        """Stores `data` as resource `<repository>/<type>/<tag>`; durable when this returns."""
        native_kbs.kbs_put_resource(self._c, path, data)

    def get(self, path):
        """Resource `path`, as its owner."""
        return native_kbs.kbs_get_resource(self._c, path)

    def delete(self, path):
        """Deletes resource `path`."""
        native_kbs.kbs_delete_resource(self._c, path)

    def purge(self, path):
        """Deletes resource `path` with all its versions, for good."""
        native_kbs.kbs_purge_resource(self._c, path)

    def restore(self, path, version=0):
        """Puts a version of resource `path` again; 0 is what was deleted, or replaced, last.

        Gives the number that it has now.
        """
        return native_kbs.kbs_restore_resource(self._c, path, version)

    def versions(self, path):
        """Versions of resource `path`, the newest first: dicts of `version`, `time` (seconds
        since 1970) and `size`, or `deleted`."""
        return json.loads(native_kbs.kbs_resource_versions(self._c, path))

    def list(self):
        """Names of all resources, sorted."""
        return json.loads(native_kbs.kbs_list_resources(self._c))

    def set_resource_policy(self, rego):
        """Sets the resource policy to `rego`, the text of a module of package `policy`."""
        native_kbs.kbs_set_resource_policy(self._c, rego)

    def set_path_policy(self, path, rego):
        """Sets the policy of the resources at `path`, or removes it (None); the most specific decides."""
        native_kbs.kbs_set_path_policy(self._c, path, rego)

    def list_resource_policies(self):
        """Ids of the policies that decide about resources."""
        return json.loads(native_kbs.kbs_list_resource_policies(self._c))

    def set_attestation_policy(self, id, rego):
        """Sets attestation policy `id`, such as "default_cpu"."""
        native_kbs.kbs_set_attestation_policy(self._c, id, rego)

    def set_reference_value(self, name, value):
        """Sets a reference value: anything that JSON can say, usually a list of strings."""
        native_kbs.kbs_set_reference_value(self._c, name, json.dumps(value))

    def explain(self, decision):
        """Explains the decision whose id a refusal carried: claims, rule, wanted and got."""
        return json.loads(native_kbs.kbs_explain(self._c, decision))


def reseal(config, old_key_file=None):
    """Seals the database that `config` names with the key that it names, or with none.

    old_key_file  the key that it was sealed with so far; None: it was not
    """
    native_kbs.kbs_reseal(config, None if old_key_file is None else os.fspath(old_key_file))


def backup(config, path, *, plain=False):
    """Writes all that the KBS of `config` keeps to the new file `path`, while it serves: a dict of
    `time`, `rows`, `sealed` and `digest`.

    plain  that secrets may lie there as they are, if its database is not sealed
    """
    return json.loads(native_kbs.kbs_backup(config, os.fspath(path), plain))


def restore(config, path, *, digest=None, force=False):
    """Puts a backup into the database that `config` names, all of it or nothing: a dict as of backup().

    digest  that the backup must have, in hex
    force   that what is in the database goes
    """
    return json.loads(native_kbs.kbs_restore(config, os.fspath(path), digest, force))


def wrap_key(config, key=None):
    """What the key_file of `config` has to hold: key, wrapped by the key in a token that it names.

    key  32 bytes, or 64 hex digits; None makes a new one
    """
    return native_kbs.kbs_wrap_key(config, key)


def audit_verify(path, key=None):
    """What the audit log at `path` comes to, once it is verified: a dict.

    key  public key or certificate of the KBS; without one signatures are not looked at
    """
    return json.loads(native_kbs.kbs_audit_verify(os.fspath(path), key))
