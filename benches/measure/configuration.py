"""Configuration files for nightscribe, each with its own folders."""

CONFIG = """
[api]
base_url = "{base_url}"
retention = "{retention}"
[limits]
submits_per_minute = {submits_per_minute}
polls_per_minute = {polls_per_minute}
max_uploads = {max_uploads}
max_pending = {max_pending}
[polling]
interval = "{interval}"
max_interval = "{max_interval}"
[state]
dir = "{home}/state"
[output]
dir = "{home}/transcripts"
formats = ["txt", "json"]
[[source]]
name = "clips"
path = "{recordings}"
settle = "0s"
"""

DEFAULTS = {
    "base_url": "http://127.0.0.1:9/v1",
    "retention": "1h",
    "submits_per_minute": 60_000_000,
    "polls_per_minute": 60_000_000,
    "max_uploads": 64,
    "max_pending": 256,
    "interval": "20ms",
    "max_interval": "100ms",
}


def write_config(home, recordings, **settings):
    """Writes the configuration to `home` and returns its path."""
    path = home / "nightscribe.toml"
    path.write_text(CONFIG.format(home=home, recordings=recordings, **DEFAULTS | settings))
    return path
