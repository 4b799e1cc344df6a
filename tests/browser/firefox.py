"""Firefox, by its Marionette protocol. Without a sound device, Firefox plays nothing, so a PulseAudio without one runs beside it."""

import base64
import json
import os
import socket
import subprocess
import time

from webdriver import ELEMENT, KEYS, Browser, BrowserError

# Sound plays without a click. Nothing is fetched from elsewhere.
PREFERENCES = {
    "media.autoplay.default": 0,
    "media.autoplay.blocking_policy": 0,
    "ui.prefersReducedMotion": 1,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage_override.mstone": "ignore",
    "browser.aboutwelcome.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "toolkit.telemetry.enabled": False,
    "app.normandy.enabled": False,
    "app.update.enabled": False,
    "extensions.update.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,#",
    "media.gmp-manager.url": "data:,",
}


class Firefox(Browser):
    """A session. It takes the commands of `Browser`, except those of the DevTools."""

    def __init__(self, profile):
        profile.mkdir(parents=True, exist_ok=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        preferences = {**PREFERENCES, "marionette.port": port}
        lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in preferences.items()]
        (profile / "user.js").write_text("".join(lines))
        self.start_sound(profile)
        command = ["firefox-esr", "--headless", "--marionette", "--remote-allow-system-access", "--no-remote", "--profile", str(profile)]
        environment = {**os.environ, "HOME": str(profile), "MOZ_CRASHREPORTER_DISABLE": "1", "PULSE_SERVER": f"unix:{profile}/sound"}
        self.process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.connection = self.connect(port)
        self.number = 0
        self.receive()
        self.send("WebDriver:NewSession", {"acceptInsecureCerts": False})
        self.send("WebDriver:SetTimeouts", {"script": 120_000, "pageLoad": 120_000})

    def start_sound(self, profile):
        modules = ["module-null-sink rate=16000", f"module-native-protocol-unix socket={profile}/sound auth-anonymous=1"]
        command = ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no"]
        command += [word for module in modules for word in ("-L", module)]
        environment = {**os.environ, "HOME": str(profile), "XDG_RUNTIME_DIR": str(profile)}
        self.sound = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(100):
            if (profile / "sound").exists():
                return
            time.sleep(0.1)
        raise BrowserError("PulseAudio does not start")

    def connect(self, port):
        for _ in range(300):
            try:
                return socket.create_connection(("127.0.0.1", port))
            except OSError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.1)
        raise BrowserError("Firefox does not start")

    def receive(self):
        """Returns a message: its length, a colon and JSON."""
        text = b""
        while not text.endswith(b":"):
            text += self.read(1)
        left, message = int(text[:-1]), b""
        while len(message) < left:
            message += self.read(left - len(message))
        return json.loads(message)

    def read(self, size):
        part = self.connection.recv(size)
        if not part:
            raise BrowserError("Firefox has closed the connection")
        return part

    def send(self, command, parameters):
        """Sends a command, and returns its result."""
        self.number += 1
        message = json.dumps([0, self.number, command, parameters]).encode()
        self.connection.sendall(f"{len(message)}:".encode() + message)
        _, _, error, result = self.receive()
        if error:
            raise BrowserError(f"Firefox: {command}: {error['message']}")
        return result

    def open(self, url):
        self.send("WebDriver:Navigate", {"url": url})

    def run(self, script, *arguments):
        return self.send("WebDriver:ExecuteAsyncScript", {"script": script, "args": list(arguments), "newSandbox": False, "sandbox": None})["value"]

    def value(self, expression):
        return self.send("WebDriver:ExecuteScript", {"script": f"return {expression};", "args": [], "newSandbox": False, "sandbox": None})["value"]

    def inject(self, script):
        self.send("WebDriver:ExecuteScript", {"script": script, "args": [], "newSandbox": False, "sandbox": None})

    def set_colours(self, colours):
        self.send("Marionette:SetContext", {"value": "chrome"})
        name, value = "layout.css.prefers-color-scheme.content-override", int(colours == "light")
        self.inject(f"Services.prefs.setIntPref({json.dumps(name)}, {value});")
        self.send("Marionette:SetContext", {"value": "content"})
        self.wait(f"matchMedia('(prefers-color-scheme: {colours})').matches")

    def press(self, key):
        actions = [{"type": kind, "value": KEYS.get(key, key)} for kind in ("keyDown", "keyUp")]
        self.send("WebDriver:PerformActions", {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})

    def find(self, selector):
        """Returns the ID of the first element of a selector."""
        return self.send("WebDriver:FindElement", {"using": "css selector", "value": selector})["value"][ELEMENT]

    def click(self, selector):
        self.send("WebDriver:ElementClick", {"id": self.find(selector)})

    def type(self, selector, text):
        element = self.find(selector)
        self.send("WebDriver:ElementClear", {"id": element})
        self.send("WebDriver:ElementSendKeys", {"id": element, "text": text})

    def picture(self, path):
        path.write_bytes(base64.b64decode(self.send("WebDriver:TakeScreenshot", {"full": False})["value"]))

    def close(self):
        try:
            self.send("Marionette:Quit", {"flags": ["eForceQuit"]})
        except (BrowserError, OSError):
            self.process.terminate()
        self.connection.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.sound.terminate()
        self.sound.wait()
