/**
 * An idb-keyval store whose writes are on disk when they resolve: with the default durability a browser that is killed
 * within seconds of a write may lose it.
 */
import { createStore, type UseStore } from "idb-keyval";

const STORE = "entries";

/** How long IndexedDB may take for anything, ms. It blocks for ever in some private modes and on broken profiles. */
export const INDEXED_DB_LIMIT_MS = 5_000;

/** Returns a store of its own in the database of that name. Nothing is opened before its first use. */
export function durableStore(database: string): UseStore {
  const base = createStore(database, STORE);
  return async (mode, callback) => {
    // idb-keyval owns the connection but opens transactions without options; it lends us the connection.
    const connection = await base("readonly", (store) => store.transaction.db);
    return callback(connection.transaction(STORE, mode, { durability: "strict" }).objectStore(STORE));
  };
}
