/**
 * The SDK's maps as one page reads and writes them (sdk-merge.ts says how): what the page last read or wrote of each is
 * kept here, for its next write to be compared with.
 *
 * At its start the client reads map after map and deletes a session for which it has seen no symKey. Another page may
 * write between two reads; so what is read first is taken from one moment.
 */
import type { SdkDisk, Snapshot } from "./sdk-disk.ts";
import { merge, type Parts, parts, shapeOf, whole } from "./sdk-merge.ts";

/** How long a start may take, ms, within which all first reads see one moment. */
const START_MS = 1_000;

const UNKNOWN_FORM =
  "A map of the wallet connection had a form that is not known; what was there is kept aside.";

/** What of a session is looked at here. */
interface Listed {
  readonly topic: string;
  readonly relay?: object;
  readonly transportType?: string;
}

export class SdkMaps {
  readonly #tell: (notice: string) => void;
  /** What this page's client has in memory, as far as known. */
  readonly #bases = new Map<string, Parts>();
  /** What was read again later: the client may have taken it in, or not. */
  readonly #later = new Map<string, Parts>();
  /** Subscriptions that the client was given beside those that lie there. */
  readonly #unheard = new Map<string, Parts>();
  #moment: { readonly at: number; readonly snapshot: Promise<Snapshot> } | undefined;

  constructor(tell: (notice: string) => void) {
    this.#tell = tell;
  }

  /** Whether the value under `key` is a map that is merged. */
  merges(key: string): boolean {
    return shapeOf(key) !== undefined;
  }

  async read(disk: SdkDisk, key: string): Promise<unknown> {
    const shape = shapeOf(key)!;
    const base = this.#bases.get(key);
    // A client that connects again reads its subscriptions again. Those of other pages are not for it: it would end
    // them for want of their sessions.
    if (base && shape.name === "subscription") {
      return whole(shape, new Map([...(this.#unheard.get(key) ?? []), ...base]));
    }
    const value = base ? (await disk.read(key))?.value : await this.#first(disk, key);
    const found = parts(shape, value);
    if (found) (base ? this.#later : this.#bases).set(key, found);
    return found && shape.name === "subscription" ? this.#withSessions(disk, key, value) : value;
  }

  /**
   * Adds the sessions that nobody listens to: the SDK subscribes what stands in this list and nothing else. A client
   * that starts while another page settles a session may have ended its subscription as an orphan.
   */
  async #withSessions(disk: SdkDisk, key: string, value: unknown): Promise<unknown> {
    const sessions = await this.#first(disk, key.replace("core", "client").replace(/\w+$/, "session"));
    const known = (value ?? []) as { topic: string }[];
    const topics = new Set(known.map(({ topic }) => topic));
    const listed = (Array.isArray(sessions) ? sessions : []).filter((session): session is Listed => session !== null);
    const unheard = listed.filter(({ topic, relay, transportType }) => {
      return relay && transportType !== "link_mode" && !topics.has(topic);
    });
    if (unheard.length === 0) return value;
    const added = unheard.map(({ topic, relay }) => ({ topic, relay, id: topic }));
    this.#unheard.set(key, parts(shapeOf(key)!, added)!);
    return [...known, ...added];
  }

  async write(disk: SdkDisk, key: string, value: unknown): Promise<void> {
    const shape = shapeOf(key)!;
    const next = parts(shape, value);
    if (!next) return this.#overwrite(disk, key, value);
    let copied = false;
    for (;;) {
      let odd = false;
      await disk.change(key, (entry) => {
        const there = parts(shape, entry?.value);
        odd = !there && !copied;
        if (odd) return undefined;
        const stored = there ?? new Map<string, string>();
        const base = this.#base(key, next) ?? (value === undefined ? stored : new Map<string, string>());
        const { entries, tombstones } = merge(base, next, stored, entry?.tombstones ?? new Map(), Date.now());
        return { value: value === undefined && entries.size === 0 ? undefined : whole(shape, entries), tombstones };
      });
      if (!odd) break;
      await disk.keepCopy(key);
      this.#tell(UNKNOWN_FORM);
      copied = true;
    }
    this.#bases.set(key, next);
    this.#later.delete(key);
    this.#unheard.delete(key);
  }

  /** What the client has read or written before, where it shows that it knows it. */
  #base(key: string, next: Parts): Parts | undefined {
    const base = this.#bases.get(key);
    const later = this.#later.get(key);
    if (!base || !later) return base;
    const took = [...later.keys()].some((id) => !base.has(id) && next.has(id));
    return took ? new Map([...base, ...later]) : base;
  }

  /** A value of another form than the SDK's maps have: it is written as it is, and what it would end is kept aside. */
  async #overwrite(disk: SdkDisk, key: string, value: unknown): Promise<void> {
    const entry = await disk.read(key);
    if (entry?.value !== undefined) {
      await disk.keepCopy(key);
      this.#tell(UNKNOWN_FORM);
    }
    await disk.write(key, value);
    this.#bases.delete(key);
    this.#later.delete(key);
  }

  /** Returns the value as it lay there when the first of all maps was read. */
  async #first(disk: SdkDisk, key: string): Promise<unknown> {
    const now = performance.now();
    if (!this.#moment || now - this.#moment.at > START_MS) this.#moment = { at: now, snapshot: disk.readAll() };
    const { entries, unreadable } = await this.#moment.snapshot;
    const found = entries.find((entry) => entry.key === key);
    if (found || unreadable.length === 0) return found && structuredClone(found.value);
    return (await disk.read(key))?.value; // it may be this one that cannot be read, which has to be told
  }
}
