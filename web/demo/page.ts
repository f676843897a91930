/** The few things both demo pages do to their document. Foreign text goes in as text only, cut to what can be read. */

/** The longest foreign text that is shown, characters. */
const LONGEST_SHOWN = 200;

/** The element with this id; a page without it is not ours. */
export function element<Type extends HTMLElement = HTMLElement>(id: string): Type {
  const found = document.getElementById(id);
  if (!found) throw new Error(`The page has no element #${id}.`);
  return found as Type;
}

/** Shows a message, or none. */
export function say(place: HTMLElement, message: string): void {
  place.textContent = message;
  place.hidden = message === "";
}

/** Foreign text as it may be shown. */
export function shown(text: unknown): string {
  const whole = typeof text === "string" ? text.replace(/[\p{Cc}\p{Cf}\p{Surrogate}]/gu, "") : "";
  return whole.length > LONGEST_SHOWN ? `${whole.slice(0, LONGEST_SHOWN)}…` : whole;
}
