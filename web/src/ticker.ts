/**
 * One timer for all the clocks of a root: it sleeps until the first of them changes its text, and not at all while
 * the page is hidden.
 */

/** No sleep is longer: a device that slept, or a clock that was set, is noticed within this time, ms. */
const LONGEST_SLEEP_MS = 60_000;

export interface Clock {
  /** Epoch ms at which the clock's text changes next. */
  readonly due: number;
  tick(): void;
}

export class Ticker {
  readonly #clocks = new Set<Clock>();
  readonly #owner = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    document.addEventListener("visibilitychange", () => this.#run(), { signal: this.#owner.signal });
  }

  /** Lets `clock` tick until the returned function is called. */
  add(clock: Clock): () => void {
    this.#clocks.add(clock);
    this.schedule();
    return () => {
      this.#clocks.delete(clock);
      this.schedule();
    };
  }

  /** Looks again at what is due first: a clock was added, removed or set. */
  schedule(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (document.hidden || this.#owner.signal.aborted) return;
    let due = Infinity;
    for (const clock of this.#clocks) due = Math.min(due, clock.due);
    if (due === Infinity) return;
    const wait = Math.min(LONGEST_SLEEP_MS, Math.max(0, due - Date.now()));
    this.#timer = setTimeout(() => this.#run(), wait);
  }

  close(): void {
    this.#owner.abort();
    this.schedule();
  }

  #run(): void {
    for (const clock of this.#clocks) clock.tick();
    this.schedule();
  }
}
