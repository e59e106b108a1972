// Names for screen readers that the theme leaves out.
for (const summary of document.querySelectorAll("li > details > summary")) {
  const page = summary.closest("li").querySelector("a");
  if (page) summary.setAttribute("aria-label", `Pages below ${page.textContent.trim()}`);
}
for (const button of document.querySelectorAll(".search-button-field")) {
  button.removeAttribute("aria-label");
}
