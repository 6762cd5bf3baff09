"""A browser without a screen, driven by the protocol that browsers have for it (W3C WebDriver).

SPDX-License-Identifier: Apache-2.0
"""

import base64
import json
import re
import subprocess
import urllib.request

from conftest import needs, wait_until

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # W3C WebDriver, section 12.1


class Browser:
    """Chromium, until stop(); it can reach this machine alone."""

    def __init__(self, folder):
        browser = needs("chromium")
        self.driver = subprocess.Popen(
            [needs("chromedriver"), "--port=0"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=folder,
        )  # fmt: skip
        self.session = None
        try:
            self.start(browser, folder)
        except BaseException:
            self.stop()
            raise

    def start(self, browser, folder):
        for line in self.driver.stdout:
            if port := re.search(rb"started successfully on port (\d+)", line):
                break
        self.url = f"http://127.0.0.1:{int(port[1])}/session"
        arguments = [
            # As root Chromium has no sandbox, and in a container less memory to share.
            "--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu",
            "--disable-background-networking", "--no-first-run", "--window-size=1280,1400",
            f"--user-data-dir={folder}/profile",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        ]  # fmt: skip
        wanted = {
            "browserName": "chrome",
            "acceptInsecureCerts": True,
            "goog:chromeOptions": {"binary": browser, "args": arguments},
            "goog:loggingPrefs": {"browser": "ALL"},
        }
        made = self.ask("POST", "", {"capabilities": {"alwaysMatch": wanted}})
        self.session = made["sessionId"]
        self.url += "/" + self.session

    def ask(self, method, path, body=None):
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as reply:
            return json.load(reply)["value"]

    def go(self, url):
        self.ask("POST", "/url", {"url": url})

    def run(self, script, *arguments):
        """What a function of this body returns in the page."""
        return self.ask("POST", "/execute/sync", {"script": script, "args": arguments})

    def find(self, selector):
        found = self.ask("POST", "/element", {"using": "css selector", "value": selector})
        return found[ELEMENT]

    def type(self, selector, text):
        self.ask("POST", f"/element/{self.find(selector)}/value", {"text": text})

    def click(self, selector):
        self.ask("POST", f"/element/{self.find(selector)}/click", {})

    def text(self, selector="body"):
        """What of it can be seen."""
        return self.ask("GET", f"/element/{self.find(selector)}/text")

    def shows(self, text, selector="body"):
        """Waits for it."""
        assert wait_until(lambda: text in self.text(selector)), (text, self.text(selector))

    def log(self):
        """What was said on the console since the last time."""
        return [entry["message"] for entry in self.ask("POST", "/se/log", {"type": "browser"})]

    def photograph(self, path):
        path.write_bytes(base64.b64decode(self.ask("GET", "/screenshot")))

    def stop(self):
        try:
            if self.session:
                self.ask("DELETE", "")
        finally:
            self.driver.kill()
            self.driver.wait()
            self.driver.stdout.close()
