/**
 * The wallet contract's other hands in the page: a real SignClient for the adapter, a real WalletKit as its peer, and a
 * real relay that the test runner controls (`relayControl`, exposed by dev/inpage.py).
 */
import { WalletKit } from "@reown/walletkit";
import { SignClient } from "@walletconnect/sign-client";
import { makeCore } from "../../web/demo/client.ts";
import type { PageConfig } from "../../web/demo/config.ts";
import { createSdkStorage } from "../../web/src/sdk-storage.ts";
import type { RenvaultError } from "../../web/src/types.ts";
import { WalletAdapter } from "../../web/src/wallet.ts";

declare function relayControl(command: string): Promise<{ handshakes?: { clientId: string }[] }>;

const ACCOUNT = "stacks:1:SP2J6ZY48GV1EZ5V2V5RB9MP66SW86PYKKNRV9EJ7";
const NAMESPACE = { chains: ["stacks:1"], methods: ["stx_getAddresses"], events: ["accountsChanged"] };
const REFUSED = { code: 5000, message: "User rejected." };
const ENDED = { code: 6000, message: "User disconnected." };

const config: PageConfig = {
  relayUrl: new URL(location.href).searchParams.get("relay") ?? "",
  projectId: "",
  metadata: { name: "Contract", description: "A peer for tests", url: location.origin, icons: [] },
  debug: false,
};

/** The engine's answer to a request, which a peer may hold back. */
interface Answering {
  sendResult(answer: { id: number; topic: string; result: unknown }): Promise<void>;
  sendError(answer: { id: number; topic: string; error: typeof REFUSED }): Promise<void>;
}

type Dapp = Awaited<ReturnType<typeof SignClient.init>>;
type Peer = Awaited<ReturnType<typeof WalletKit.init>>;

let count = 0;
let dapp: Dapp;

/** A fresh client, adopted. */
export async function wallet(): Promise<WalletAdapter> {
  const name = `contract-dapp-${++count}`;
  const core = makeCore(config, createSdkStorage({ database: name }), name);
  dapp = await SignClient.init({ core, metadata: config.metadata, logger: "silent" });
  return WalletAdapter.adopt(dapp);
}

/** The hands for the newest client. */
export async function peer(): Promise<Hands> {
  const name = `contract-peer-${count}`;
  const core = makeCore(config, createSdkStorage({ database: name }), name);
  return new Hands(dapp, await WalletKit.init({ core, metadata: config.metadata }));
}

/** What adopting each of the things a host may hold comes to: whether its client is ours, or what the error says. */
export async function adoptions(): Promise<string> {
  await wallet();
  const kit = (await peer()).kit;
  const provider = { client: dapp, connect: async () => {} };
  const appKit = { getUniversalProvider: async () => provider };
  const sources: Record<string, unknown> = {
    SignClient: dapp,
    WalletKit: kit,
    UniversalProvider: provider,
    AppKit: appKit,
    AppKitService: { getAppKit: () => appKit },
    nothing: undefined,
    "another object": { getSessions: () => [] },
    "a promise": Promise.resolve(dapp),
  };
  const topics = async (source: unknown): Promise<string> => {
    const adapter = await WalletAdapter.adopt(source);
    return `adopted, ${(JSON.parse(adapter.sessions()) as unknown[]).length} sessions`;
  };
  const told = Object.entries(sources).map(async ([name, source]) => {
    return [name, await topics(source).catch((error: RenvaultError) => `${error.code}: ${error.message}`)];
  });
  return JSON.stringify(Object.fromEntries(await Promise.all(told)));
}

class Hands {
  #dapp: Dapp;
  readonly kit: Peer;
  #held: (() => Promise<void>)[] = [];
  #undo = (): void => {};

  constructor(client: Dapp, kit: Peer) {
    this.#dapp = client;
    this.kit = kit;
    kit.on("session_proposal", ({ id }) => {
      const stacks = { ...NAMESPACE, accounts: [ACCOUNT] };
      void kit.approveSession({ id, namespaces: { stacks } });
    });
  }

  async connect(): Promise<string> {
    const { uri = "", approval } = await this.#dapp.connect({ optionalNamespaces: { stacks: NAMESPACE } });
    await this.kit.pair({ uri });
    const { topic } = await approval();
    // Settled on both sides: the peer has heard the dapp's acknowledgement.
    while (!this.kit.getActiveSessions()[topic]?.acknowledged) await new Promise((resolve) => setTimeout(resolve, 5));
    return topic;
  }

  async ignoreExtends(): Promise<void> {
    const engine = this.kit.engine.signClient.engine as unknown as Answering;
    const answer = engine.sendResult;
    engine.sendResult = async (result) => void this.#held.push(() => answer.call(engine, result));
    this.#undo = () => (engine.sendResult = answer);
  }

  async answerExtends(): Promise<void> {
    this.#undo();
    for (const answer of this.#held.splice(0)) await answer();
  }

  async refuseExtends(): Promise<void> {
    const engine = this.kit.engine.signClient.engine as unknown as Answering;
    const answer = engine.sendResult;
    engine.sendResult = ({ id, topic }) => {
      engine.sendResult = answer;
      return engine.sendError({ id, topic, error: REFUSED });
    };
  }

  async remove(topic: string): Promise<void> {
    await this.kit.disconnectSession({ topic, reason: ENDED });
  }

  /** Every socket dies; whoever knocks is logged and cut off, so that attempts can be counted. */
  async killRelay(): Promise<void> {
    await relayControl("reset");
  }

  async relayUp(): Promise<void> {
    await relayControl("up");
  }

  async attempts(): Promise<number> {
    const id = await this.#dapp.core.crypto.getClientId();
    const { handshakes = [] } = await relayControl("log");
    return handshakes.filter(({ clientId }) => clientId === id).length;
  }

  async close(): Promise<void> {
    for (const { core } of [this.#dapp, this.kit.engine.signClient]) {
      core.heartbeat.stop();
      await core.relayer.transportClose();
    }
  }
}
