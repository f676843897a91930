/** Text by key, synchronous: localStorage, or a memory where the browser keeps it from us. */

/** What a write ended with; Python makes its errors of these words (renvault_web/browser/adapters.py). */
export type WriteOutcome = "" | "full" | `failed: ${string}`;

export interface TextStorage {
  readonly persistent: boolean;
  get(key: string): string | null;
  set(key: string, value: string): WriteOutcome;
  remove(key: string): void;
  keys(): string[];
}

const PROBE = "rv.probe";

/**
 * Returns localStorage where it works and is wanted, else a memory that lives as long as the page. Once it is wanted no
 * more, what is written goes to such a memory before it.
 */
export function openStorage(wanted: () => boolean): TextStorage {
  const local = wanted() ? usableLocalStorage() : null;
  return local ? fromStorage(local, wanted) : inMemory();
}

/**
 * Tells of what other pages wrote under keys with `prefix`, or cleared: the browser knows of it even where that page
 * ended before it could tell, or was not one of ours. The returned function ends it.
 */
export function onForeignChange(prefix: string, listener: () => void): () => void {
  const owner = new AbortController();
  addEventListener(
    "storage",
    ({ key }) => {
      if (key === null || key.startsWith(prefix)) listener();
    },
    { signal: owner.signal },
  );
  return () => owner.abort();
}

function usableLocalStorage(): Storage | null {
  try {
    const local = globalThis.localStorage; // reading the property throws where site data is blocked
    local.setItem(PROBE, "1");
    const works = local.getItem(PROBE) === "1";
    local.removeItem(PROBE);
    return works ? local : null;
  } catch (error) {
    // A full store is still a good one to read from and to remove from.
    return isQuotaError(error) ? globalThis.localStorage : null;
  }
}

function fromStorage(local: Storage, wanted: () => boolean): TextStorage {
  const memory = inMemory();
  return {
    get persistent() {
      return wanted();
    },
    get: (key) => memory.get(key) ?? local.getItem(key),
    set(key, value) {
      if (!wanted()) return memory.set(key, value);
      try {
        local.setItem(key, value);
        return "";
      } catch (error) {
        return isQuotaError(error) ? "full" : `failed: ${error instanceof Error ? error.message : "unknown"}`;
      }
    },
    remove(key) {
      memory.remove(key);
      local.removeItem(key);
    },
    keys: () => [...new Set([...Object.keys(local), ...memory.keys()])],
  };
}

function inMemory(): TextStorage {
  const entries = new Map<string, string>();
  return {
    persistent: false,
    get: (key) => entries.get(key) ?? null,
    set(key, value) {
      entries.set(key, value);
      return "";
    },
    remove: (key) => void entries.delete(key),
    keys: () => [...entries.keys()],
  };
}

function isQuotaError(error: unknown): boolean {
  return error instanceof DOMException && (error.name === "QuotaExceededError" || error.code === 22);
}
