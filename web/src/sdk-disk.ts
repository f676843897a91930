/**
 * The database of the SDK's store: entries read and written, each change only onto what was seen before it, so that
 * pages that write at the same time lose nothing to each other.
 */
import { clear, entries, get, type UseStore } from "idb-keyval";
import { keepAside } from "./aside.ts";
import { durableStore } from "./durable-store.ts";
import type { KeyUse } from "./key-use.ts";
import { openKeys } from "./keys.ts";
import { type Entry, LostKey, openEntry, placeOf, sealEntry } from "./sdk-record.ts";
import { Foreign, KEY_PREFIX, Sealer } from "./seal.ts";
import { put, swap } from "./swap.ts";

const DAMAGED =
  "An entry of the wallet connection was damaged and is kept aside. You may have to connect your wallet again.";

const LOST =
  "An entry of the wallet connection is kept aside: the key that sealed it is lost. Reconnect your wallet.";

/** How often a change is tried while other pages keep changing the same entry. */
const TRIES = 50;

/** Everything as it lay there at one moment. */
export interface Snapshot {
  readonly entries: readonly Entry[];
  /** Where records lie that cannot be read. */
  readonly unreadable: readonly string[];
}

const stores = new Map<string, UseStore>();

/** Returns the records of `database`, over one connection a page. */
export function sdkStore(database: string): UseStore {
  const store = stores.get(database) ?? durableStore(`${database}-sdk`);
  stores.set(database, store);
  return store;
}

/** How often a database was forgotten by this page. */
const forgotten = new Map<string, number>();

/** Deletes every record. Whoever has the database open in this page writes to it no more. */
export async function forgetSdkStore(database: string): Promise<void> {
  forgotten.set(database, (forgotten.get(database) ?? 0) + 1);
  await clear(sdkStore(database));
}

export class SdkDisk {
  readonly store: UseStore;
  readonly sealer: Sealer;
  readonly #use: KeyUse;
  readonly #database: string;
  readonly #times: number | undefined;
  readonly #tell: (notice: string) => void;
  readonly #places = new Map<string, Promise<string>>();

  private constructor(database: string, use: KeyUse, tell: (notice: string) => void) {
    this.#database = database;
    this.#times = forgotten.get(database);
    this.store = sdkStore(database);
    this.#use = use;
    this.sealer = new Sealer(use.keys);
    this.#tell = tell;
  }

  /** Opens the keys for good; rejects where they do not last, for then nothing may be sealed by them. */
  static async open(database: string, tell: (notice: string) => void = () => {}): Promise<SdkDisk> {
    const use = await openKeys({ database });
    if (use.keys.persistent) return new SdkDisk(database, use, tell);
    use.close();
    throw new Error(use.keys.problem ?? "");
  }

  /** Does `work` on the disk, and lets go of the keys once that has ended. */
  static async during<T>(database: string, work: (disk: SdkDisk) => Promise<T>): Promise<T> {
    const disk = await SdkDisk.open(database);
    return work(disk).finally(() => disk.#use.close());
  }

  /** Whether its records were deleted since it was opened, so that nothing of them may come back. */
  get isForgotten(): boolean {
    return forgotten.get(this.#database) !== this.#times;
  }

  place(key: string): Promise<string> {
    const place = this.#places.get(key) ?? placeOf(this.sealer, key);
    this.#places.set(key, place);
    return place;
  }

  /** Returns an entry. A damaged one, or one whose key is lost, is kept aside; at a foreign one it throws. */
  async read(key: string): Promise<Entry | undefined> {
    return this.readAt(await this.place(key));
  }

  /** The same by its place; a record that is none of the SDK's entries has its place for its key. */
  async readAt(place: string): Promise<Entry | undefined> {
    return this.#opened(place, await get<string>(place, this.store));
  }

  /** Returns every entry. Nothing is moved. */
  async readAll(): Promise<Snapshot> {
    const all = await entries<string, string>(this.store);
    const records = all.filter(([place]) => place.startsWith(KEY_PREFIX));
    const opened = await Promise.all(
      records.map(([place, text]) =>
        openEntry(this.sealer, place, text).catch((error: unknown) => {
          if (!(error instanceof LostKey || error instanceof Foreign)) throw error;
          return undefined;
        }),
      ),
    );
    return {
      entries: opened.filter((entry) => entry !== undefined),
      unreadable: records.filter((_, at) => !opened[at]).map(([place]) => place),
    };
  }

  /** Writes over whatever lies there; undefined removes it. */
  async write(key: string, value: unknown): Promise<void> {
    await this.writeAt(await this.place(key), { key, value, tombstones: new Map() });
  }

  /** The same by its place. */
  async writeAt(place: string, entry: Entry): Promise<void> {
    const text = entry.value === undefined ? undefined : await sealEntry(this.sealer, place, entry);
    await this.store("readwrite", (records) => put(records, place, text));
  }

  /**
   * Writes what `decide` makes of the entry as it is, and again where another page was faster; nothing where it returns
   * undefined. `decide` may be called several times.
   */
  async change(key: string, decide: (entry: Entry | undefined) => Omit<Entry, "key"> | undefined): Promise<void> {
    const place = await this.place(key);
    for (let tries = 0; tries < TRIES; tries += 1) {
      const seen = await get<string>(place, this.store);
      const next = decide(await this.#opened(place, seen));
      if (!next) return;
      const empty = next.value === undefined && next.tombstones.size === 0;
      const text = empty ? undefined : await sealEntry(this.sealer, place, { key, ...next });
      if (await swap(this.store, place, seen, text)) return;
    }
    throw new Error("Other pages keep changing what is to be written.");
  }

  /** Keeps a copy of the entry's record as it is, before a value of another form takes its place. */
  async keepCopy(key: string): Promise<void> {
    const place = await this.place(key);
    const text = await get<string>(place, this.store);
    if (text !== undefined) await keepAside(this.store, place, text);
  }

  async #opened(place: string, text: string | undefined): Promise<Entry | undefined> {
    if (text === undefined) return undefined;
    let notice = DAMAGED;
    try {
      const entry = await openEntry(this.sealer, place, text);
      if (entry) return entry;
    } catch (error) {
      if (!(error instanceof LostKey)) throw error;
      notice = LOST;
    }
    await keepAside(this.store, place, text);
    this.#tell(notice);
    return undefined;
  }
}
