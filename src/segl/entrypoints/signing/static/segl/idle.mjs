// Reading keeps the sitting: while somebody scrolls, types or points, the server hears of it now and then. Two minutes before the
// sitting would end the page asks whether anybody is there (WCAG 2.2.1); closing the question by any means is an answer.

const dialog = document.querySelector("dialog[data-idle]");
const limit = Number(dialog.dataset.idle) * 1000;
const WARN_BEFORE = 120_000;
const TELL_EVERY = 300_000;

let toldAt = Date.now(); // loading the page told the server
let warning;

function plan() {
  window.clearTimeout(warning);
  warning = window.setTimeout(() => dialog.showModal(), toldAt + limit - WARN_BEFORE - Date.now());
}

async function tell() {
  toldAt = Date.now();
  try {
    const answer = await fetch(dialog.dataset.alive, { cache: "no-store" });
    // Too late, or another page has ended the sitting: the page itself says what is so.
    if (!answer.ok) window.location.reload();
  } catch {
    toldAt = Date.now() - TELL_EVERY; // not reached: try again at the next sign of life
  }
  plan();
}

function alive() {
  if (!dialog.open && !document.hidden && Date.now() - toldAt >= TELL_EVERY) tell();
}

for (const sign of ["scroll", "keydown", "pointerdown", "pointermove", "visibilitychange"]) {
  document.addEventListener(sign, alive, { passive: true, capture: true });
}
dialog.addEventListener("close", tell);
plan();
