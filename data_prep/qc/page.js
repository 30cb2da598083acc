"use strict";

// Fills the page from the data it holds: two tables, sorted by a click on a column's name and filtered by the form
// above them, and the montages of the scans that are left, in the table's order. What is chosen is kept in the address,
// as in #scans.split=val&scans.sort=age&scans.down=1, so that a view can be kept as a bookmark.

const NONE = "(none)";
const ANY = "(any)";
const ZOOM = 1.5; // of the strips, where the window is wide enough
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

function isEmpty(cell) {
  return cell === null || cell === "";
}

// Unknown values come last in both directions.
function compare(first, second, sign) {
  if (isEmpty(first) || isEmpty(second)) return isEmpty(first) - isEmpty(second);
  return sign * (typeof first === "number" ? first - second : collator.compare(first, second));
}

// The values a filter offers for a cell: the cell, or each of the sentences it lists, with their numbers blanked out.
function kindsOf(cell, isList) {
  if (isEmpty(cell)) return [];
  if (!isList) return [String(cell)];
  return cell.split("; ").map((sentence) => sentence.replace(/\d+([.,]\d+)*/g, "#"));
}

class DataTable {
  constructor(name, data, { onChange = () => {}, onOpen = null } = {}) {
    this.name = name;
    this.columns = data.columns;
    this.rows = data.rows.map((cells, index) => ({ index, cells, text: cells.join(" ").toLowerCase() }));
    this.onChange = onChange;
    this.onOpen = onOpen;
    this.form = document.getElementById(`${name}_filters`);
    this.table = document.getElementById(`${name}_table`);
    for (const select of this.form.querySelectorAll("select")) this.fillChoices(select);
    this.controls = [...this.form.elements].filter((control) => control.name);
    for (const control of this.controls) control.value = state.get(this.key(control.name)) ?? "";
    this.table.tHead.rows[0].append(...this.columns.map((column, index) => this.makeHeader(column, index)));
    this.form.addEventListener("input", (event) => {
      remember(this.key(event.target.name), event.target.value);
      this.update();
    });
    this.form.addEventListener("submit", (event) => event.preventDefault());
    this.update();
  }

  key(control) {
    return `${this.name}.${control}`;
  }

  fillChoices(select) {
    const column = this.columns.indexOf(select.name);
    select.parentElement.hidden = column < 0;
    const counts = new Map();
    for (const row of this.rows) {
      row[select.name] = new Set(kindsOf(row.cells[column] ?? null, "list" in select.dataset));
      for (const kind of row[select.name]) counts.set(kind, (counts.get(kind) ?? 0) + 1);
    }
    const empty = this.rows.filter((row) => row[select.name].size === 0).length;
    const choices = [...counts].sort(([first], [second]) => collator.compare(first, second));
    if (empty && counts.size) choices.unshift([ANY, this.rows.length - empty], [NONE, empty]);
    select.append(...choices.map(([value, count]) => make("option", { value }, `${value} (${count})`)));
  }

  makeHeader(column, index) {
    const button = make("button", { type: "button" }, column);
    button.addEventListener("click", () => this.sortBy(column));
    const isNumber = this.rows.some((row) => typeof row.cells[index] === "number");
    return make("th", { scope: "col", className: isNumber ? "number" : "" }, button);
  }

  sortBy(column) {
    const again = state.get(this.key("sort")) === column;
    const down = state.has(this.key("down"));
    remember(this.key("down"), again && !down ? "1" : "");
    remember(this.key("sort"), again && down ? "" : column); // a third click gives the first order back
    this.update();
  }

  passes(row) {
    return this.controls.every(({ name, value }) => {
      if (!value) return true;
      if (name === "find") return row.text.includes(value.toLowerCase());
      return value === ANY ? row[name].size > 0 : value === NONE ? row[name].size === 0 : row[name].has(value);
    });
  }

  chosenRows() {
    const column = this.columns.indexOf(state.get(this.key("sort")));
    const sign = state.has(this.key("down")) ? -1 : 1;
    const rows = this.rows.filter((row) => this.passes(row));
    return column < 0 ? rows : rows.sort((one, other) => compare(one.cells[column], other.cells[column], sign));
  }

  makeRow(row) {
    const cells = row.cells.map((cell, column) => {
      const isNumber = typeof cell === "number";
      const content = this.onOpen && this.columns[column] === "scan" ? this.makeOpener(row, cell) : String(cell ?? "");
      return make("td", { className: isNumber ? "number" : "" }, content);
    });
    return make("tr", {}, ...cells);
  }

  makeOpener(row, text) {
    const button = make("button", { type: "button", className: "open" }, text);
    button.addEventListener("click", () => this.onOpen(row.index));
    return button;
  }

  update() {
    const rows = this.chosenRows();
    for (const row of rows) row.element ??= this.makeRow(row);
    this.table.tBodies[0].replaceChildren(...rows.map((row) => row.element));
    const sorted = state.has(this.key("down")) ? "descending" : "ascending";
    this.columns.forEach((column, index) => {
      const header = this.table.tHead.rows[0].cells[index];
      header.ariaSort = column === state.get(this.key("sort")) ? sorted : null;
    });
    this.form.querySelector("output").value = `${rows.length} of ${this.rows.length}`;
    this.onChange(rows.map((row) => row.index));
  }
}

class Montages {
  constructor(element, montages) {
    this.element = element;
    this.montages = montages;
    this.figures = new Map();
    this.sections = new Map();
  }

  show(indices) {
    const patients = new Map();
    for (const index of indices) {
      const patient = this.montages[index].patient;
      if (!patients.has(patient)) patients.set(patient, []);
      patients.get(patient).push(this.figure(index));
    }
    const sections = [...patients].map(([patient, figures]) => {
      if (!this.sections.has(patient)) this.sections.set(patient, make("section"));
      const section = this.sections.get(patient);
      section.replaceChildren(make("h3", {}, patient), ...figures);
      return section;
    });
    this.element.replaceChildren(...sections);
  }

  figure(index) {
    if (!this.figures.has(index)) this.figures.set(index, this.makeFigure(this.montages[index]));
    return this.figures.get(index);
  }

  makeFigure({ image, width, height, histogram, window: [low, high], caption }) {
    const alt = `slices of ${caption}`;
    const bars = [...histogram].map((bar, x) => `M${x + 0.5} 36v-${parseInt(bar, 36)}`).join("");
    const chart = make("div");
    chart.innerHTML = `<svg viewBox="0 0 ${histogram.length} 36" preserveAspectRatio="none"><path d="${bars}"/></svg>`;
    chart.append(make("div", { className: "window" }, make("span", {}, low), make("span", {}, high)));
    const size = { width: width * ZOOM, height: height * ZOOM };
    const strip = make("img", { loading: "lazy", decoding: "async", ...size, alt, src: image });
    return make("figure", {}, make("div", {}, strip), chart, make("figcaption", {}, caption));
  }

  open(index) {
    for (const figure of this.element.querySelectorAll(".found")) figure.classList.remove("found");
    this.figure(index).classList.add("found");
    this.figure(index).scrollIntoView({ block: "center" });
  }
}

const data = JSON.parse(document.getElementById("data").textContent);
const montages = new Montages(document.getElementById("montages"), data.montages);
if (data.rejections.rows.length) new DataTable("rejections", data.rejections);
new DataTable("scans", data.scans, { onChange: (rows) => montages.show(rows), onOpen: (row) => montages.open(row) });
