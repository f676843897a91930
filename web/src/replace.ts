/** Putting a property of ours in place of a foreign object's own, and taking it away again. */

/** Puts a property of our own before `target`'s; the returned function takes it away again if it is still ours. */
export function replace(target: object, name: string, property: PropertyDescriptor): () => void {
  const before = Object.getOwnPropertyDescriptor(target, name);
  const ours = { ...property, configurable: true, enumerable: true };
  Object.defineProperty(target, name, ours);
  return () => {
    const now = Object.getOwnPropertyDescriptor(target, name);
    if (now?.value !== ours.value || now?.get !== ours.get) return;
    if (before) Object.defineProperty(target, name, before);
    else Reflect.deleteProperty(target, name);
  };
}
