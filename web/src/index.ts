/** RenVault's wallet sessions for a page: the services of the guide, the two elements, the encrypted SDK store. */
import { anObject, aText, wrong } from "./arguments.ts";
import { defineElements } from "./elements.ts";
import { runtime } from "./service.ts";

export { WalletKitSessionIntegration, walletKitSessionIntegration } from "./integration.ts";
export { SessionManager, SessionManager as RefactoredSessionManager, sessionManager } from "./manager.ts";
export { SessionMigrationService, sessionMigrationService } from "./migration.ts";
export { AutomaticReconnectionService, automaticReconnectionService } from "./reconnection.ts";
export { createSdkStorage, giveBackSdkStore } from "./sdk-storage.ts";
export type { GiveBackOptions, SdkStorage, SdkStorageOptions } from "./sdk-storage.ts";
export { EncryptedSessionStorage, encryptedSessionStorage } from "./storage.ts";
export { RenvaultError } from "./types.ts";
export type * from "./types.ts";

/** Settings of the page's one runtime; before the first use. */
export function configure(settings: { /** The folder with `runtime/`; by default beside this module. */ baseUrl?: string }): void {
  const { baseUrl } = anObject("settings", settings);
  if (baseUrl === undefined) return;
  if (!URL.canParse(aText("baseUrl", baseUrl), document.baseURI)) throw wrong("baseUrl", "an address", baseUrl);
  runtime.base = new URL(baseUrl, document.baseURI);
}

defineElements(runtime);
