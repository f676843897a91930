/** The mark of the encrypted storages that this package makes, by which those of a second copy of it are known too. */
export const SEALED = Symbol.for("renvault.sdk-storage");

/** Whether an SDK client's storage is one of ours. */
export function isSealed(storage: unknown): boolean {
  return typeof storage === "object" && storage !== null && SEALED in storage;
}
