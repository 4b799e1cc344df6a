// The reading page: marks the word that sounds, plays the word that is clicked, and links to a moment.
//
// The page contains:
//
//   <script type="application/json" id="words">{"sound_start_s": 0, "start_ms": [...], "end_ms": [...]}</script>
//   <video id="player" controls preload="metadata" src="..."></video>
//   <article id="transcript"><p>Each <span>word</span> ...</p> ...</article>
//   <script src="read.js" defer></script>
//
// `start_ms` and `end_ms` have an entry for each word, in whole milliseconds of the transcript, ascending by `start_ms`. The words
// are the `span` elements of the transcript in the same order. Paragraphs of about 50 words keep a change of the mark within one
// frame. `sound_start_s` is the player's time at zero of the transcript, in seconds.
//
// Without this script, the page is the text with a player. The style sheet colours `span.now`.
"use strict";
(() => {
  const player = document.getElementById("player");
  const transcript = document.getElementById("transcript");
  const { sound_start_s: shift, start_ms: starts, end_ms: ends } = JSON.parse(document.getElementById("words").textContent);
  const spans = transcript.querySelectorAll("span");
  const numbers = new Map(Array.from(spans, (span, number) => [span, number]));
  let marked = null;

  // Returns the number of the last word that begins at or before a time, or -1.
  function wordAt(ms) {
    let [from, to] = [0, starts.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      if (starts[middle] <= ms) from = middle + 1;
      else to = middle;
    }
    return from - 1;
  }

  // Marks the word that sounds. Nothing is marked in a pause.
  function mark() {
    // The clock may stop a millisecond before the word that was sought.
    const ms = (player.currentTime - shift) * 1000 + 1;
    const number = wordAt(ms);
    const now = number >= 0 && ms < ends[number] ? spans[number] : null;
    if (now === marked) return;
    marked?.classList.remove("now");
    now?.classList.add("now");
    marked = now;
  }

  function follow() {
    mark();
    if (!player.paused && !player.ended) requestAnimationFrame(follow);
  }

  function seek(seconds) {
    player.currentTime = Math.max(0, seconds + shift);
  }

  // Goes to the moment in the address, such as #t=123.4, and scrolls to its word.
  function openMoment() {
    const moment = /^#t=(\d+(?:\.\d+)?)$/.exec(location.hash);
    if (!moment) return;
    seek(Number(moment[1]));
    spans[Math.max(0, wordAt(Number(moment[1]) * 1000))]?.scrollIntoView({ block: "center" });
  }

  transcript.addEventListener("click", (event) => {
    const number = numbers.get(event.target.closest("span"));
    // A selection is for copying, not for playing.
    if (number === undefined || !getSelection().isCollapsed) return;
    const seconds = starts[number] / 1000;
    seek(seconds);
    history.replaceState(null, "", `#t=${seconds}`);
    // A refusal of the browser leaves the player paused at the word.
    player.play().catch(() => {});
  });
  player.addEventListener("play", follow);
  player.addEventListener("seeked", mark);
  addEventListener("hashchange", openMoment);
  if (player.readyState > 0) openMoment();
  else player.addEventListener("loadedmetadata", openMoment, { once: true });
})();
