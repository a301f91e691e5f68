/** The page's icons, drawn in lines of the text's colour on 16 by 16. No font and no file is loaded for them. */

const PATHS = {
  apply: "M9.5 1.5h-6v13h9v-10zM9.5 1.5v3h3M6 7.5h4M8 5.5v4M6 11.75h4",
  ask: "M2.5 3.5h11v7.5h-6l-3 2.5v-2.5h-2z",
  attach: "M13 7.5l-5.2 5.2a3 3 0 0 1-4.3-4.2l5.6-5.6a2 2 0 0 1 2.9 2.8l-5.5 5.6a1 1 0 0 1-1.5-1.4l5-5",
  check: "M3 8.5l3.3 3.3L13 4.7",
  close: "M4 4l8 8M12 4l-8 8",
  copy: "M5.5 5.5v-3h8v8h-3M2.5 5.5h8v8h-8z",
  down: "M8 2.5v10.5M3.5 8.5l4.5 4.5 4.5-4.5",
  file: "M9.5 1.5h-6v13h9v-10zM9.5 1.5v3h3",
  fold: "M4.5 6.5l3.5 3.5 3.5-3.5",
  insert: "M2.5 3.5h11M2.5 12.5h11M2.5 8h6.5M13.5 5.7v4.6M11 8h5",
  key: "M9.2 8.3a3.4 3.4 0 1 1 1.3-2.6c0 .5-.1 1-.3 1.4l3.8 3.8v2.6h-2.6v-1.6h-1.5v-1.5zM6.3 5v.01",
  retry: "M13.2 8a5.2 5.2 0 1 1-1.6-3.8M13.5 1.8v3.2h-3.2",
  send: "M8 13.5v-11M3.5 7l4.5-4.5 4.5 4.5",
  stop: "M4.5 4.5h7v7h-7z",
  ticket:
    "M2.5 4.5h11v2.2a1.4 1.4 0 0 0 0 2.6v2.2h-11v-2.2a1.4 1.4 0 0 0 0-2.6zM9.5 4.5v1.2M9.5 7.4v1.2M9.5 10.3v1.2",
  warning: "M8 2l6.5 11.5h-13zM8 6.5v3.2M8 11.6v.01",
} as const;

export type IconName = keyof typeof PATHS;

const SVG = "http://www.w3.org/2000/svg";

export function icon(name: IconName): SVGElement {
  const made = document.createElementNS(SVG, "svg");
  made.setAttribute("class", `icon icon-${name}`);
  made.setAttribute("viewBox", "0 0 16 16");
  made.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name]);
  made.append(path);
  return made;
}
