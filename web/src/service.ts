/** What the services share: the page's one runtime, and how a value read from it stays the same object. */
import { Runtime } from "./runtime.ts";
import { unchanged } from "./unchanged.ts";
import type { Session } from "./types.ts";
import { sameList } from "./view.ts";

export const runtime = new Runtime(new URL("./", import.meta.url));

/** The result of `derive`, computed anew only for a source not seen before: so that equal reads are `===`. */
export function derived<Source extends object, Result>(derive: (source: Source) => Result): (source: Source) => Result {
  const results = new WeakMap<Source, Result>();
  return (source) => {
    if (!results.has(source)) results.set(source, derive(source));
    return results.get(source) as Result;
  };
}

/** A memory of one value: it stays the same object as long as what it is computed to says the same. */
export function steady<Value>(): (now: Value) => Value {
  let kept: Value | undefined;
  return (now) => (kept = unchanged(kept, now));
}

/** A memory of one list: it stays the same as long as the same objects are in it. */
export function steadyList<Item>(): (now: readonly Item[]) => readonly Item[] {
  let kept: readonly Item[] = Object.freeze([]);
  return (now) => (kept = sameList(kept, now));
}

/** The known session with the topic. */
export function find(topic: string): Session | undefined {
  return runtime.view.state.sessions.find((session) => session.topic === topic);
}

/** What every service has. */
export abstract class Service {
  /** Resolves when Python is up and commands are accepted; rejects with the cause. */
  ready(): Promise<void> {
    return runtime.start();
  }

  /** Resolves when every command given so far has ended. */
  flush(): Promise<void> {
    return runtime.flush();
  }
}
