// Headings, lists and tables of a tagged PDF for screen readers: elements that own the spans of the text layer.

const ROLES = {
  Table: "table",
  THead: "rowgroup",
  TBody: "rowgroup",
  TFoot: "rowgroup",
  TR: "row",
  TH: "columnheader",
  TD: "cell",
  L: "list",
  LI: "listitem",
  Figure: "img",
};
const FIRST_HEADING = 2; // under the viewer's own heading, a level 2

// `tree` is what page.getStructTree() gives, `layer` the text layer it points into; null when the page is not tagged.
export function structure(tree, layer) {
  if (!tree) return null;
  const root = document.createElement("div");
  root.className = "page-structure";
  const owned = build(tree, root, layer);
  return owned > 0 ? root : null;
}

function build(node, parent, layer) {
  let owned = 0;
  for (const child of node.children ?? []) {
    if (child.type === "content") {
      // Only what is in this layer: an id may also name an artefact that has no text.
      if (child.id && layer.querySelector(`#${CSS.escape(child.id)}`)) {
        const before = parent.getAttribute("aria-owns");
        parent.setAttribute("aria-owns", before ? `${before} ${child.id}` : child.id);
        owned += 1;
      }
      continue;
    }
    if (!child.children) continue;
    const element = document.createElement("span");
    const heading = /^H([1-6])?$/.exec(child.role);
    if (heading) {
      element.setAttribute("role", "heading");
      element.setAttribute("aria-level", String(Math.min(6, FIRST_HEADING + Number(heading[1] ?? 1))));
    } else if (ROLES[child.role] && (child.role !== "Figure" || child.alt)) {
      element.setAttribute("role", ROLES[child.role]);
    }
    if (child.alt) element.setAttribute("aria-label", child.alt);
    if (child.lang) element.lang = child.lang;
    const below = build(child, element, layer);
    if (below > 0 || child.alt) {
      parent.append(element);
      owned += Math.max(below, 1);
    }
  }
  return owned;
}
