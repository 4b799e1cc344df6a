#!/usr/bin/env bash
# Two caption libraries read a cue after 24 hours correctly, and write it with another time.
#
# usage: findings/captions-after-24-hours.sh (needs Node.js with npm, Python 3.11.5 or later with venv, and network)
#
# Guess: SRT and WebVTT have no limit of a day. A library that reads 25:00:01,234 as 90,001,234 milliseconds writes
# 25:00:01,234 again.
#
# Fact: Both libraries read the right time. No call reports an error, except that one library rejects its own
# output.
# - subtitle (npm) writes 01:00:01,86400234. The hour starts again at 0, and the whole day stands in the field of
#   the milliseconds. Its own reader rejects this output.
# - pycaption (PyPI) writes 01:00:01,234 as SRT, WebVTT and TTML (DFXP), so the cue belongs to the wrong hour. Only
#   its SAMI has the right time.
# A cue that crosses the 24th hour gets an end before its start.
#
# Source: measured. subtitle takes the hour from a calendar date, and the milliseconds from the rest of the whole
# time. pycaption takes the hour from the attribute seconds of a timedelta, which leaves out the days.
#
# Why it matters here: Recorders that run for days give transcripts with such cues. nightscribe counts hours on, and
# both libraries read its srt and vtt files correctly. A conversion with them moves or breaks the cues of the second
# day. A test that only reads its files does not notice this.
#
# Exit status: 0 if the behaviour is as stated.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: \
  pycaption==2.3.14 beautifulsoup4==4.15.0 lxml==6.1.3 cssutils==2.15.0 encutils==1.0.0 more-itertools==11.2.1 \
  soupsieve==4.1.3 chardet==7.7.0 typing_extensions==4.16.0
echo '{"private": true}' >package.json
npm install --silent --no-audit --no-fund --ignore-scripts --save-exact subtitle@4.2.2

cat >recording.srt <<'SRT'
1
23:59:59,000 --> 24:00:01,234
Midnight.

2
25:00:01,234 --> 25:00:02,345
Second day.

SRT

cat >convert.js <<'JAVASCRIPT'
const fs = require("fs");
const { parseSync, stringifySync } = require("subtitle");

console.log("subtitle", require("subtitle/package.json").version);
const cues = parseSync(fs.readFileSync("recording.srt", "utf8"));
for (const { data } of cues) console.log("read", data.start, data.end);
for (const format of ["SRT", "WebVTT"]) {
  const written = stringifySync(cues, { format });
  for (const line of written.split("\n")) if (line.includes("-->")) console.log(format, line);
  try {
    parseSync(written);
    console.log(format, "read again");
  } catch (error) {
    console.log(format, error.message);
  }
}
JAVASCRIPT

cat >convert.py <<'PYTHON'
import re
from importlib.metadata import version

from pycaption import DFXPWriter, SAMIWriter, SRTReader, SRTWriter, WebVTTWriter

print("pycaption", version("pycaption"))
with open("recording.srt", encoding="utf-8") as file:
    captions = SRTReader().read(file.read())
for caption in captions.get_captions("en-US"):
    print("read", int(caption.start) // 1000, int(caption.end) // 1000)
for name, writer, pattern in [
    ("SRT", SRTWriter, r".*-->.*"),
    ("WebVTT", WebVTTWriter, r".*-->.*"),
    ("TTML", DFXPWriter, r'begin="[^"]*" end="[^"]*"'),
    ("SAMI", SAMIWriter, r'start="[^"]*"'),
]:
    for times in re.findall(pattern, writer().write(captions)):
        print(name, times)
PYTHON

cat >expected <<'TEXT'
subtitle 4.2.2
read 86399000 86401234
read 90001234 90002345
SRT 23:59:59,000 --> 00:00:01,86400234
SRT 01:00:01,86400234 --> 01:00:02,86400345
SRT expected timestamp at row 2, but received: "23:59:59,000 --> 00:00:01,86400234"
WebVTT 23:59:59.000 --> 00:00:01.86400234
WebVTT 01:00:01.86400234 --> 01:00:02.86400345
WebVTT expected timestamp at row 4, but received: "23:59:59.000 --> 00:00:01.86400234"
pycaption 2.3.14
read 86399000 86401234
read 90001234 90002345
SRT 23:59:59,000 --> 00:00:01,234
SRT 01:00:01,234 --> 01:00:02,345
WebVTT 23:59:59.000 --> 00:00:01.234
WebVTT 01:00:01.234 --> 01:00:02.345
TTML begin="23:59:59.000" end="00:00:01.234"
TTML begin="01:00:01.234" end="01:00:02.345"
SAMI start="86399000"
SAMI start="86401234"
SAMI start="90001234"
SAMI start="90002345"
TEXT

node convert.js | tee seen
venv/bin/python -W error::UserWarning convert.py | tee -a seen
diff expected seen
echo "As stated: a cue after 24 hours is read correctly and written with another time."
