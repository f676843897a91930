/**
 * The two custom elements: `<renvault-reconnect-banner>` and `<renvault-session-dashboard>`. They read attributes,
 * show the trees that a `ViewHost` (the runtime) hands them, and pass clicks back; what to show is decided in Python
 * (`renvault_web/views`). Nothing here touches the page when the module is imported.
 */
import { readKnownStatus } from "./last-status.ts";
import { type Action, type MountedTree, mountTree } from "./render.ts";
import { bannerSheets, dashboardSheets } from "./styles.ts";

export const BANNER = "renvault-reconnect-banner";
export const DASHBOARD = "renvault-session-dashboard";

export type MountKind = "banner" | "dashboard";

/** A node tree as Python sent it; `render.ts` trusts nothing in it. */
export type Tree = unknown;

export type ViewAction = Action;

/** Attributes as typed values, in JavaScript's names and units; what is absent has Python's default. */
export type ViewOptions = Record<string, boolean | number>;

/** One shown view, as its host keeps it. */
export interface Mount {
  act(action: ViewAction): void;
  update(options: ViewOptions): void;
  unmount(): void;
}

/** Where trees come from and actions go to. */
export interface ViewHost {
  mount(kind: MountKind, options: ViewOptions, sink: ViewSink): Mount;
}

/** What a shown view is told. */
export interface ViewSink {
  tree(tree: Tree): void;
  event(name: string, detail: unknown): void;
  /** No tree will come any more. */
  failure(error: Error): void;
}

/** What an element is made of. */
interface Design {
  readonly kind: MountKind;
  readonly flags: Readonly<Record<string, string>>;
  readonly durations: Readonly<Record<string, string>>;
  sheets(): CSSStyleSheet[];
  /** Shown until the first tree arrives. */
  waiting(): Tree;
  /** Shown when no tree will arrive. */
  failed(error: Error): Tree;
}

const NOTHING: Tree = null;

const BANNER_DESIGN: Design = {
  kind: "banner",
  flags: { enabled: "enabled", "auto-hide": "autoHide" },
  durations: { "hide-delay": "hideDelay" },
  sheets: bannerSheets,
  waiting: () => NOTHING,
  failed: () => NOTHING,
};

const DASHBOARD_DESIGN: Design = {
  kind: "dashboard",
  flags: { enabled: "enabled", "show-details": "showDetails" },
  durations: { "refresh-interval": "refreshInterval" },
  sheets: dashboardSheets,
  waiting: () => {
    const count = readKnownStatus()?.sessions ?? 0;
    const what = count > 1 ? `${count} sessions` : count === 1 ? "session" : "sessions";
    return early(["p", { class: "empty" }, `Loading your ${what}…`]);
  },
  failed: (error) =>
    early([
      "div",
      { class: "problems", role: "status" },
      ["p", {}, `Your sessions cannot be shown. ${error.message}`],
      ["p", { class: "quiet" }, "They are still stored on this device. Reload the page to try again."],
    ]),
};

/** Defines both elements for `host`; where they are defined already, the first definition stays. */
export function defineElements(host: ViewHost): void {
  for (const [name, design] of [
    [BANNER, BANNER_DESIGN],
    [DASHBOARD, DASHBOARD_DESIGN],
  ] as const) {
    if (!customElements.get(name)) customElements.define(name, elementClass(host, design));
  }
}

function elementClass(host: ViewHost, design: Design): CustomElementConstructor {
  return class extends HTMLElement {
    static readonly observedAttributes = [...Object.keys(design.flags), ...Object.keys(design.durations)];

    #shown: MountedTree | undefined;
    #mount: Mount | undefined;

    connectedCallback(): void {
      if (this.#mount) return; // moved: still mounted
      const root = this.shadowRoot ?? this.attachShadow({ mode: "open" });
      root.adoptedStyleSheets = design.sheets();
      const shown = mountTree(root, (action) => this.#mount?.act(action));
      shown.update(this.#isEnabled() ? design.waiting() : NOTHING);
      this.#shown = shown;
      this.#mount = host.mount(design.kind, this.#options(), {
        tree: (tree) => shown.update(tree),
        event: (name, detail) => this.dispatchEvent(new CustomEvent(name, { detail })),
        failure: (error) => shown.update(this.#isEnabled() ? design.failed(error) : NOTHING),
      });
    }

    disconnectedCallback(): void {
      // Whoever moves an element takes it out and puts it in again at once: that ends nothing.
      queueMicrotask(() => {
        if (this.isConnected) return;
        this.#mount?.unmount();
        this.#shown?.unmount();
        this.#mount = this.#shown = undefined;
      });
    }

    attributeChangedCallback(): void {
      this.#mount?.update(this.#options());
    }

    #isEnabled(): boolean {
      return this.getAttribute("enabled") !== "false";
    }

    #options(): ViewOptions {
      const options: ViewOptions = {};
      for (const [attribute, name] of Object.entries(design.flags)) {
        const text = this.getAttribute(attribute);
        if (text !== null) options[name] = text !== "false";
      }
      for (const [attribute, name] of Object.entries(design.durations)) {
        const text = this.getAttribute(attribute)?.trim();
        // What is no number of ms is left out: the default holds.
        if (text && Number.isFinite(Number(text))) options[name] = Number(text);
      }
      return options;
    }
  };
}

/** The dashboard's frame around one thing, while there is no Python to draw it. */
function early(content: Tree): Tree {
  const title = ["header", {}, ["h2", { id: "title" }, "Wallet sessions"]];
  return ["section", { class: "dashboard early", lang: "en", dir: "ltr", "aria-labelledby": "title" }, title, content];
}
