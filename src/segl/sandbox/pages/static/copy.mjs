// Copy buttons. They are hidden until this runs: without scripts one selects the code and copies it as any text.

for (const button of document.querySelectorAll("[data-copy]")) {
  const code = document.getElementById(button.dataset.copy);
  const told = button.parentElement.querySelector("[role=status]");
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    told.textContent = "";
    try {
      await navigator.clipboard.writeText(code.textContent);
      told.textContent = button.dataset.copied;
    } catch {
      // The browser does not let us: select it, so that one key stroke copies it.
      getSelection().selectAllChildren(code);
      code.parentElement.focus();
    }
  });
}
