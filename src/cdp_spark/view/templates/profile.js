
"use strict";
(() => {
  const PAGE = 100;
  const at = (id) => document.getElementById(id);
  const { types, sources, people, events } = JSON.parse(at("data").textContent);
  const [words, type, found, list, more] = ["words", "type", "found", "events", "more"].map(at);
  const number = (count) => count.toLocaleString("en");
  const shown = events.map(([time, kind, source, details, who]) => {
    const when = new Date(time).toISOString();
    return { day: when.slice(0, 10), time: when.slice(11, 16), kind, type: types[kind], source: sources[source],
      details, who: who === undefined ? "" : people[who] };
  });
  const searched = shown.map((it) => `${it.day} ${it.time} ${it.type} ${it.source} ${it.who} ${it.details}`.toLowerCase());
  let hits = [];
  let drawn = 0;

  const make = (name, text, className = "") => {
    const element = document.createElement(name);
    element.textContent = text;
    element.className = className;
    return element;
  };

  const row = (it) => {
    const item = document.createElement("li");
    const body = document.createElement("div");
    body.append(make("b", it.type), make("span", ` ${[it.source, it.who].filter(Boolean).join(", ")}`, "soft"));
    body.append(make("div", it.details));
    item.append(make("time", it.time), body);
    return item;
  };

  const draw = () => {
    const rows = document.createDocumentFragment();
    for (const place of hits.slice(drawn, drawn + PAGE)) {
      const before = drawn > 0 ? shown[hits[drawn - 1]].day : "";
      if (shown[place].day !== before) {
        const day = make("li", "", "day");
        day.append(make("h3", shown[place].day));
        rows.append(day);
      }
      rows.append(row(shown[place]));
      drawn += 1;
    }
    list.append(rows);
    more.hidden = drawn >= hits.length;
  };

  const search = () => {
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    const isWanted = (place) => (type.value === "" || shown[place].kind === Number(type.value))
      && wanted.every((word) => searched[place].includes(word));
    hits = [...shown.keys()].filter(isWanted);
    found.textContent = hits.length === shown.length ? `${number(shown.length)} events`
      : `${number(hits.length)} of ${number(shown.length)} events`;
    list.replaceChildren();
    drawn = 0;
    draw();
  };

  types.forEach((name, place) => {
    const option = make("option", `${name} (${number(events.filter((it) => it[1] === place).length)})`);
    option.value = place;
    type.append(option);
  });
  words.addEventListener("input", search);
  type.addEventListener("input", search);
  words.form.addEventListener("submit", (event) => event.preventDefault());
  more.addEventListener("click", draw);
  new IntersectionObserver((seen) => { if (seen.some((it) => it.isIntersecting)) draw(); }).observe(more);
  search();
})();
