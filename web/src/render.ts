/**
 * Puts the node trees of `renvault_web/views` into a shadow root: Preact patches what changed, so that focus and open
 * details survive. Tags and attributes are allow-listed once more on this side; there are no event attributes, no
 * styles, no markup from text. One delegated listener a root turns clicks into actions.
 */
import { Component, type ComponentChild, h, render } from "preact";
import { Ticker } from "./ticker.ts";
import { type Wording, Words } from "./words.ts";

/** A click on an element with `data-action`, and the `data-topic` it stands in. */
export interface Action {
  readonly action: string;
  readonly topic?: string;
}

export interface MountedTree {
  update(tree: unknown): void;
  unmount(): void;
}

const TAGS = new Set(
  ("a bdi button dd details div dl dt footer h2 h3 header li meter p path progress section span strong summary svg " +
    "ul rv-ago rv-bytes rv-number rv-until rv-when").split(" "),
);

const ATTRIBUTES = new Set(
  "at class d dir hidden href id key lang max n rel role target type unit value viewBox".split(" "),
);

const WORD_ATTRIBUTE = /^(?:aria|data)-[a-z]+(?:-[a-z]+)*$/;

/** The units of `Intl` that a number may have. */
const UNITS = new Set<unknown>(["millisecond", "percent"]);

/** Deeper trees than any view builds are not followed. */
const DEEPEST = 32;

/** Shows trees in `root` until `unmount`; `onAction` is told of each click that means something. */
export function mountTree(root: ShadowRoot, onAction: (action: Action) => void): MountedTree {
  const owner = new AbortController();
  const ticker = new Ticker();
  const words = new Map<string, Words>();
  /** What last lost the focus outside of the root: from there it came when it entered the root. */
  let cameFrom: EventTarget | undefined;

  root.addEventListener(
    "click",
    (event) => {
      const control = event.target instanceof Element ? event.target.closest("[data-action]") : null;
      const action = control?.getAttribute("data-action");
      if (!control || !action || control.getAttribute("aria-disabled") === "true") return;
      const topic = control.closest("[data-topic]")?.getAttribute("data-topic");
      onAction(topic == null ? { action } : { action, topic });
    },
    { signal: owner.signal },
  );
  root.ownerDocument.addEventListener(
    "focusout",
    (event) => {
      // In another shadow root, `target` and the next `relatedTarget` are only its host, which takes no focus.
      const [left] = event.composedPath();
      if (!(left instanceof Node && root.contains(left))) cameFrom = left;
    },
    { capture: true, signal: owner.signal },
  );

  return {
    update(tree) {
      const language = languageOf(tree);
      if (!words.has(language)) words.set(language, new Words(language));
      const held = heldFocus(root);
      render(toVNode(tree, { ticker, words: words.get(language)! }), root);
      held?.restore(cameFrom);
      ticker.schedule();
    },
    unmount() {
      owner.abort();
      render(null, root);
      ticker.close();
    },
  };
}

interface Tools {
  readonly ticker: Ticker;
  readonly words: Words;
}

type Attributes = Record<string, string | number | boolean>;

function toVNode(node: unknown, tools: Tools, depth = 0): ComponentChild {
  if (typeof node === "string") return node;
  if (!Array.isArray(node) || depth > DEEPEST) return null;
  const [tag, given, ...children] = node as [unknown, unknown, ...unknown[]];
  if (typeof tag !== "string" || !TAGS.has(tag)) return null;
  const attributes = allowed(given);
  if (tag.startsWith("rv-")) return toWords(tag, attributes, tools);
  return h(tag, attributes, ...children.map((child) => toVNode(child, tools, depth + 1)));
}

function allowed(given: unknown): Attributes {
  const attributes: Attributes = {};
  if (typeof given !== "object" || given === null) return attributes;
  for (const [name, value] of Object.entries(given)) {
    if (!ATTRIBUTES.has(name) && !WORD_ATTRIBUTE.test(name)) continue;
    if (typeof value !== "string" && typeof value !== "number" && typeof value !== "boolean") continue;
    if (name === "href" && !isSafeLink(value)) continue;
    attributes[name] = value;
  }
  if ("href" in attributes) attributes["rel"] = "noopener noreferrer";
  return attributes;
}

function isSafeLink(value: unknown): boolean {
  if (typeof value !== "string" || !/^https:\/\/[!-~]+$/i.test(value)) return false;
  if (!URL.canParse(value)) return false;
  const { protocol, username, password } = new URL(value);
  return protocol === "https:" && username === "" && password === "";
}

function toWords(tag: string, attributes: Attributes, tools: Tools): ComponentChild {
  const { at, n, unit, key } = attributes;
  const keyed = key === undefined ? {} : { key };
  if (tag === "rv-number" || tag === "rv-bytes") {
    if (typeof n !== "number" || !Number.isFinite(n)) return null;
    if (tag === "rv-bytes") return h("span", keyed, tools.words.bytes(n));
    return h("span", keyed, tools.words.number(n, UNITS.has(unit) ? String(unit) : undefined));
  }
  // Beyond these ends there is no date.
  if (typeof at !== "number" || !(Math.abs(at) <= 8.64e15)) return null;
  const words = tag === "rv-until" ? "until" : tag === "rv-ago" ? "ago" : "when";
  return h(TickingTime, { ...keyed, at, words, tools });
}

interface TimeProps {
  at: number;
  words: "until" | "ago" | "when";
  tools: Tools;
}

/** A `<time>` that rewords itself when its text is no longer true. */
class TickingTime extends Component<TimeProps> {
  due = Infinity;
  #stop: (() => void) | undefined;

  override componentDidMount(): void {
    this.#stop = this.props.tools.ticker.add(this);
  }

  override componentWillUnmount(): void {
    this.#stop?.();
  }

  tick(): void {
    if (Date.now() >= this.due) this.setState({});
  }

  override render(): ComponentChild {
    const { at, words, tools } = this.props;
    const now = Date.now();
    const wording: Wording = tools.words[words](at, now);
    this.due = now + wording.changesIn;
    return h("time", { dateTime: new Date(at).toISOString() }, wording.text);
  }
}

/** What has the focus now, and where it goes if its control is gone after the patch. */
function heldFocus(root: ShadowRoot): { restore(cameFrom: EventTarget | undefined): void } | null {
  const held = root.activeElement;
  if (!held) return null;
  const control = `[data-action="${CSS.escape(held.getAttribute("data-action") ?? "")}"]`;
  const row = held.closest("[data-topic]");
  const place = row ? [...root.querySelectorAll("[data-topic]")].indexOf(row) : -1;
  return {
    restore(cameFrom) {
      if (held.isConnected) return;
      const rows = root.querySelectorAll("[data-topic]");
      const around = place < 0 ? root : rows[Math.min(place, rows.length - 1)];
      const heading = root.querySelector("h2");
      if (heading) heading.tabIndex = -1; // takes the focus from here, not by Tab
      const next = around?.querySelector(control) ?? heading ?? cameFrom;
      if (next instanceof HTMLElement && next.isConnected) next.focus({ preventScroll: true });
    },
  };
}

function languageOf(tree: unknown): string {
  const lang: unknown = Array.isArray(tree) ? tree[1]?.lang : undefined;
  return typeof lang === "string" ? lang : "en";
}
