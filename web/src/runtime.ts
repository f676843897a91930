/**
 * The page's one runtime: starts Python when it is first needed, sends it commands, hands out what it publishes.
 * Everything crosses as JSON messages in one pipe; the other end is renvault_web/gateway.py.
 */
import { boot, type Receive } from "./boot.ts";
import { createBridge, type Bridge } from "./bridge.ts";
import type { Mount, MountKind, ViewAction, ViewHost, ViewOptions, ViewSink } from "./elements.ts";
import { rememberStatus } from "./last-status.ts";
import { within } from "./limit.ts";
import { keepData } from "./persist.ts";
import { RenvaultError } from "./types.ts";
import { View, type Change, type State } from "./view.ts";
import { WalletAdapter } from "./wallet.ts";

/** How long the first drawing may take, ms; it takes a few. */
const DRAW_LIMIT_MS = 10_000;

/** An element in the page starts Python when the host is idle, at the latest after this, ms. */
const IDLE_LIMIT_MS = 2_000;

type Answer = { value?: unknown; error?: { code: string; message: string } };

type Message =
  | ({ type: "answer"; id: number } & Answer)
  | { type: "state"; sections: Partial<State>; events: { service: string; name: string; payload: unknown }[] }
  | { type: "tree"; mount: string; tree: unknown }
  | { type: "element"; mount: string; name: string; detail: unknown };

interface MountRecord {
  readonly kind: MountKind;
  readonly sink: ViewSink;
  options: ViewOptions;
}

export class Runtime implements ViewHost {
  readonly view = new View();
  #base: URL;
  #started: Promise<void> | undefined;
  #bridge: Bridge | undefined;
  #receive: Receive | undefined;
  #lifecycle: Promise<void> = Promise.resolve();
  #lastId = 0;
  #answers = new Map<number, (answer: Answer) => void>();
  #running = new Set<Promise<unknown>>();
  #mounts = new Map<string, MountRecord>();
  #listeners = new Map<string, Set<(payload: never) => void>>();

  constructor(base: URL) {
    this.#base = base;
  }

