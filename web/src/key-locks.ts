/**
 * Who may still seal with a key: each page holds a shared Web Lock named after every key that has been its own to seal
 * with, until the page ends. What is on its way to the disk when the page goes over to another key is covered so, and
 * so is a frozen page. A key is deleted only by a page that gets its lock alone.
 */
import { toHex } from "./base64.ts";
import { answered } from "./durable-store.ts";
import type { Bytes } from "./key-store.ts";

/** Whether this browser has Web Locks. Where it has none, no key is ever deleted, and nothing need be held. */
export function hasLocks(): boolean {
  return typeof navigator.locks?.request === "function";
}

export class KeyLocks {
  readonly #granted = new Map<string, Promise<void>>();
  #release = () => {};
  readonly #released = new Promise<void>((resolve) => {
    this.#release = resolve;
  });

  /** Resolves, within a limit, once no other page can delete the key. */
  hold(keyId: Bytes): Promise<void> {
    const name = nameOf(keyId);
    let granted = this.#granted.get(name);
    if (!granted) {
      granted = new Promise((resolve, reject) => {
        const held = navigator.locks.request(name, { mode: "shared" }, () => {
          resolve();
          return this.#released;
        });
        held.catch(reject);
      });
      this.#granted.set(name, granted);
      granted.catch(() => this.#granted.delete(name)); // the next one asks again
    }
    return answered(granted);
  }

  /** Lets go of all of them, for good: the keys are gone. */
  release(): void {
    this.#release();
  }
}

/** Does `work`, which has to end by itself, while no page holds the key; false where one does. */
export async function whileUnheld(keyId: Bytes, work: () => Promise<boolean>): Promise<boolean> {
  if (!hasLocks()) return false;
  const options = { mode: "exclusive", ifAvailable: true } as const;
  return answered(navigator.locks.request(nameOf(keyId), options, (lock) => (lock ? work() : false)));
}

function nameOf(keyId: Bytes): string {
  return `renvault:key:${toHex(keyId)}`;
}
