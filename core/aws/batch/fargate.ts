/** Which sizes Fargate has: fixed pairs of vCPU and memory. Source: AWS Batch, ResourceRequirement, `MEMORY` and `VCPU`. */
import { present } from '../../values/present.ts';

interface Pair {
  readonly vcpus: number;
  readonly memoryMib: number;
}

/** vCPUs, least and most memory in GiB, and the step between. The smallest has a half step of its own. */
const RANGES: readonly (readonly [vcpus: number, least: number, most: number, step: number])[] = [
  [0.25, 0.5, 0.5, 0.5],
  [0.25, 1, 2, 1],
  [0.5, 1, 4, 1],
  [1, 2, 8, 1],
  [2, 4, 16, 1],
  [4, 8, 30, 1],
  [8, 16, 60, 4],
  [16, 32, 120, 8],
];

const PAIRS: readonly Pair[] = RANGES.flatMap(([vcpus, least, most, step]) =>
  Array.from({ length: Math.floor((most - least) / step) + 1 }, (_, at) => ({
    vcpus,
    memoryMib: (least + at * step) * 1024,
  })),
);

/** USD an hour in us-east-1 for Linux on x86; only their ratio matters here. */
const PRICE_VCPU_HOUR = 0.04048;
const PRICE_GIB_HOUR = 0.004445;

function price({ vcpus, memoryMib }: Pair): number {
  return vcpus * PRICE_VCPU_HOUR + (memoryMib / 1024) * PRICE_GIB_HOUR;
}

export type FargateSize =
  | { readonly ok: true; readonly size: Pair }
  /** No pair is large enough. */
  | { readonly ok: false; readonly nearest: Pair };

/** The cheapest pair that has at least what was asked for. */
export function fargateSize(vcpus: number, memoryMib: number): FargateSize {
  const roomy = cheapest(PAIRS.filter((pair) => pair.vcpus >= vcpus && pair.memoryMib >= memoryMib));
  if (roomy) return { ok: true, size: roomy };
  const most = (of: (pair: Pair) => number) => Math.max(...PAIRS.map(of));
  const vcpusMost = Math.min(
    vcpus,
    most((pair) => pair.vcpus),
  );
  const memoryMost = Math.min(
    memoryMib,
    most((pair) => pair.memoryMib),
  );
  const nearest = cheapest(PAIRS.filter((pair) => pair.vcpus >= vcpusMost && pair.memoryMib >= memoryMost));
  return { ok: false, nearest: present(nearest, 'size of Fargate') };
}

function cheapest(pairs: readonly Pair[]): Pair | undefined {
  return [...pairs].sort((a, b) => price(a) - price(b))[0];
}
