"use strict";

// A table that is sorted by a click on a column's name and filtered by a form. What is chosen is kept in the address, as
// in #patients.split=test&patients.sort=SSIM&patients.down=1, so that a view can be kept as a bookmark.

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

// A page's own table says how its form is made (makeForm), its columns look (classOf), a filter matches a row (matches)
// and rows are drawn (draw); it calls update when it is ready. A column has a title and what else its page's table needs, a
// row its cells and the text in which words are found.
class DataTable {
  constructor(name, form, table, columns, rows) {
    Object.assign(this, { name, form, table, columns, rows });
    this.makeForm();
    this.controls = [...this.form.elements].filter((control) => control.name);
    for (const control of this.controls) control.value = state.get(this.key(control.name)) ?? "";
    this.table.tHead.rows[0].append(...this.columns.map((column) => this.makeHeader(column)));
    this.form.addEventListener("input", ({ target }) => {
      remember(this.key(target.name), target.value);
      this.update();
    });
    this.form.addEventListener("submit", (event) => event.preventDefault());
  }

  key(control) {
    return `${this.name}.${control}`;
  }

  makeHeader(column) {
    const button = make("button", { type: "button" }, column.title);
    button.addEventListener("click", () => this.sortBy(column.title));
    return make("th", { scope: "col", className: this.classOf(column) }, button);
  }

  indexOf(title) {
    return this.columns.findIndex((column) => column.title === title);
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
      return name === "find" ? row.text.includes(value.toLowerCase()) : this.matches(row, name, value);
    });
  }

  chosenRows() {
    const index = this.indexOf(state.get(this.key("sort")));
    const sign = state.has(this.key("down")) ? -1 : 1;
    const rows = this.rows.filter((row) => this.passes(row));
    return index < 0 ? rows : rows.sort((one, other) => compare(one.cells[index], other.cells[index], sign));
  }

  update() {
    const rows = this.chosenRows();
    this.draw(rows);
    const sorted = state.has(this.key("down")) ? "descending" : "ascending";
    this.columns.forEach(({ title }, index) => {
      this.table.tHead.rows[0].cells[index].ariaSort = title === state.get(this.key("sort")) ? sorted : "none";
    });
    this.form.querySelector("output").value = `${rows.length} of ${this.rows.length}`;
  }
}
