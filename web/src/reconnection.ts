/** `automaticReconnectionService`: the relay connection, its schedule and its state. */
import { aFunction, anObject, aText } from "./arguments.ts";
import { runtime, Service } from "./service.ts";
import type { ReconnectionConfig, ReconnectionEventName, ReconnectionStatus } from "./types.ts";

/** Reconnection with a schedule that can be seen. */
export class AutomaticReconnectionService extends Service {
  static #instance: AutomaticReconnectionService | undefined;

  static getInstance(): AutomaticReconnectionService {
    return (this.#instance ??= new AutomaticReconnectionService());
  }

  async initialize(client: unknown, config: Partial<ReconnectionConfig> = {}): Promise<void> {
    await runtime.initialize("reconnection.initialize", client, anObject("config", config));
  }

  on(name: ReconnectionEventName, listener: (status: ReconnectionStatus) => void): () => void {
    return runtime.on("reconnection", aText("name", name), aFunction("listener", listener));
  }

  off(name: ReconnectionEventName, listener: (status: ReconnectionStatus) => void): void {
    runtime.off("reconnection", name, listener);
  }

  /** Starts a new round at once; resolves with whether it connected. */
  async reconnect(): Promise<boolean> {
    return (await runtime.call("reconnection.reconnect")) as boolean;
  }

  isOnlineNow(): boolean {
    return runtime.view.state.online;
  }

  getStatus(): ReconnectionStatus {
    return runtime.view.state.reconnection;
  }

  getConfig(): ReconnectionConfig {
    return runtime.view.state.reconnectionConfig;
  }

  /** Takes effect on the next delay. A value outside its range rejects with its name, value and range. */
  async updateConfig(config: Partial<ReconnectionConfig>): Promise<void> {
    const given = anObject("config", config);
    await runtime.call("reconnection.updateConfig", [given], (state) => ({
      ...state,
      reconnectionConfig: { ...state.reconnectionConfig, ...given },
    }));
  }

  async destroy(): Promise<void> {
    await runtime.destroy("reconnection.destroy");
  }
}

export const automaticReconnectionService = AutomaticReconnectionService.getInstance();
