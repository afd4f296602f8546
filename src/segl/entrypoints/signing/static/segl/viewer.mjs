// The document viewer: draws the pages of one PDF where they stand, a screen ahead, and forgets those far away.
// Links in the document are inert: no annotation layer is made. Without this script the page offers the file and the text.

import { structure } from "./structure.mjs";

const ZOOMS = [100, 150, 200, 300];
const MAX_CANVASES = 8;
const MAX_PIXELS = 16e6; // what iOS gives a canvas
const MAX_DENSITY = 2.5; // sharp under pinch zoom
const ANNOUNCE_EVERY = 2000;

const viewer = document.querySelector("[data-viewer]");
const strip = viewer.querySelector("[data-strip]");
const pages = viewer.querySelector("[data-pages]");
const boxes = [...pages.querySelectorAll("[data-page]")];
const counter = document.querySelector("[data-counter]");
const buttons = { in: viewer.querySelector("[data-zoom-in]"), out: viewer.querySelector("[data-zoom-out]") };
const here = new URL("vendor/pdfjs/", import.meta.url);
const drawn = new Map(); // page number -> {canvas, layer, width, task}
const near = new Set();

let pdfjs;
let pdf;
let current = 1;

function fill(words, values) {
  return words.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

async function open() {
  pdfjs = await import(new URL("pdf.min.mjs", here));
  pdfjs.GlobalWorkerOptions.workerSrc = new URL("pdf.worker.min.mjs", here).href;
  pdf = await pdfjs.getDocument({
    url: viewer.dataset.pdf,
    isEvalSupported: false,
    enableXfa: false,
    useWasm: false,
    disableRange: true,
    disableStream: true,
    useSystemFonts: false,
    cMapUrl: new URL("cmaps/", here).href,
    cMapPacked: true,
    standardFontDataUrl: new URL("standard_fonts/", here).href,
    wasmUrl: new URL("wasm/", here).href,
  }).promise;
  watch();
  await Promise.all(boxes.slice(0, 2).map((box) => draw(Number(box.dataset.page))));
}

function fail() {
  const notice = viewer.querySelector("[data-not-shown]");
  if (!notice.hidden) return;
  notice.hidden = false;
  notice.setAttribute("role", "alert");
  strip.hidden = true;
}

function watch() {
  const ahead = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) {
        const number = Number(entry.target.dataset.page);
        if (entry.isIntersecting) {
          near.add(number);
          draw(number);
        } else {
          near.delete(number);
        }
      }
    },
    { rootMargin: "100% 0px" },
  );
  const middle = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) if (entry.isIntersecting) count(Number(entry.target.dataset.page));
    },
    { rootMargin: "-50% 0px -50% 0px" },
  );
  for (const box of boxes) {
    ahead.observe(box);
    middle.observe(box);
  }
  let width = pages.clientWidth;
  let soon;
  new ResizeObserver(() => {
    if (pages.clientWidth === width) return;
    width = pages.clientWidth;
    window.clearTimeout(soon);
    soon = window.setTimeout(() => near.forEach(draw), 150);
  }).observe(pages);
  count(1);
}

let announcedAt = -ANNOUNCE_EVERY;
let announcement;
function count(number) {
  current = number;
  window.clearTimeout(announcement);
  const wait = Math.max(0, announcedAt + ANNOUNCE_EVERY - performance.now());
  announcement = window.setTimeout(() => {
    announcedAt = performance.now();
    say(fill(viewer.dataset.textPageOf, { page: current, count: boxes.length }));
  }, wait);
}

function say(words) {
  if (counter.textContent !== words) counter.textContent = words;
}

