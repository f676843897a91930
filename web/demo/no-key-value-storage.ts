/**
 * Stands for @walletconnect/keyvaluestorage in the demo pages' bundles: both give the SDK a storage of their own, and
 * the package touches localStorage while it is being imported, which throws where the browser blocks it.
 */
export default class KeyValueStorage {
  constructor() {
    throw new Error("Give the client a storage: createSdkStorage().");
  }
}
