"use strict";

// Fills each section.data of the page from the JSON it holds: a table, sorted by a click on a column's name and filtered
// by the form above it. Rows are drawn as they are scrolled to, so that ten thousand do not slow the page down. What is
// chosen is kept in the address, as in #patients.split=test&patients.sort=SSIM&patients.down=1.

const CHUNK = 100; // rows that are drawn at once
const MOST_PRINTED = 2000; // rows on paper: about forty pages
const SEPARATOR = "; ";
const collator = new Intl.Collator("en", { numeric: true });
const state = new URLSearchParams(location.hash.slice(1));

function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

function remember(key, value) {
  if (value) state.set(key, value);
  else state.delete(key);
  history.replaceState(null, "", `#${state}`);
}

// Unknown values come last in both directions.
function compare(first, second, sign) {
  if (first === null || second === null) return (first === null) - (second === null);
  return sign * (typeof first === "number" ? first - second : collator.compare(first, second));
}

function format(cell, digits) {
  if (cell === null) return "–";
  if (digits === null) return cell;
  return digits[0] === "fixed" ? cell.toFixed(digits[1]) : cell.toPrecision(digits[1]);
}

class DataTable {
  constructor(section) {
    this.name = section.id;
    const data = JSON.parse(section.querySelector("script[type='application/json']").textContent);
    this.columns = data.columns;
    this.rows = data.rows.map((cells) => ({ cells, text: this.textOf(cells) }));
    this.form = section.querySelector("form");
    this.box = section.querySelector(".scroll");
    this.table = section.querySelector("table");
    this.end = section.querySelector(".end"); // below the last row that is drawn
    this.makeForm();
    this.table.tHead.rows[0].append(...this.columns.map((column) => this.makeHeader(column)));
    this.watch();
    this.update();
  }

  textOf(cells) {
    return this.columns.flatMap(({ digits }, i) => (digits ? [] : [cells[i]])).join(" ").toLowerCase();
  }

  key(control) {
    return `${this.name}.${control}`;
  }

  makeForm() {
    for (const { title, filter } of this.columns.filter(({ filter }) => filter)) {
      const choices = filter.map((value) => make("option", { value }, value));
      const select = make("select", { name: title }, make("option", { value: "" }, "all"), ...choices);
      this.form.querySelector("output").before(make("label", {}, `${title} `, select));
    }
    const find = make("input", { type: "search", name: "find", placeholder: "part of a name" });
    this.form.querySelector("output").before(make("label", {}, "find ", find));
    this.controls = [...this.form.elements].filter((control) => control.name);
    for (const control of this.controls) control.value = state.get(this.key(control.name)) ?? "";
    this.form.addEventListener("input", ({ target }) => {
      remember(this.key(target.name), target.value);
      this.update();
    });
    this.form.addEventListener("submit", (event) => event.preventDefault());
  }

  makeHeader({ title, digits }) {
    const button = make("button", { type: "button" }, title);
    button.addEventListener("click", () => this.sortBy(title));
    return make("th", { scope: "col", className: digits ? "" : "text" }, button);
  }

  watch() {
    const observer = new IntersectionObserver(([entry]) => entry.isIntersecting && this.drawMore(CHUNK), {
      root: this.box,
      rootMargin: "400px",
    });
    observer.observe(this.end);
    addEventListener("beforeprint", () => this.drawMore(MOST_PRINTED - this.drawn));
  }

  sortBy(title) {
    const again = state.get(this.key("sort")) === title;
    const down = state.has(this.key("down"));
    remember(this.key("down"), again && !down ? "1" : "");
    remember(this.key("sort"), again && down ? "" : title); // a third click gives the first order back
    this.update();
  }

  passes(row) {
    return this.controls.every(({ name, value }) => {
      if (!value) return true;
      if (name === "find") return row.text.includes(value.toLowerCase());
      return row.cells[this.indexOf(name)].split(SEPARATOR).includes(value);
    });
  }

  indexOf(title) {
    return this.columns.findIndex((column) => column.title === title);
  }

  chosenRows() {
    const index = this.indexOf(state.get(this.key("sort")));
    const sign = state.has(this.key("down")) ? -1 : 1;
    const rows = this.rows.filter((row) => this.passes(row));
    return index < 0 ? rows : rows.sort((one, other) => compare(one.cells[index], other.cells[index], sign));
  }

  makeRow({ cells }) {
    const made = cells.map((cell, index) => {
      const { digits } = this.columns[index];
      return make("td", { className: digits ? "" : "text" }, format(cell, digits));
    });
    return make("tr", {}, ...made);
  }

  drawMore(number) {
    const more = this.chosen.slice(this.drawn, this.drawn + Math.max(number, 0));
    this.table.tBodies[0].append(...more.map((row) => this.makeRow(row)));
    this.drawn += more.length;
    const left = this.chosen.length - this.drawn;
    this.end.textContent = left ? `${left} more` : "";
  }

  update() {
    this.chosen = this.chosenRows();
    this.drawn = 0;
    this.table.tBodies[0].replaceChildren();
    this.box.scrollTop = 0;
    this.drawMore(CHUNK);
    const sorted = state.has(this.key("down")) ? "descending" : "ascending";
    this.columns.forEach(({ title }, index) => {
      this.table.tHead.rows[0].cells[index].ariaSort = title === state.get(this.key("sort")) ? sorted : "none";
    });
    this.form.querySelector("output").value = `${this.chosen.length} of ${this.rows.length}`;
  }
}

for (const section of document.querySelectorAll("section.data")) new DataTable(section);
