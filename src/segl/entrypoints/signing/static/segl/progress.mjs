// Asks for the seal after 1, 1, 2, 3 and then every 5 seconds, and leads on when it is there.

const page = document.querySelector("[data-progress]");
const waits = [1, 1, 2, 3];
let misses = 0;

async function look() {
  try {
    const answer = await fetch(page.dataset.state, { cache: "no-store", headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(String(answer.status));
    const state = await answer.json();
    misses = 0;
    if (state.next) {
      window.location.replace(state.next);
      return;
    }
    if (state.is_slow) showSlow();
  } catch {
    misses += 1;
    // The page itself can say what is wrong (signed out, our own fault); this script cannot.
    if (misses === 3) {
      window.location.reload();
      return;
    }
  }
  plan();
}

function showSlow() {
  const words = page.querySelector("template[data-slow]");
  const place = page.querySelector("[data-slow-place]");
  if (!words || place.childElementCount > 0) return;
  place.append(words.content.cloneNode(true));
  for (const usual of page.querySelectorAll("[data-usual]")) usual.hidden = true;
}

function plan() {
  window.setTimeout(look, (waits.shift() ?? 5) * 1000);
}

plan();
