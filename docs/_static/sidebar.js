// The sidebar shows where the page is in it, also if that is further down.
window.addEventListener("load", () => {
  const sidebar = document.querySelector(".sidebar-scroll");
  const current = document.querySelector(".sidebar-tree .current-page");
  sidebar?.scrollTo({ top: (current?.offsetTop ?? 0) - 300, behavior: "instant" });
});
