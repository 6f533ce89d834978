(function () {
  "use strict";
  var root = document.body;

  // Light or dark: as the system says, until the reader says otherwise.
  var button = document.getElementById("theme");
  var system = window.matchMedia("(prefers-color-scheme: dark)");
  function isDark() {
    return root.dataset.theme ? root.dataset.theme === "dark" : system.matches;
  }
  function name() {
    button.textContent = isDark() ? "Light" : "Dark";
    button.setAttribute("aria-label", "Show in " + (isDark() ? "light" : "dark") + " colours");
  }
  button.hidden = false;
  button.addEventListener("click", function () {
    root.dataset.theme = isDark() ? "light" : "dark";
    name();
  });
  system.addEventListener("change", name);
  name();

  // Tables: a click on a heading sorts, another one turns the order round.
  function key(row, column) {
    var cell = row.cells[column];
    var value = cell.dataset.sort;
    return value === undefined ? cell.textContent : parseFloat(value);
  }
  function compare(a, b) {
    if (typeof a === "number" && typeof b === "number") { return a - b; }
    return String(a).localeCompare(String(b), undefined, { numeric: true });
  }
  function sort(table, head, column) {
    var rising = head.getAttribute("aria-sort") !== "ascending";
    var body = table.tBodies[0];
    var rows = Array.prototype.slice.call(body.rows);
    rows.sort(function (a, b) {
      return compare(key(a, column), key(b, column)) * (rising ? 1 : -1);
    });
    table.querySelectorAll("thead th").forEach(function (one) { one.removeAttribute("aria-sort"); });
    head.setAttribute("aria-sort", rising ? "ascending" : "descending");
    rows.forEach(function (row) { body.appendChild(row); });
  }
  document.querySelectorAll("table.sortable").forEach(function (table) {
    table.querySelectorAll("thead th").forEach(function (head, column) {
      var control = document.createElement("button");
      control.type = "button";
      control.textContent = head.textContent;
      head.textContent = "";
      head.appendChild(control);
      control.addEventListener("click", function () { sort(table, head, column); });
    });
  });

  // Charts: what a shape says, when it is pointed at, touched or focused.
  var tip = document.createElement("div");
  tip.id = "tip";
  tip.setAttribute("role", "status");
  tip.hidden = true;
  root.appendChild(tip);
  function show(shape) {
    tip.textContent = shape.dataset.tip;
    tip.hidden = false;
    var box = shape.getBoundingClientRect();
    var left = box.left + box.width / 2 - tip.offsetWidth / 2;
    var top = box.top - tip.offsetHeight - 8;
    if (top < 4) { top = box.bottom + 8; }
    left = Math.max(6, Math.min(left, document.documentElement.clientWidth - tip.offsetWidth - 6));
    tip.style.left = left + window.scrollX + "px";
    tip.style.top = top + window.scrollY + "px";
  }
  function hide() { tip.hidden = true; }
  document.querySelectorAll("svg [data-tip]").forEach(function (shape) {
    var title = shape.querySelector("title");
    shape.dataset.tip = title.textContent;
    shape.setAttribute("aria-label", title.textContent);
    shape.setAttribute("role", "img");
    title.remove();
    shape.addEventListener("mouseenter", function () { show(shape); });
    shape.addEventListener("mouseleave", hide);
    shape.addEventListener("focus", function () { show(shape); });
    shape.addEventListener("blur", hide);
  });
}());
