/**
 * Real SDK clients for a page without Python (tests/e2e/sdk_clients.py bundles it): a dapp's SignClient on our store or
 * on the SDK's own plain one, and a wallet that approves whatever it is asked.
 */
import { WalletKit } from "@reown/walletkit";
import { KeyValueStorage } from "@walletconnect/keyvaluestorage";
import { SignClient } from "@walletconnect/sign-client";
import { makeCore } from "../../web/demo/client.ts";
import { openKeys } from "../../web/src/keys.ts";
import { createSdkStorage, giveBackSdkStore, type SdkStorageOptions } from "../../web/src/sdk-storage.ts";
import { sdkEntries, sdkForget, sdkKeyIds, sdkReseal, sdkStage } from "../../web/src/sdk-store.ts";

const ACCOUNT = "stacks:1:SP2J6ZY48GV1EZ5V2V5RB9MP66SW86PYKKNRV9EJ7";
const STACKS = { chains: ["stacks:1"], methods: ["stx_getAddresses"], events: ["accountsChanged"] };
const METADATA = { name: "Test", description: "A test", url: "https://test.invalid", icons: [] };

type Storage = ReturnType<typeof createSdkStorage>;

function configOf(relayUrl: string) {
  return { relayUrl, projectId: "", metadata: METADATA, debug: false };
}

/** A dapp's client on our store. */
async function dapp(relayUrl: string, options: SdkStorageOptions = {}) {
  const core = makeCore(configOf(relayUrl), createSdkStorage(options));
  return SignClient.init({ core, metadata: METADATA, logger: "silent" });
}

/** A dapp's client as a host without RenVault has it. */
async function plainDapp(relayUrl: string) {
  const core = makeCore(configOf(relayUrl), new KeyValueStorage({}) as unknown as Storage);
  return SignClient.init({ core, metadata: METADATA, logger: "silent" });
}

async function wallet(relayUrl: string) {
  const core = makeCore(configOf(relayUrl), createSdkStorage({ database: "wallet" }), "wallet");
  const kit = await WalletKit.init({ core, metadata: { ...METADATA, name: "Wallet", url: "https://wallet.invalid" } });
  kit.on("session_proposal", ({ id }) => {
    void kit.approveSession({ id, namespaces: { stacks: { ...STACKS, accounts: [ACCOUNT] } } });
  });
  return kit;
}

type Client = Awaited<ReturnType<typeof dapp>>;

/** Asks for a session; `settled` gives its topic once the wallet has approved. */
async function propose(client: Client): Promise<{ uri: string; settled: Promise<string> }> {
  const { uri = "", approval } = await client.connect({ optionalNamespaces: { stacks: STACKS } });
  return { uri, settled: approval().then(({ topic }) => topic) };
}

Object.assign(globalThis, {
  sdk: { KeyValueStorage, createSdkStorage, dapp, giveBackSdkStore, plainDapp, propose, wallet },
  store: { openKeys: async () => (await openKeys()).keys, sdkEntries, sdkForget, sdkKeyIds, sdkReseal, sdkStage },
});
