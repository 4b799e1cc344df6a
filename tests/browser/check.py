#!/usr/bin/env python3
"""Drives the pages in Chromium or Firefox: search, reading along, actions, live updates, login, hostile names, and pages without scripts.

    check.py NIGHTSCRIBE [--axe axe.min.js] [--pictures FOLDER] [CHECK...]

NIGHTSCRIBE is the program, built with the sandbox. Needs ffmpeg, and Chromium with its driver (Debian: chromium, chromium-driver), or
Firefox and a sound server (Debian: firefox-esr, pulseaudio).
`--axe` also checks the pages with axe-core. `--pictures` writes pictures of them, in light and dark, narrow and wide. CHECK is the
start of the name of a check. Exits with 1 if one fails."""

import argparse
import pathlib
import sys
import tempfile
import time
import traceback

sys.dont_write_bytecode = True

from hearing import CLOSE, listen  # noqa: E402
from firefox import Firefox  # noqa: E402
from fixture import ARABIC, BASE, HOSTILE, LONG, SOUNDS, TOKEN, Site  # noqa: E402
from tones import make  # noqa: E402
from webdriver import Browser  # noqa: E402

# Length of the recordings in seconds. The second half of a minute has another bit rate, so that players without an index seek wrongly.
SECONDS = 150
MAX_OFF_S = 0.15
MAX_MARK_S = 0.1
# Checks that need the DevTools of Chromium.
NEED_DEVTOOLS = ("narrow_pages_do_not_scroll_sideways", "pages_without_scripts", "pictures")
READY = "document.querySelector('#transcript.is-ready')"
# Plays for a while, and returns the index and the time of the player for each word that is marked.
MARKS = """
const [seconds, done] = arguments;
const player = document.getElementById('player');
const spans = [...document.querySelectorAll('#transcript span')];
const marks = [];
const observer = new MutationObserver((changes) => {
  for (const {target} of changes) {
    if (target.classList.contains('is-spoken')) marks.push([spans.indexOf(target), player.currentTime]);
  }
});
observer.observe(document.getElementById('transcript'), {subtree: true, attributeFilter: ['class']});
const from = player.currentTime;
const wait = () => {
  if (player.currentTime < from + seconds) return setTimeout(wait, 50);
  player.pause();
  observer.disconnect();
  done(marks);
};
wait();
"""
AXE = """
const done = arguments[0];
axe.run().then((found) => done(found.violations.filter(({impact}) => impact === 'serious' || impact === 'critical').map(
  ({id, help, nodes}) => `${id}: ${help}: ${nodes.map(({html}) => html.slice(0, 200)).join(' | ')}`)));
"""


def check_search_leads_to_the_moment(browser, site):
    browser.open(site.address + "/search")
    browser.type("#q", "second42")
    browser.click("main button")
    browser.wait("document.querySelectorAll('.hits li').length === 2")
    assert browser.value("document.querySelector('mark').innerText") == "second42"
    browser.click(".hits .time")
    browser.wait(READY)
    # The passage begins two words earlier.
    now = browser.wait("!player.paused && !player.seeking && player.currentTime")
    assert 39.9 < now < 42, now
    browser.wait("document.querySelector('.is-spoken')?.innerText === 'second42'")
    browser.value("player.pause()")
    box = browser.value("document.querySelector('.is-spoken').getBoundingClientRect().toJSON()")
    sticky = browser.value("document.querySelector('.player').getBoundingClientRect().bottom")
    assert sticky < box["top"] < browser.value("innerHeight"), (sticky, box)
    # Another link to the same page.
    browser.value("location.hash = '#t=7.2'")
    browser.wait("document.querySelector('.is-spoken')?.innerText === 'second7'")
    browser.run(CLOSE.replace("audio", "player"))


def check_words_are_marked_in_time(browser, site):
    browser.open(site.page("aac.m4a") + "/read#t=4")
    browser.wait(READY)
    marks = browser.run(MARKS, 4.5)
    assert [index for index, _ in marks][-3:] == [6, 7, 8], marks
    late = [now - index for index, now in marks[1:]]
    assert all(-0.01 <= one <= MAX_MARK_S for one in late), marks
    browser.run(CLOSE.replace("audio", "player"))


def check_clicked_words_are_heard(browser, site):
    for name in SOUNDS:
        browser.open(site.page(name) + "/read")
        browser.run("window.context = null; arguments[0]();")
        sound = site.page(name) + "/sound"
        _, offs, note = listen(browser, sound, site.recordings / name, [0.05, 0.5, 0.95], 0, SECONDS, True)
        assert len(offs) == 3 and note.startswith("slowest"), (name, offs, note)
        assert all(abs(off) <= MAX_OFF_S for off in offs), (name, offs)


