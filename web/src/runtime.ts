/**
 * The page's one runtime: starts Python when it is first needed, sends it commands, hands out what it publishes.
 * Everything crosses as JSON messages in one pipe; the other end is renvault_web/gateway.py.
 */
import { boot, type Receive } from "./boot.ts";
import { createBridge, type Bridge } from "./bridge.ts";
import type { Mount, MountKind, Tree, ViewAction, ViewHost, ViewOptions } from "./elements.ts";
import { rememberStatus } from "./last-status.ts";
import { RenvaultError } from "./types.ts";
import { View, type Change, type State } from "./view.ts";
import { WalletAdapter } from "./wallet.ts";

type Answer = { value?: unknown; error?: { code: string; message: string } };

type Message =
  | ({ type: "answer"; id: number } & Answer)
  | { type: "state"; sections: Partial<State>; events: { service: string; name: string; payload: unknown }[] }
  | { type: "tree"; mount: string; tree: Tree }
  | { type: "element"; mount: string; name: string; detail: unknown };

interface MountRecord {
  kind: MountKind;
  options: ViewOptions;
  onTree(tree: Tree): void;
  onEvent(name: string, detail: unknown): void;
  onFailure(error: Error): void;
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
  #adapters = new WeakMap<object, { adapter: WalletAdapter; key: number }>();
  #adapter: WalletAdapter | undefined;

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
    const running = this.#call(method, args).finally(() => {
      settle?.();
      this.#running.delete(running);
    });
    this.#running.add(running);
    return running;
  }

  /** Resolves when every command given so far has been answered, however it ended. */
  async flush(): Promise<void> {
    await Promise.allSettled([...this.#running]);
  }

  /** Adopts the host's client and lets Python `initialize` on it. The same client again joins. */
  initialize(method: string, client: unknown, ...args: unknown[]): Promise<void> {
    return this.#inOrder(() => this.#initialize(method, client, args));
  }

  /** Lets Python end what `initialize` began; where Python was never started there is nothing to end. */
  destroy(method: string): Promise<void> {
    return this.#inOrder(async () => {
      if (this.#started) await this.call(method);
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

  mount(
    kind: MountKind,
    options: ViewOptions,
    onTree: (tree: Tree) => void,
    onEvent: (name: string, detail: unknown) => void,
    onFailure: (error: Error) => void,
  ): Mount {
    const id = `${kind}-${++this.#lastId}`;
    const record: MountRecord = { kind, options, onTree, onEvent, onFailure };
    this.#mounts.set(id, record);
    this.#post({ type: "mount", mount: id, kind, options });
    this.start().catch((error: Error) => this.#mounts.get(id)?.onFailure(error));
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
    const page = document.documentElement;
    page.dataset["renvault"] = "booting";
    try {
      const bridge = createBridge((json) => this.#take(JSON.parse(json) as Message));
      this.#receive = await boot(this.#base, bridge);
      this.#bridge = await bridge;
      for (const [id, { kind, options }] of this.#mounts) this.#post({ type: "mount", mount: id, kind, options });
      this.#tellVisibility();
      document.addEventListener("visibilitychange", () => this.#tellVisibility());
      await this.#ask("page.draw", []);
      page.dataset["renvault"] = "ready";
      performance.mark("renvault:ready");
    } catch (error) {
      page.dataset["renvault"] = "failed";
      throw error;
    }
  }

  async #call(method: string, args: unknown[]): Promise<unknown> {
    await this.start();
    return this.#ask(method, args);
  }

  async #ask(method: string, args: unknown[]): Promise<unknown> {
    const id = ++this.#lastId;
    const answer = await new Promise<Answer>((resolve) => {
      this.#answers.set(id, resolve);
      this.#post({ type: "call", id, method, args: JSON.stringify(args) });
    });
    if (answer.error) throw new RenvaultError(answer.error.code, answer.error.message);
    return answer.value;
  }

  /** One after the other, as the host called them: React mounts, unmounts and mounts again without waiting. */
  #inOrder(step: () => Promise<void>): Promise<void> {
    const turn = this.#lifecycle.then(step);
    this.#lifecycle = turn.catch(() => {});
    return turn;
  }

  async #initialize(method: string, client: unknown, args: unknown[]): Promise<void> {
    await this.start();
    const { adapter, key } = await this.#adopt(client);
    const previous = this.#adapter;
    this.#adapter = adapter;
    (this.#bridge as Bridge).wallet = adapter;
    await this.call(method, [key, ...args]);
    if (previous !== adapter) previous?.close();
  }

  async #adopt(client: unknown): Promise<{ adapter: WalletAdapter; key: number }> {
    const known = typeof client === "object" && client ? this.#adapters.get(client) : undefined;
    if (known) return known;
    const adopted = { adapter: await WalletAdapter.adopt(client), key: ++this.#lastId };
    this.#adapters.set(client as object, adopted);
    return adopted;
  }

  #tellVisibility(): void {
    this.#post({ type: "visible", visible: document.visibilityState === "visible" });
  }

  #post(message: object): void {
    this.#receive?.(JSON.stringify(message));
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
        for (const { service, name, payload } of message.events) this.#emit(service, name, payload);
        break;
      case "tree":
        this.#mounts.get(message.mount)?.onTree(message.tree);
        break;
      case "element":
        this.#mounts.get(message.mount)?.onEvent(message.name, message.detail);
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
