"""Two independent readers of each format. Each returns items: start and end in seconds (or None), and the text."""

import csv
import html
import html.parser
import io
import json
import re

import docx
import duckdb
import html5lib
import lrcparser
import mammoth
import markdown_it
import mistune
import orjson
import pylrc
import pysubs2
import ruamel.yaml
import srt
import webvtt
import yaml

CLOCK = re.compile(r"\[?(\d+):(\d\d):(\d\d)\]?")


def clock_s(text):
    hours, minutes, seconds = map(int, CLOCK.match(text).groups())
    return hours * 3600 + minutes * 60 + seconds


def with_srt(path):
    cues = srt.parse(path.read_text(), ignore_errors=False)
    return [(cue.start.total_seconds(), cue.end.total_seconds(), cue.content) for cue in cues]


def with_pysubs2(path):
    cues = pysubs2.load(str(path))
    return [(cue.start / 1000, cue.end / 1000, cue.plaintext) for cue in cues]


def unescaped(read):
    """Decodes the character references, which readers of WebVTT leave to their callers."""
    return lambda path: [(start, end, html.unescape(text)) for start, end, text in read(path)]


def with_webvtt(path):
    def seconds(time):
        return time.hours * 3600 + time.minutes * 60 + time.seconds + time.milliseconds / 1000

    return [(seconds(cue.start_time), seconds(cue.end_time), cue.text) for cue in webvtt.read(path)]


def with_csv(path):
    rows = list(csv.reader(io.StringIO(path.read_text()), "excel-tab"))
    assert rows[0] == ["start", "end", "text"], rows[0]
    return [(int(start) / 1000, int(end) / 1000, text) for start, end, text in rows[1:]]


def with_duckdb(path):
    rows = duckdb.sql(f"SELECT * FROM read_csv('{path}', delim='\t', header=true, all_varchar=true)").fetchall()
    return [(int(start) / 1000, int(end) / 1000, text) for start, end, text in rows]


def labels_with_csv(path):
    rows = csv.reader(io.StringIO(path.read_text()), delimiter="\t", quoting=csv.QUOTE_NONE)
    return [(float(start), float(end), text) for start, end, text in rows]


def labels_with_duckdb(path):
    if not path.read_text():
        return []
    columns = "columns={'s': 'DOUBLE', 'e': 'DOUBLE', 't': 'VARCHAR'}"
    return duckdb.sql(f"SELECT * FROM read_csv('{path}', delim='\t', header=false, quote='', {columns})").fetchall()


def podcast(parse):
    def read(path):
        segments = parse(path.read_bytes())["segments"]
        return [(one["startTime"], one["endTime"], one["body"]) for one in segments]

    return read


def whisperx(parse):
    def read(path):
        segments = parse(path.read_bytes())["segments"]
        return [(one["start"], one["end"], one["text"]) for one in segments]

    return read


def envelope(parse):
    def read(path):
        alternatives = [channel["alternatives"][0] for channel in parse(path.read_bytes())["result"]["results"]["channels"]]
        words = [word for one in alternatives for word in one["words"]]
        return [(word["start"], word["end"], word["punctuated_word"]) for word in words]

    return read


def with_pylrc(path):
    lines = pylrc.parse(path.read_text())
    return [(line.time, None, line.text) for line in lines]


def with_lrcparser(path):
    def seconds(time):
        return time.minutes * 60 + time.seconds + time.microseconds / 1e6

    lines = lrcparser.LrcParser.parse(path.read_text())["lrc_lines"]
    return [(seconds(line.start_time), None, str(line.text)) for line in lines]


def front_matter(path, parse):
    head, body = path.read_text().removeprefix("---\n").split("\n---\n", 1)
    facts = parse(head)
    assert all(isinstance(value, str) for value in facts.values()), facts
    assert facts["title"] == path.stem and facts["source"] == "talks", facts
    return body


def text_of(nodes):
    texts = (node.get("raw", "") or text_of(node.get("children", [])) for node in nodes)
    return "".join(" " if node["type"] == "softbreak" else text for node, text in zip(nodes, texts))


def with_mistune(path):
    body = front_matter(path, yaml.safe_load)
    blocks = mistune.create_markdown(renderer="ast")(body)
    return chapters((one["type"], text_of(one["children"])) for one in blocks if one["type"] in ("heading", "paragraph"))


def with_markdown_it(path):
    body = front_matter(path, ruamel.yaml.YAML(typ="safe").load)
    tokens = markdown_it.MarkdownIt("commonmark").parse(body)
    kinds = {"heading_open": "heading", "paragraph_open": "paragraph"}
    blocks = [(kinds[opened.type], inline) for opened, inline in zip(tokens, tokens[1:]) if opened.type in kinds]
    return chapters((kind, "".join(child.content for child in inline.children)) for kind, inline in blocks)


def chapters(blocks):
    items, start = [], None
    for kind, text in blocks:
        if kind == "heading":
            start = clock_s(text)
        else:
            items.append((start, None, text))
            start = None
    return items


class Elements(html.parser.HTMLParser):
    """Collects the text of the elements of a transcript."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        self.found.append([tag, ""])

    def handle_data(self, data):
        if self.found:
            self.found[-1][1] += data


def timed(elements):
    items, start = [], None
    for tag, text in elements:
        if tag == "time":
            start = clock_s(text)
        elif tag == "p":
            items.append((start, None, text))
            start = None
    return items


def with_html_parser(path):
    parser = Elements()
    parser.feed(path.read_text())
    return timed(parser.found)


def with_html5lib(path):
    document = html5lib.parse(path.read_text(), namespaceHTMLElements=False)
    return timed((one.tag, "".join(one.itertext())) for one in document.iter())


def paragraphs(texts):
    """Returns the paragraphs after the title. Each starts with its time, except for silence."""
    texts = [text for text in texts if text.strip()]
    return [(clock_s(text) if CLOCK.match(text) else None, None, CLOCK.sub("", text, count=1)) for text in texts[1:]]


def with_python_docx(path):
    return paragraphs(one.text for one in docx.Document(str(path)).paragraphs)


def with_mammoth(path):
    with path.open("rb") as file:
        return paragraphs(mammoth.extract_raw_text(file).value.split("\n\n"))


READERS = {
    "srt": [with_srt, with_pysubs2],
    "vtt": [unescaped(with_webvtt), unescaped(with_pysubs2)],
    "tsv": [with_csv, with_duckdb],
    "aud": [labels_with_csv, labels_with_duckdb],
    "lrc": [with_pylrc, with_lrcparser],
    "podcast.json": [podcast(json.loads), podcast(orjson.loads)],
    "whisperx.json": [whisperx(json.loads), whisperx(orjson.loads)],
    "json": [envelope(json.loads), envelope(orjson.loads)],
    "md": [with_markdown_it, with_mistune],
    "html": [with_html_parser, with_html5lib],
    "docx": [with_python_docx, with_mammoth],
}