  /** Where the runtime's files lie; only before the start. */
  set base(base: URL) {
    if (this.#started) throw new RenvaultError("config", "configure({baseUrl}) must come before the first use.");
    this.#base = base;
  }

  /** Resolves when Python is up; rejects with the cause. The first call starts it. */
  start(): Promise<void> {
    this.#started ??= this.#boot();
    return this.#started;
  }

  /** Asks Python to do `method`; `change` shows meanwhile what it will have done. */
  call(method: string, args: unknown[] = [], change?: Change): Promise<unknown> {
    const settle = change ? this.view.expect(change) : undefined;
    const running = this.start()
      .then(() => this.#ask(method, args))
      .finally(() => {
        settle?.();
        this.#running.delete(running);
      });
    this.#running.add(running);
    return running;
  }

  /** Resolves when everything asked for so far has ended, however it ended. */
  async flush(): Promise<void> {
    await this.#lifecycle;
    await Promise.allSettled([...this.#running]);
  }

  /** Adopts the host's client and lets Python `initialize` on it. The same client again joins. */
  initialize(method: string, client: unknown, ...args: unknown[]): Promise<void> {
    return this.#inOrder(async () => {
      await this.start();
      const adapter = await WalletAdapter.adopt(client);
      (this.#bridge as Bridge).wallet = adapter;
      await this.call(method, [adapter.key, ...args]);
    });
  }

  /** Lets Python end what `initialize` began; where Python is not up there is nothing to end. */
  destroy(method: string): Promise<void> {
    return this.#inOrder(async () => {
      await this.#started?.catch(() => {});
      if (this.#receive) await this.call(method);
    });
  }

  /** Listens to what a service tells; the returned function ends it. */
  on<Payload>(service: string, name: string, listener: (payload: Payload) => void): () => void {
    const key = `${service} ${name}`;
    const listeners = this.#listeners.get(key) ?? new Set();
    this.#listeners.set(key, listeners.add(listener));
    return () => void listeners.delete(listener);
  }

  off<Payload>(service: string, name: string, listener: (payload: Payload) => void): void {
    this.#listeners.get(`${service} ${name}`)?.delete(listener);
  }

  mount(kind: MountKind, options: ViewOptions, sink: ViewSink): Mount {
    const id = `${kind}-${++this.#lastId}`;
    const record: MountRecord = { kind, options, sink };
    this.#mounts.set(id, record);
    this.#post({ type: "mount", mount: id, kind, options });
    // A page that has just loaded our module may still want to configure it, and has work of its own to do.
    whenIdle(() => {
      if (this.#mounts.has(id)) this.start().catch((error: Error) => this.#mounts.get(id)?.sink.failure(error));
    });
    return {
      act: (action: ViewAction) => this.#post({ type: "act", mount: id, action }),
      update: (changed: ViewOptions) => {
        record.options = changed;
        this.#post({ type: "mount", mount: id, kind, options: changed });
      },
      unmount: () => {
        this.#mounts.delete(id);
        this.#post({ type: "unmount", mount: id });
      },
    };
  }

  async #boot(): Promise<void> {
    const page = document.documentElement.dataset;
    page["renvault"] = "booting";
    try {
      const bridge = createBridge((json) => this.#take(JSON.parse(json) as Message));
      this.#receive = await boot(this.#base, bridge);
      this.#bridge = await bridge;
      for (const [id, { kind, options }] of this.#mounts) this.#post({ type: "mount", mount: id, kind, options });
      this.#tellVisibility();
      document.addEventListener("visibilitychange", () => this.#tellVisibility());
      addEventListener("pagehide", () => rememberStatus(this.view.state, { anew: true }));
      const late = () => new RenvaultError("boot", "Python is up, but draws nothing. Reload the page.");
      await within(DRAW_LIMIT_MS, this.#ask("page.draw", []), late);
      page["renvault"] = "ready";
      performance.mark("renvault:ready");
      // What the first picture did not need; a part that fails there is a problem that Python tells.
      whenIdle(() => this.#ask("page.startLate", []).catch(() => {}));
    } catch (error) {
      page["renvault"] = "failed";
      throw error;
    }
  }

  /** One after the other, as the host called them: React mounts, unmounts and mounts again without waiting. */
  #inOrder(step: () => Promise<void>): Promise<void> {
    const turn = this.#lifecycle.then(step);
    this.#lifecycle = turn.catch(() => {});
    return turn;
  }

  async #ask(method: string, args: unknown[]): Promise<unknown> {
    const text = asJson(method, args);
    const id = ++this.#lastId;
    const answer = await new Promise<Answer>((resolve) => {
      this.#answers.set(id, resolve);
      this.#post({ type: "call", id, method, args: text });
    });
    if (answer.error) throw new RenvaultError(answer.error.code, answer.error.message);
    return answer.value;
  }

  #tellVisibility(): void {
    this.#post({ type: "visible", visible: document.visibilityState === "visible" });
  }

  #post(message: object): void {
    try {
      this.#receive?.(JSON.stringify(message));
    } catch (cause) {
      // Python's end takes every message; an exception here means that Python itself has ended.
      this.#end(new RenvaultError("boot", "Python has ended. Reload the page; what was stored is safe.", { cause }));
    }
  }

  /** Leaves nobody waiting for a Python that answers no more. */
  #end(error: RenvaultError): void {
    this.#receive = undefined;
    this.#started = Promise.reject(error);
    this.#started.catch(() => {});
    document.documentElement.dataset["renvault"] = "failed";
    for (const resolve of this.#answers.values()) resolve({ error });
    this.#answers.clear();
    for (const { sink } of this.#mounts.values()) sink.failure(error);
  }

  #take(message: Message): void {
    switch (message.type) {
      case "answer":
        this.#answers.get(message.id)?.(message);
        this.#answers.delete(message.id);
        break;
      case "state":
        this.view.apply(message.sections);
        rememberStatus(this.view.state);
        if (this.view.state.stored.length > 0) keepData();
        for (const { service, name, payload } of message.events) this.#emit(service, name, payload);
        break;
      case "tree":
        this.#mounts.get(message.mount)?.sink.tree(message.tree);
        break;
      case "element":
        this.#mounts.get(message.mount)?.sink.event(message.name, message.detail);
        break;
    }
  }

  #emit(service: string, name: string, payload: unknown): void {
    for (const listener of [...(this.#listeners.get(`${service} ${name}`) ?? [])]) {
      try {
        listener(payload as never);
      } catch (error) {
        reportError(error); // the host's own mistake: told where the host looks, and the next listener goes on
      }
    }
  }
}

function asJson(method: string, args: unknown[]): string {
  try {
    return JSON.stringify(args);
  } catch (cause) {
    throw new RenvaultError("config", `What ${method} was given cannot be written as JSON.`, { cause });
  }
}

function whenIdle(work: () => void): void {
  if (typeof requestIdleCallback === "function") requestIdleCallback(work, { timeout: IDLE_LIMIT_MS });
  else setTimeout(work);
}
