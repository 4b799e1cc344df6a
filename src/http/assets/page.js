// Keeps a page up to date. Without it, the page shows the state of its last load.
"use strict";

const main = document.querySelector("main[data-events]");

// Replaces the parts of the page that may change, except where the user is at work.
async function refresh() {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (answer.redirected) {
    location.reload();
    return;
  }
  if (!answer.ok) {
    return;
  }
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of document.querySelectorAll("[data-live]")) {
    const newPart = fresh.getElementById(part.id);
    const isInUse = part.contains(document.activeElement) || part.querySelector("input:checked");
    if (newPart && !isInUse && newPart.innerHTML !== part.innerHTML) {
      part.replaceChildren(...newPart.childNodes);
    }
  }
}

function keepFresh() {
  let isLoading = false;
  let isStale = false;
  const events = new EventSource(main.dataset.events);
  events.addEventListener("status", async () => {
    isStale = true;
    if (isLoading) {
      return;
    }
    isLoading = true;
    while (isStale) {
      isStale = false;
      // The next event tries again.
      await refresh().catch(() => {});
    }
    isLoading = false;
  });
  addEventListener("pagehide", () => events.close());
}

if (main) {
  keepFresh();
}
