// Marks the spoken word, and plays from the word that is clicked. Without it, the transcript can be read, and the recording heard.
"use strict";

const transcript = document.getElementById("transcript");
let player = document.getElementById("player");
const times = JSON.parse(document.getElementById("times")?.textContent ?? "[]");
const words = transcript.hasAttribute("data-has-times") ? [...transcript.querySelectorAll("span")] : [];
const indexOf = new Map(words.map((word, index) => [word, index]));
// Words of several channels overlap, so their starts are sorted apart.
const order = words.map((_, index) => index).sort((a, b) => times[2 * a] - times[2 * b]);
// Time of the player at the first sound, in seconds. Not zero for a video whose sound starts late.
let soundStart = 0;
let marked = null;
// Whether the browser can play the recording. Otherwise, links to a moment lead to its word.
let isPlayable = false;

// Returns the last word that has begun at a time of the transcript in milliseconds, unless it ended long before.
function spokenAt(time) {
  let low = 0;
  let high = order.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[2 * order[middle]] <= time) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  const index = order[low - 1];
  return index !== undefined && time < times[2 * index + 1] + 500 ? words[index] : null;
}

function mark() {
  markAt(player.currentTime - soundStart);
}

// Marks the word at a time of the transcript in seconds.
function markAt(seconds) {
  // The clock may stop a millisecond before the word that was sought.
  const word = spokenAt(seconds * 1000 + 1);
  if (word === marked) {
    return;
  }
  marked?.classList.remove("is-spoken");
  word?.classList.add("is-spoken");
  // Follows the speech, unless the reader has moved on.
  if (word && marked && isPlayable && !player.paused && isInView(marked) && !isInView(word)) {
    word.scrollIntoView({ block: "center" });
  }
  marked = word;
}

function isInView(word) {
  const box = word.getBoundingClientRect();
  return box.bottom > 0 && box.top < innerHeight;
}

function markWhilePlaying() {
  mark();
  if (!player.paused && !player.ended) {
    requestAnimationFrame(markWhilePlaying);
  }
}

// Plays from a time of the transcript in seconds.
function playFrom(seconds) {
  player.currentTime = seconds + soundStart;
  // A browser may refuse to play before the reader has clicked anything.
  player.play().catch(mark);
}

function followAddress() {
  const seconds = Number(/^#t=(\d+(?:\.\d+)?)$/.exec(location.hash)?.[1] ?? NaN);
  if (Number.isNaN(seconds)) {
    return;
  }
  if (isPlayable) {
    playFrom(seconds);
  } else {
    markAt(seconds);
  }
  spokenAt(seconds * 1000 + 1)?.scrollIntoView({ block: "center" });
}

function listen() {
  isPlayable = true;
  player.addEventListener("play", markWhilePlaying);
  player.addEventListener("seeked", mark);
  transcript.classList.add("is-ready");
  transcript.addEventListener("click", (event) => {
    const link = event.target.closest("a.time");
    const index = indexOf.get(event.target.closest("span"));
    if (link && link.hash === location.hash) {
      // The address stays the same, so that no event follows.
      followAddress();
    } else if (index !== undefined && getSelection().isCollapsed) {
      const seconds = times[2 * index] / 1000;
      history.replaceState(null, "", `#t=${seconds}`);
      playFrom(seconds);
    }
  });
  if (!player.paused) {
    markWhilePlaying();
  }
}

function showProblem(text) {
  const problem = document.getElementById("player-problem");
  problem.textContent = text;
  problem.hidden = text === "";
  player.hidden = text !== "";
}

// Asks for the headers of the recording, again and again while the server prepares it.
async function askForHeaders() {
  for (;;) {
    const answer = await fetch(player.src, { method: "HEAD" });
    const seconds = Number(answer.headers.get("retry-after") ?? 0);
    if (answer.status !== 503 || seconds === 0) {
      return answer;
    }
    showProblem("The recording is being prepared. For a long video, this takes a while at the first time.");
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  }
}

// Learns how the recording is played, and shows why it is not.
async function prepare() {
  const answer = await askForHeaders();
  if (!answer.ok) {
    // A HEAD has no text.
    const reason = await fetch(player.src, { headers: { Range: "bytes=0-0" } });
    showProblem(`The recording cannot be played: ${await reason.text()}`);
    return;
  }
  showProblem("");
  // Firefox leaves out the time before the sound, and plays it from the start of the picture on.
  const isGapLeftOut = navigator.userAgent.includes("Firefox/");
  soundStart = isGapLeftOut ? 0 : Number(answer.headers.get("x-sound-start") ?? 0);
  if (answer.headers.get("content-type").startsWith("video/")) {
    const video = document.createElement("video");
    video.id = player.id;
    video.controls = true;
    video.src = player.src;
    player.replaceWith(video);
    player = video;
  }
  // Shows the length, which the server knows by now.
  player.preload = "metadata";
}

async function start() {
  if (player) {
    // A server out of reach is a problem that the player itself shows.
    await prepare().catch(() => {});
  }
  if (player && !player.hidden && words.length > 0) {
    listen();
  }
  addEventListener("hashchange", followAddress);
  followAddress();
}

start();
