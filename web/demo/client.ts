/** WalletConnect's Core as both pages use it: our encrypted storage, and no request to any host but the relay. */
import { Core } from "@walletconnect/core";
import type { SignClient } from "@walletconnect/sign-client";
import type { SdkStorage } from "../src/sdk-storage.ts";
import type { PageConfig } from "./config.ts";

/** The SDK's own name for a Core; its class and this interface differ in what may be undefined. */
type CoreOption = NonNullable<NonNullable<Parameters<typeof SignClient.init>[0]>["core"]>;

/** How much the SDK says on the console: its messages quote topics. */
export function logLevel(config: PageConfig): string {
  return config.debug ? "warn" : "silent";
}

/** Makes a Core. `customStoragePrefix` keeps a second client of this origin apart from the first. */
export function makeCore(config: PageConfig, storage: SdkStorage, customStoragePrefix?: string): CoreOption {
  const { relayUrl, projectId } = config;
  const prefix = customStoragePrefix === undefined ? {} : { customStoragePrefix };
  const core = new Core({ relayUrl, projectId, storage, telemetryEnabled: false, logger: logLevel(config), ...prefix });
  // WalletKit calls this at its start even with telemetry off, and it asks a foreign host.
  core.eventClient.init = async () => {};
  if (!projectId) {
    // Verify belongs to a project; without one each request would wait 5 s for a foreign host.
    core.verify.register = async () => "";
    core.verify.resolve = (async () => undefined) as () => Promise<never>; // as the SDK's own does without a verdict
  }
  return core as CoreOption;
}
