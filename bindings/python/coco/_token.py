"""Attestation tokens, for whoever relies on them.

SPDX-License-Identifier: Apache-2.0
"""

import json

from . import native
from ._context import Handle, call


class TokenVerifier(Handle):
    """Somebody who relies on what a broker says of guests.

        claims = coco.TokenVerifier(issuer="https://kbs.example", audience="https://bank.example").verify(token)

    keys      a JWK set, JSON, of whoever issues tokens
    roots     PEM of the CAs of those whose tokens bring their certificates along
    issuer    whose tokens are good; without keys and roots it is asked for its keys, at https
    audience  who relies on them: without one, a token that is for somebody is refused
    accept    the worst that a part of the guest may have come to: "affirming", "warning",
              "contraindicated" or "none"
    tls_ca    PEM of the CAs by which the issuer's server is known, instead of the system's
    time      seconds since 1970 to verify as of, instead of now
    """

    def __init__(self, *, keys=None, roots=None, issuer=None, audience=None, accept="affirming",
                 tls_ca=None, time=0):
        super().__init__(native.token_verifier_new())
        if keys is not None:
            native.token_verifier_set_keys(self._c, keys)
        if roots is not None:
            native.token_verifier_set_roots(self._c, roots)
        if tls_ca is not None:
            native.token_verifier_set_tls_ca(self._c, tls_ca)
        native.token_verifier_set_issuer(self._c, issuer)
        native.token_verifier_set_audience(self._c, audience)
        native.token_verifier_accept(self._c, accept)
        native.token_verifier_set_time(self._c, time)

    def verify(self, token, *, context=None):
        """The claims of a token that may be relied on, a dict."""
        if isinstance(token, str):
            token = token.encode()
        return json.loads(call(context, native.token_verify, self._c, token))
