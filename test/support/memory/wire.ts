/** Turns a synchronous stand-in into a port: every call and answer is copied and takes a turn, as over a network. */

export type Sync<Port> = {
  [Name in keyof Port]: Port[Name] extends (...args: infer Args) => Promise<infer Answer>
    ? (...args: Args) => Answer
    : never;
};

export function overTheWire<Port extends object>(methods: Sync<Port>): Port {
  const called = Object.entries<(...args: unknown[]) => unknown>(methods as never).map(([name, method]) => [
    name,
    async (...args: unknown[]) => {
      await Promise.resolve();
      return structuredClone(method(...structuredClone(args)));
    },
  ]);
  return Object.fromEntries(called) as Port;
}
