"""The admin page in a browser: coco-kbs as an operator starts it, filled by coco.

SPDX-License-Identifier: Apache-2.0
"""

import base64
import json
import os
import pathlib
import re
import time

import pytest

from browser import Browser
from conftest import Coco
from daemon import Daemon, admin_config, admin_token, make_certificate

CANARY = "canary-8d1f5c60b2"
# Names and values are anybody's: a guest's, even.
MARKUP = "<img src=x onerror=\"document.title='run'\"><script>document.title='run'</script>"
POLICY = "package policy\nimport rego.v1\ndefault allow := false\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("page")


@pytest.fixture(scope="module")
def browser(folder):
    made = Browser(folder)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def kbs(folder, keys):
    """A broker with something of everything; .coco, .owner and .token are its owner's."""
    private, public = keys("ed25519")
    certificate, key = make_certificate(folder)
    (folder / "acme.toml").write_text(admin_config(public))
    daemon = Daemon(
        folder,
        f'[http_server]\nsockets = ["127.0.0.1:0"]\ncertificate = "{certificate}"\nprivate_key = "{key}"\n'
        "[admin_page]\nenabled = true\n[attestation_service]\nallow_sample = true\n"
        f'[[tenants]]\nname = "acme"\nconfig_file = "{folder}/acme.toml"\nmax_resources = 7\n'
        + admin_config(public)
        + '[[admin.authorization.regex_acl.acls]]\nrole = "reader"\n'
        'allowed_endpoints = "^/kbs/v0/resource$"\n',
    )
    daemon.ca = certificate
    daemon.coco = Coco(folder)
    daemon.owner = ["--kbs", daemon.url, "--kbs-ca", certificate, "--kbs-admin-key", private]
    daemon.token = admin_token(private)
    fill(daemon, folder)
    yield daemon
    assert daemon.stop() == 0
    assert CANARY.encode() not in daemon.log and daemon.token.encode() not in daemon.log


def fill(kbs, folder):
    coco, owner = kbs.coco, kbs.owner
    for version in (1, 2):
        coco.run("resource", "put", *owner, "shop/database/password", stdin=f"{CANARY}-{version}".encode(), code=0)
    coco.run("resource", "put", *owner, "shop/tls/key", stdin=CANARY.encode(), code=0)
    (folder / "policy.rego").write_text(POLICY)
    coco.run("policy", "set", *owner, "--path", "shop/tls", folder / "policy.rego", code=0)
    values = {"launch_digest": ["abcdX", MARKUP], MARKUP: [MARKUP], "svn": ["1"]}
    payload = base64.b64encode(json.dumps(values).encode()).decode()
    ends = {"svn": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 36 * 3600))}
    message = json.dumps({"version": "0.1.0", "type": "sample", "payload": payload, "expirations": ends})
    status, said = kbs.ask("POST", "/reference-value", kbs.token, message, kbs.ca)
    assert status == 200, said
    guest = ["--kbs", kbs.url, "--kbs-ca", kbs.ca, "--tee", "sample"]
    coco.run("resource", "get", *guest, "kbs:///shop/database/password", code=3)


def enter(browser, kbs, token, path="/admin/"):
    browser.go(kbs.url + path)
    browser.type("#token", token)
    browser.click("form button")


def test_its_owner_sees_what_there_is_and_no_secret(browser, kbs):
    enter(browser, kbs, kbs.token)
    browser.shows("shop/database/password", "#resources")
    browser.shows("shop/tls/key", "#resources")
    browser.shows("resource-policy/shop/tls", "#policies")
    browser.shows("default_cpu", "#policies")
    browser.shows("as shipped", "#policies")
    browser.shows("launch_digest", "#references")
    browser.shows("s ago", "#references")
    browser.shows("in 1 d", "#references")
    browser.shows("never", "#references")
    browser.shows("acme", "#tenants")
    browser.shows("7", "#tenants")
    browser.shows("data.policy.allow", "#refusals")
    assert not browser.run("return document.querySelector('#enter').checkVisibility()")

    browser.click("#refusals td button")
    browser.shows("abcdX", "#refusals")
    browser.shows("Claims", "#refusals")
    browser.click("#resources td button")
    browser.shows("version 2", "#resources")
    if where := os.environ.get("COCO_SCREENSHOTS"):
        browser.photograph(pathlib.Path(where) / "page.png")
    page = browser.run("return document.documentElement.outerHTML")
    assert CANARY not in page and kbs.token not in page
    browser.click("#resources td button")
    assert "version 2" not in browser.text("#resources")
    assert browser.log() == []


