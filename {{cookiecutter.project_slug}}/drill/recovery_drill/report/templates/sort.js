"use strict";
// A click on a column's head sorts by it; another click turns the order round.
for (const head of document.querySelectorAll("th[data-sort]")) {
  head.querySelector("button").addEventListener("click", () => {
    const table = head.closest("table");
    const down = head.getAttribute("aria-sort") === "ascending";
    for (const other of table.querySelectorAll("th")) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const value = (row) => row.cells[head.cellIndex].dataset.value;
    const number = head.dataset.sort === "number";
    const order = (a, b) =>
      number ? Number(value(a)) - Number(value(b)) : value(a).localeCompare(value(b));
    const rows = [...table.tBodies[0].rows].sort((a, b) => (down ? order(b, a) : order(a, b)));
    table.tBodies[0].append(...rows);
  });
}
// A link to a case opens what is folded around it.
const unfold = () => {
  let part = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  for (let up = part; up; up = up.parentElement) if (up.tagName === "DETAILS") up.open = true;
  if (part) part.scrollIntoView();
};
addEventListener("hashchange", unfold);
if (location.hash) unfold();
