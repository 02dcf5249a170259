/** Arguments of workflows whose files can be had from here. */
import type { Host } from '../engine/ports.ts';
import { quote } from '../files/errors.ts';
import { type Reach, refusalOf } from '../files/reach.ts';
import { locationsOf } from '../values/contents.ts';
import { encode } from '../values/encode.ts';
import { reviveError } from '../values/errors.ts';

/** The host, which takes no arguments with files that are out of reach: BadArguments names them all. */
export function withinReach<H extends Host>(host: H, reach: Reach): H {
  return {
    ...host,
    async root(bundle, workflow, args) {
      const root = await host.root(bundle, workflow, args);
      if (!root.ok) return root;
      const problems = locationsOf(root.table).flatMap((location) => {
        const why = refusalOf(location, reach);
        return why === undefined ? [] : [`${quote(location)} ${why}`];
      });
      if (problems.length === 0) return root;
      const error = reviveError('BadArguments', ['BadArguments', 'Error'], problems.join('; '), {});
      return { ok: false, error: encode(error) };
    },
  };
}
