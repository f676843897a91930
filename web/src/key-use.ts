/**
 * Who uses the keys: they are loaded for the first user and let go of after the last one, with their locks, their
 * channel and their database. Keys that die with the page are never let go of: what they sealed would be lost.
 */
import type { Keys } from "./keys.ts";

export interface KeyUse {
  readonly keys: Keys;
  /** Ends this use. A second call does nothing. */
  close(): void;
}

/** What there is to let go of. */
export interface LoadedKeys extends Keys {
  close(): void;
}

/** Returns what begins a use of the keys that `load` loads. What `load` rejects with, every use rejects with. */
export function lending(load: () => Promise<LoadedKeys>): () => Promise<KeyUse> {
  let loading: Promise<LoadedKeys> | undefined;
  let users = 0;
  return async () => {
    users += 1;
    const keys = await (loading ??= load());
    let isOver = false;
    const close = (): void => {
      if (isOver) return;
      isOver = true;
      users -= 1;
      if (users > 0 || !keys.persistent) return;
      loading = undefined;
      keys.close();
    };
    return { keys, close };
  };
}

/** What can be said of the keys while nobody has them. */
type Known = Pick<Keys, "persistent" | "keyId" | "createdAt" | "ids">;

/** The use of the keys by one who lets go of them now and then: the next work begins it anew. */
export class KeyHold {
  readonly #open: () => Promise<KeyUse>;
  #use: KeyUse | undefined;
  #last: Known;
  #closings = 0;

  constructor(open: () => Promise<KeyUse>, first: KeyUse) {
    this.#open = open;
    this.#use = first;
    this.#last = plain(first.keys);
  }

  /** Of the keys that are held; while there are none, what was last known of them. */
  get known(): Known {
    return this.#use?.keys ?? this.#last;
  }

  /** Does `work` with the keys, which are not let go of before it has ended. */
  async during<T>(work: (keys: Keys) => Promise<T>): Promise<T> {
    const closings = this.#closings;
    const use = await this.#open();
    try {
      await this.#keep(closings);
      return await work(use.keys);
    } finally {
      if (!this.#use) this.#last = plain(use.keys); // closed meanwhile
      use.close();
    }
  }

  /** Lets the keys go, at once or when the last work has ended. */
  close(): void {
    this.#closings += 1;
    if (!this.#use) return;
    this.#last = plain(this.#use.keys);
    this.#use.close();
    this.#use = undefined;
  }

  /** Begins the use that outlasts the work, unless it was closed since. */
  async #keep(closings: number): Promise<void> {
    if (this.#use) return;
    const use = await this.#open();
    if (this.#use || closings !== this.#closings) use.close();
    else this.#use = use;
  }
}

function plain({ persistent, keyId, createdAt, ids }: Keys): Known {
  return { persistent, keyId, createdAt, ids };
}
