/**
 * An idb-keyval store whose writes are on disk when they resolve: with the default durability a browser that is killed
 * within seconds of a write may lose it.
 */
import { createStore, type UseStore } from "idb-keyval";

const STORE = "entries";

const TICK_MS = 500;

/** How many ticks IndexedDB may take for anything: 5 s. It hangs for ever in some private modes and broken profiles. */
const TICKS = 10;

export class Late extends Error {
  override readonly message = `IndexedDB did not answer within ${(TICKS * TICK_MS) / 1000} s.`;
}

/** Settles as `promise` does, or rejects with `Late`. Time that the device sleeps or the page is frozen does not count. */
export function answered<T>(promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    let left = TICKS;
    const timer = setInterval(() => {
      left -= 1;
      if (left > 0) return;
      clearInterval(timer);
      reject(new Late());
    }, TICK_MS);
    promise.then(resolve, reject).then(() => clearInterval(timer));
  });
}

/** Returns a store of its own in the database of that name. Nothing is opened before its first use. */
export function durableStore(database: string): UseStore {
  const base = createStore(database, STORE);
  return async (mode, callback) => {
    // idb-keyval owns the connection but opens transactions without options; it lends us the connection.
    const connection = await base("readonly", (store) => store.transaction.db);
    return callback(connection.transaction(STORE, mode, { durability: "strict" }).objectStore(STORE));
  };
}