async function draw(number) {
  const box = boxes[number - 1];
  const width = box.clientWidth;
  const before = drawn.get(number);
  if (!pdf || width === 0 || before?.width === width) return;
  before?.task?.cancel();
  const mine = { width };
  drawn.set(number, mine);
  try {
    const page = await pdf.getPage(number);
    const base = page.getViewport({ scale: 1 });
    const viewport = page.getViewport({ scale: width / base.width });
    const density = Math.min(window.devicePixelRatio || 1, MAX_DENSITY, Math.sqrt(MAX_PIXELS / (viewport.width * viewport.height)));
    const canvas = document.createElement("canvas");
    canvas.width = Math.floor(viewport.width * density);
    canvas.height = Math.floor(viewport.height * density);
    canvas.setAttribute("aria-hidden", "true");
    mine.task = page.render({ canvas, viewport, transform: [density, 0, 0, density, 0, 0], annotationMode: pdfjs.AnnotationMode.ENABLE });
    await mine.task.promise;
    if (drawn.get(number) !== mine) return;
    mine.canvas = canvas;
    mine.layer = await textLayer(page, viewport);
    if (drawn.get(number) !== mine) return;
    for (const old of box.querySelectorAll("canvas, .page-text, .page-structure, .page-image")) old.remove();
    box.append(canvas, ...mine.layer);
    box.classList.add("drawn");
    forgetFarPages();
  } catch (error) {
    if (error?.name === "RenderingCancelledException") return;
    if (drawn.get(number) === mine) drawn.delete(number);
    fail();
  }
}

async function textLayer(page, viewport) {
  const content = await page.getTextContent({ includeMarkedContent: true, disableNormalization: true });
  if (!content.items.some((item) => item.str?.trim())) {
    const words = document.createElement("p");
    words.className = "page-image";
    words.textContent = viewer.dataset.textNoText;
    return [words];
  }
  const layer = document.createElement("div");
  layer.className = "page-text";
  layer.style.setProperty("--total-scale-factor", viewport.scale);
  await new pdfjs.TextLayer({ textContentSource: content, container: layer, viewport }).render();
  const tree = structure(await page.getStructTree(), layer);
  return tree ? [tree, layer] : [layer];
}

function forgetFarPages() {
  const held = [...drawn.entries()].filter(([, page]) => page.canvas).map(([number]) => number);
  const far = held.sort((a, b) => Math.abs(b - current) - Math.abs(a - current)).slice(0, Math.max(0, held.length - MAX_CANVASES));
  for (const number of far) {
    const page = drawn.get(number);
    page.canvas.width = page.canvas.height = 0; // gives the memory back at once
    for (const part of [page.canvas, ...page.layer]) part.remove();
    boxes[number - 1].classList.remove("drawn");
    drawn.delete(number);
  }
}

function zoom(step) {
  const now = ZOOMS.indexOf(Number(pages.dataset.zoom));
  const next = step === 0 ? 0 : Math.min(ZOOMS.length - 1, Math.max(0, now + step));
  if (next === now) return;
  const middle = (strip.scrollLeft + strip.clientWidth / 2) / strip.scrollWidth;
  const box = boxes[current - 1];
  const depth = (window.innerHeight / 2 - box.getBoundingClientRect().top) / box.clientHeight;
  pages.dataset.zoom = ZOOMS[next];
  strip.scrollLeft = middle * strip.scrollWidth - strip.clientWidth / 2;
  window.scrollBy(0, box.getBoundingClientRect().top + depth * box.clientHeight - window.innerHeight / 2);
  buttons.out.setAttribute("aria-disabled", String(next === 0));
  buttons.in.setAttribute("aria-disabled", String(next === ZOOMS.length - 1));
  window.clearTimeout(announcement);
  announcedAt = performance.now();
  say(fill(viewer.dataset.textZoom, { percent: ZOOMS[next] }));
  window.setTimeout(() => count(current), ANNOUNCE_EVERY);
}

buttons.in.hidden = buttons.out.hidden = false;
buttons.out.setAttribute("aria-disabled", "true");
buttons.in.addEventListener("click", () => zoom(1));
buttons.out.addEventListener("click", () => zoom(-1));
strip.addEventListener("keydown", (event) => {
  const steps = { "+": 1, "-": -1, 0: 0 };
  if (event.ctrlKey || event.metaKey || event.altKey || !(event.key in steps)) return;
  event.preventDefault();
  zoom(steps[event.key]);
});

open().catch(fail);
