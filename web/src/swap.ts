/** Records of a store written one by one, so that pages that write at the same time undo nothing of each other. */
import { promisifyRequest, type UseStore } from "idb-keyval";

/** A record; undefined for none. */
export type Text = string | undefined;

/** Puts `text` (undefined: nothing) in the place of `seen`; false where something else lies there by now. */
export function swap(store: UseStore, place: string, seen: Text, text: Text): Promise<boolean> {
  return store("readwrite", async (records) => {
    const fits = (await promisifyRequest<unknown>(records.get(place))) === seen;
    if (fits) await put(records, place, text); // in the same transaction: it lives on through resolved promises
    return fits;
  });
}

/** Puts one record and returns when it is on disk. */
export function put(records: IDBObjectStore, place: string, text: Text): Promise<void> {
  if (text === undefined) records.delete(place);
  else records.put(text, place);
  return promisifyRequest(records.transaction);
}