def check_an_unplayable_recording_says_why(browser, site):
    moved = site.recordings / "moved"
    (site.recordings / LONG).rename(moved)
    try:
        browser.open(site.page(LONG) + "/read#t=27")
        reason = browser.wait("!document.getElementById('player-problem').hidden && document.getElementById('player-problem').innerText")
        assert "cannot be read" in reason, reason
        browser.wait(f"document.querySelector('.is-spoken')?.innerText === '{ARABIC.split()[3]}'")
    finally:
        moved.rename(site.recordings / LONG)


def check_actions(browser, site):
    browser.open(site.page("broken.wav"))
    browser.wait("document.querySelector('.state').innerText.includes('failed')")
    browser.click("#item button")
    browser.wait("document.querySelector('.notice')?.innerText.includes('1 requeued')")
    browser.wait("document.querySelector('.state').innerText.includes('queued')")
    site.run("run", "--once")
    browser.wait("document.querySelector('.state').innerText.includes('failed')")
    browser.open(site.address)
    browser.click("#control button")
    browser.wait("document.querySelector('.hold')?.innerText.includes('Held: paused')")
    browser.click(".hold button")
    browser.wait("document.querySelector('.notice')?.innerText.includes('resumed')")
    browser.wait("!document.querySelector('.hold')")


def check_pages_follow_the_queue(browser, site):
    browser.open(site.address + "/recordings")
    browser.value("window.isSamePage = true")
    site.add("later.wav")
    site.run("scan")
    browser.wait("document.body.innerText.includes('later.wav')")
    site.run("run", "--once")
    browser.wait("[...document.querySelectorAll('tr')].some((row) => /later.wav[^]*done/.test(row.innerText))")
    assert browser.value("window.isSamePage")


def check_the_keyboard_is_enough(browser, site):
    browser.open(site.address + "/recordings")
    browser.press("Tab")
    assert browser.value("document.activeElement.className") == "skip"
    browser.press("Enter")
    browser.wait("document.activeElement.id === 'main'")
    # Each control gets the focus in the order of the page, and shows it.
    seen = []
    for _ in range(200):
        browser.press("Tab")
        seen.append(browser.value("document.activeElement.name || document.activeElement.innerText"))
        if seen[-1] == "Cancel selected":
            break
        assert browser.value("getComputedStyle(document.activeElement).outlineStyle !== 'none'"), seen
    assert seen.index("search") < seen.index("Show") < seen.index("id") < seen.index("Retry selected"), seen
    # A word is played by the link of its paragraph.
    browser.open(site.page("aac.m4a") + "/read")
    browser.wait(READY)
    browser.value("document.querySelectorAll('a.time')[1].focus()")
    browser.press("Enter")
    browser.wait("!player.paused && document.querySelector('.is-spoken')")
    browser.run(CLOSE.replace("audio", "player"))


def check_login(browser, site):
    browser.open(site.login_address + "/search?q=second42")
    browser.wait("document.title.startsWith('Log in')")
    browser.type("#token", "wrong")
    browser.click("main button")
    browser.wait("document.querySelector('#wrong')")
    browser.type("#token", TOKEN)
    browser.click("main button")
    browser.wait("document.querySelectorAll('.hits li').length === 2")
    assert browser.value("location.pathname + location.search") == f"{BASE}/search?q=second42"
    browser.click(".hits .time")
    browser.wait("document.querySelector('.is-spoken')?.innerText === 'second42'")
    browser.run(CLOSE.replace("audio", "player"))
    browser.click("header form button")
    browser.wait("document.title.startsWith('Log in')")


def check_hostile_names_stay_text(browser, site):
    page = site.page(HOSTILE)
    for address in (site.address, site.address + "/recordings", page, page + "/read", site.address + "/search?q=hostile"):
        browser.open(address)
        browser.wait("document.readyState === 'complete'")
        assert browser.value("document.title") != "x", address
        assert browser.value("document.images.length") == 0, address
    assert "</mark>" not in browser.value("document.body.innerText")
    browser.open(page + "/read")
    assert browser.value("document.querySelector('h1').innerText") == HOSTILE
    assert browser.value("document.querySelector('#transcript span').innerText") == "<script>document.title='x'</script>"


def check_text_from_right_to_left(browser, site):
    browser.open(site.page(LONG) + "/read")
    direction = "getComputedStyle(document.querySelector('#transcript p:not(.silence)')).direction"
    assert browser.value(direction) == "rtl"
    browser.open(site.page("aac.m4a") + "/read")
    assert browser.value(direction) == "ltr"


def check_narrow_pages_do_not_scroll_sideways(browser, site):
    for name, address in pages(site).items():
        browser.open("about:blank")
        browser.open(address)
        for width in (320, 360, 1440):
            browser.devtools("Emulation.setDeviceMetricsOverride", width=width, height=760, deviceScaleFactor=1, mobile=False)
            assert browser.value("document.documentElement.scrollWidth <= innerWidth"), (name, width)
    browser.devtools("Emulation.clearDeviceMetricsOverride")