def test_names_and_values_are_never_markup(browser, kbs):
    enter(browser, kbs, kbs.token)
    browser.shows(MARKUP, "#references")
    browser.click("#refusals td button")
    browser.shows(json.dumps(MARKUP), "#refusals")
    assert browser.run("return document.title") == "Key broker"
    assert browser.run("return document.querySelectorAll('img, main script').length") == 0
    assert browser.log() == []


def test_what_others_would_put_into_the_page_does_not_run(browser, kbs):
    """That the console is silent elsewhere says something: here it is not."""
    browser.go(kbs.url + "/admin/")
    browser.run(
        "const made = document.createElement('script'); made.append(\"document.title = 'run'\");"
        "try { document.body.append(made) } catch {}"
    )
    assert browser.run("return document.title") == "Key broker"
    assert browser.run("try { document.body.innerHTML = '<b>'; return 'taken' } catch { return 'refused' }") == "refused"
    assert browser.run("return fetch('https://192.0.2.1/').then(() => 'went', () => 'refused')") == "refused"
    said = " ".join(browser.log())
    assert "TrustedScript" in said and "TrustedHTML" in said and "Refused to connect" in said


@pytest.mark.parametrize(
    "token,why",
    [
        ("nonsense", "This is no token"),
        ("eyJhbGciOiJFZERTQSJ9.eyJyb2xlIjoiYWRtaW4ifQ.AAAA", "does not take this token"),
        ("", "no client certificate"),
    ],
)
def test_who_is_not_known_is_told_so(browser, kbs, token, why):
    enter(browser, kbs, token)
    browser.shows(why, "#enter-said")
    assert not browser.run("return document.querySelector('main').checkVisibility()")
    assert "shop" not in browser.run("return document.documentElement.outerHTML")


def test_a_role_sees_what_it_may(browser, kbs, keys):
    enter(browser, kbs, admin_token(keys("ed25519")[0], role="reader"))
    browser.shows("shop/tls/key", "#resources")
    for section in ("refusals", "policies", "references", "tenants"):
        browser.shows("Your role may not see this.", "#" + section)


def test_the_token_is_gone_with_the_page(browser, kbs):
    enter(browser, kbs, "Bearer " + kbs.token)
    browser.shows("shop/tls/key", "#resources")
    kept = browser.run(
        "return [JSON.stringify(localStorage), JSON.stringify(sessionStorage), document.cookie,"
        " location.href, document.querySelector('#token').value, JSON.stringify(history.state)]"
    )
    assert kept == ["{}", "{}", "", kbs.url + "/admin/", "", "null"]
    browser.click("#leave")
    assert "shop" not in browser.run("return document.documentElement.outerHTML")
    enter(browser, kbs, kbs.token)
    browser.shows("shop/tls/key", "#resources")
    browser.ask("POST", "/refresh", {})
    browser.shows("Token")
    assert "shop" not in browser.run("return document.documentElement.outerHTML")


def test_a_tenant_has_one_of_its_own(browser, kbs):
    enter(browser, kbs, kbs.token, "/tenants/acme/admin")
    browser.shows("None.", "#resources")
    assert browser.run("return location.pathname") == "/tenants/acme/admin/"
    assert "shop" not in browser.text()
    assert re.fullmatch(re.escape(kbs.url) + "/tenants/acme/", browser.text("#where"))
