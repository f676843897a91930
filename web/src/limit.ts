/** Waiting with an end: every await on something that another side must answer goes through here. */

/** Settles as `promise` does, or rejects with what `late` returns after `limitMs`. `promise` itself goes on. */
export function within<T>(limitMs: number, promise: PromiseLike<T>, late: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(late()), limitMs);
    promise.then(resolve, reject).then(() => clearTimeout(timer));
  });
}

/** Resolves after `ms`. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