def check_pages_without_scripts(browser, site):
    browser.devtools("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(site.address + "/search?q=second42")
        browser.click(".hits h2 a")
        assert not browser.value("document.querySelector('.is-ready')")
        assert "second42" in browser.value("document.getElementById('transcript').innerText")
        assert browser.value("player.controls && player.canPlayType('audio/mp4') !== ''")
        # A link to a moment leads to its word, also within a paragraph.
        browser.open("about:blank")
        browser.open(site.page("aac.m4a") + "/read#t=117")
        box = browser.value("document.getElementById('t=117').getBoundingClientRect().toJSON()")
        assert 0 < box["top"] < browser.value("innerHeight"), box
        assert browser.value("document.querySelector(':target').innerText") == "second117"
        browser.open(site.page("aac.m4a") + "/read")
        browser.click("summary")
        browser.type("[name=speaker-1]", "Anna Meißner")
        browser.click(".speakers button")
        browser.wait("document.getElementById('transcript')?.innerText.includes('Anna Meißner:')")
    finally:
        browser.devtools("Emulation.setScriptExecutionDisabled", value=False)


def pages(site):
    """Returns the addresses of the pages by name."""
    return {
        "tonight": site.address,
        "recordings": site.address + "/recordings",
        "recording": site.page(LONG),
        "reading": site.page("aac.m4a") + "/read#t=5",
        "reading-long": site.page(LONG) + "/read",
        "search": site.address + "/search?q=second42",
        "search-arabic": site.address + "/search?q=%D8%A7%D9%84%D9%8A%D9%88%D9%85",
        "search-empty": site.address + "/search",
        "login": site.login_address + "/login",
    }


def check_accessibility(browser, site, axe):
    problems = []
    for name, address in pages(site).items():
        browser.open("about:blank")
        browser.open(address)
        browser.inject(axe)
        for colours in ("light", "dark"):
            browser.set_colours(colours)
            problems += [f"{name} ({colours}): {problem}" for problem in browser.run(AXE)]
    assert not problems, "\n".join(problems)


def take_pictures(browser, site, folder):
    folder.mkdir(parents=True, exist_ok=True)
    for colours in ("light", "dark"):
        browser.set_colours(colours)
        for width, height in ((360, 760), (1440, 900)):
            browser.devtools("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
            for name, address in pages(site).items():
                browser.open("about:blank")
                browser.open(address)
                if name == "reading":
                    browser.wait("document.querySelector('.is-spoken')")
                if name == "reading-long":
                    browser.click("summary")
                browser.picture(folder / f"{name}-{colours}-{width}.png")


def run(checks, browser, site):
    """Runs the checks, and returns the number of those that fail."""
    failed = 0
    for name, check in checks.items():
        began = time.monotonic()
        try:
            check(browser, site)
            outcome = "ok"
        except Exception:
            traceback.print_exc()
            outcome, failed = "FAILED", failed + 1
        print(f"{outcome:6} {time.monotonic() - began:5.1f} s  {name.replace('_', ' ')}", flush=True)
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", type=pathlib.Path, metavar="NIGHTSCRIBE")
    parser.add_argument("checks", nargs="*", metavar="CHECK", help="checks by the start of their names")
    parser.add_argument("--firefox", action="store_true", help="use Firefox, and leave out what needs the DevTools of Chromium")
    parser.add_argument("--axe", type=pathlib.Path, metavar="FILE", help="axe-core, for the accessibility of the pages")
    parser.add_argument("--pictures", type=pathlib.Path, metavar="FOLDER", help="folder for pictures of the pages")
    args = parser.parse_args()
    checks = {name.removeprefix("check_"): check for name, check in globals().items() if name.startswith("check_")}
    axe = args.axe.read_text() if args.axe else None
    checks["accessibility"] = lambda browser, site: check_accessibility(browser, site, axe)
    if axe is None:
        del checks["accessibility"]
        print("accessibility is not checked without axe-core")
    if args.pictures:
        checks["pictures"] = lambda browser, site: take_pictures(browser, site, args.pictures)
    if args.firefox:
        checks = {name: check for name, check in checks.items() if name not in NEED_DEVTOOLS}
    if args.checks:
        checks = {name: check for name, check in checks.items() if any(name.startswith(start) for start in args.checks)}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as temporary:
        folder = pathlib.Path(temporary)
        for name in ("sounds", "site"):
            (folder / name).mkdir()
        make(folder / "sounds", SOUNDS, SECONDS)
        site = Site(args.program.resolve(), folder / "site", [folder / "sounds" / name for name in SOUNDS], SECONDS)
        browser = (Firefox if args.firefox else Browser)(folder / "profile")
        try:
            failed = run(checks, browser, site)
        finally:
            browser.close()
            site.close()
    print(f"{len(checks) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
