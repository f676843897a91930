/** `automaticReconnectionService`: the relay connection, its schedule and its state. */
import { quiet, runtime, Service } from "./service.ts";
import type { ReconnectionConfig, ReconnectionEventName, ReconnectionStatus } from "./types.ts";

/** Reconnection with a schedule that can be seen. */
export class AutomaticReconnectionService extends Service {
  static #instance: AutomaticReconnectionService | undefined;

  static getInstance(): AutomaticReconnectionService {
    return (this.#instance ??= new AutomaticReconnectionService());
  }

  async initialize(client: unknown, config: Partial<ReconnectionConfig> = {}): Promise<void> {
    await runtime.initialize("reconnection.initialize", client, config);
  }

  on(name: ReconnectionEventName, listener: (status: ReconnectionStatus) => void): () => void {
    return runtime.on("reconnection", name, listener);
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
  updateConfig(config: Partial<ReconnectionConfig>): Promise<void> {
    return quiet(
      runtime.call("reconnection.updateConfig", [config], (state) => ({
        ...state,
        reconnectionConfig: { ...state.reconnectionConfig, ...config },
      })),
    );
  }

  destroy(): Promise<void> {
    return quiet(runtime.destroy("reconnection.destroy"));
  }
}

export const automaticReconnectionService = AutomaticReconnectionService.getInstance();
