"use strict";
// Filter and sort tables marked data-filter. Remembers nothing and fetches nothing.
(() => {
  const make = (tag, properties, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };
  const textOf = (cell) => (cell.querySelector("summary") || cell).textContent.trim().replace(/\s+/g, " ");
  const keyOf = (cell) => {
    const text = cell.dataset.sort ?? textOf(cell);
    const number = Number(text);
    return text === "" ? [2, ""] : Number.isNaN(number) ? [1, text] : [0, number];
  };
  const compare = (a, b) => a[0] - b[0] || (a[0] === 0 ? a[1] - b[1] : a[1].localeCompare(b[1]));

  function addSorting(table, rows) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      const button = make("button", { type: "button", className: "sorter" }, ...head.childNodes);
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") === "ascending";
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const sign = down ? -1 : 1;
        const keyed = rows.map((row, index) => [keyOf(row.cells[column]), index, row]);
        keyed.sort((a, b) => sign * compare(a[0], b[0]) || a[1] - b[1]);
        table.tBodies[0].append(...keyed.map((entry) => entry[2]));
      });
    });
  }

  function addFilter(table, rows) {
    const noun = rows.length === 1 ? "row" : "rows";
    const search = make("input", { type: "search", autocomplete: "off" });
    const count = make("output", {});
    const choosers = [...table.tHead.rows[0].cells].flatMap((head, column) => {
      const values = [...new Set(rows.map((row) => textOf(row.cells[column])))].sort();
      if (!head.dataset.choose || values.length < 2) return [];
      const select = make("select", {}, make("option", { value: "", textContent: "all" }));
      values.forEach((value) => select.append(make("option", { value, textContent: value })));
      select.dataset.column = column;
      return [{ column, select, label: make("label", {}, head.textContent.trim(), select) }];
    });
    const update = () => {
      const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      rows.forEach((row) => {
        const text = row.textContent.toLowerCase();
        const keep = words.every((word) => text.includes(word))
          && choosers.every(({ column, select }) => !select.value || textOf(row.cells[column]) === select.value);
        row.hidden = !keep;
        shown += keep;
      });
      count.textContent = `${shown} of ${rows.length} ${noun} shown`;
    };
    const tools = make("div", { className: "tools" }, make("label", {}, "Search", search));
    tools.append(...choosers.map((chooser) => chooser.label), count);
    for (const event of ["input", "change"]) tools.addEventListener(event, update);
    count.setAttribute("aria-live", "polite");
    (table.closest(".scroll") || table).before(tools);
    update();
  }

  document.querySelectorAll("table[data-filter]").forEach((table) => {
    const rows = [...table.tBodies[0].rows];
    if (rows.length < 12) return;
    addFilter(table, rows);
    addSorting(table, rows);
  });
})();
