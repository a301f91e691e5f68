/** Tells screen readers what has happened, once: an answer's end, not each of its words. */
import { element } from "./element";

const region = element("div", { class: "unseen", role: "status" });

export function announcerElement(): HTMLElement {
  return region;
}

export function announce(words: string): void {
  // The same words again are told again only if they are another element.
  region.replaceChildren(element("span", {}, words));
}
