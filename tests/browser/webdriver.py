"""Chromium, by the WebDriver protocol."""

import base64
import json
import socket
import subprocess
import time
import urllib.error
import urllib.request

FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update"
    " --disable-sync --autoplay-policy=no-user-gesture-required"
)
# Code points of keys.
KEYS = {"Tab": "\ue004", "Enter": "\ue007", "Space": " "}
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"


class BrowserError(Exception):
    """The browser refused a command, or does not start."""


class Browser:
    """A session. Pages are read with scripts, which call their last argument with the result."""

    def __init__(self, profile):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.driver = subprocess.Popen(["chromedriver", f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.url = f"http://127.0.0.1:{port}/session"
        options = {"goog:chromeOptions": {"args": [*FLAGS.split(), f"--user-data-dir={profile}"]}, "timeouts": {"script": 120_000}}
        for _ in range(100):
            try:
                self.url += "/" + self.call("", {"capabilities": {"alwaysMatch": options}})["sessionId"]
                return
            except OSError:
                time.sleep(0.1)
        raise BrowserError("chromedriver does not start")

    def call(self, path, body=None):
        """Sends a command: a POST with a body, or a GET. Returns its value."""
        body = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, body, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise BrowserError(f"chromedriver: {json.load(error)['value']['message']}") from None

    def open(self, url):
        """Opens a page, and waits until it is loaded."""
        self.call("/url", {"url": url})

    def run(self, script, *arguments):
        """Runs a script, and returns what it passes to its last argument."""
        return self.call("/execute/async", {"script": script, "args": list(arguments)})

    def value(self, expression):
        """Returns the value of an expression in the page."""
        return self.call("/execute/sync", {"script": f"return {expression};", "args": []})

    def wait(self, expression, seconds=10):
        """Waits until an expression in the page is true, and returns its value."""
        end = time.monotonic() + seconds
        while True:
            value = self.value(expression)
            if value:
                return value
            if time.monotonic() > end:
                raise AssertionError(f"after {seconds} s still false: {expression}\n{self.value('document.body.innerText')[:2000]}")
            time.sleep(0.02)

    def find(self, selector):
        """Returns the path of commands to the first element of a selector."""
        return "/element/" + self.call("/element", {"using": "css selector", "value": selector})[ELEMENT]

    def click(self, selector):
        """Clicks an element as a user does."""
        self.call(self.find(selector) + "/click", {})

    def type(self, selector, text):
        """Types text into an empty field."""
        element = self.find(selector)
        self.call(element + "/clear", {})
        self.call(element + "/value", {"text": text})

    def inject(self, script):
        """Runs a script, whatever it leaves in the page."""
        self.call("/execute/sync", {"script": script, "args": []})

    def set_colours(self, colours):
        """Sets the colours, which then change at once."""
        features = {"prefers-color-scheme": colours, "prefers-reduced-motion": "reduce"}
        self.devtools("Emulation.setEmulatedMedia", features=[{"name": name, "value": value} for name, value in features.items()])

    def press(self, key):
        """Presses a key, such as `Tab` or `Enter`, where the focus is."""
        actions = [{"type": kind, "value": KEYS.get(key, key)} for kind in ("keyDown", "keyUp")]
        self.call("/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})

    def devtools(self, command, **parameters):
        """Sends a command of the DevTools protocol."""
        return self.call("/goog/cdp/execute", {"cmd": command, "params": parameters})

    def picture(self, path):
        """Writes a picture of what the window shows."""
        path.write_bytes(base64.b64decode(self.call("/screenshot")))

    def close(self):
        """Ends the browser."""
        try:
            urllib.request.urlopen(urllib.request.Request(self.url, method="DELETE")).close()
        finally:
            self.driver.terminate()
            self.driver.wait()
