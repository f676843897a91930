/**
 * Whether the page is being left, as far as it can know: what a host saves then, in the reach of every script that will
 * ever run here, is saved in a hurry and should be sealed. A listener of our own for `beforeunload` would cost some
 * browsers their fast way back, and has to guess whether the page stays; the event that is being told says it too.
 */

/** What is told to a page that may be at its end. */
const ENDING: ReadonlySet<string> = new Set(["beforeunload", "pagehide", "unload"]);

let left = false;

/** Whether this is asked in a listener of the page's end, or after it. A page that comes back is not left any more. */
export function isBeingLeft(): boolean {
  const type = window.event?.type;
  return left || (type !== undefined && ENDING.has(type)) || (type === "visibilitychange" && document.hidden);
}

addEventListener("pagehide", () => void (left = true), { capture: true });
addEventListener("pageshow", () => void (left = false), { capture: true });
