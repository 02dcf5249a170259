/** Addresses of this machine and of networks that are nobody else's, however they are written. */
import { BlockList, isIP } from 'node:net';

const INSIDE = new BlockList();
/** Source: IANA's registries of special-purpose addresses. */
for (const [network, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  // Link-local: where machines of a cloud find their credentials.
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  // Of groups, and of nobody.
  ['224.0.0.0', 3],
] as const) {
  INSIDE.addSubnet(network, bits, 'ipv4');
}
for (const [network, bits] of [
  ['::', 127],
  ['64:ff9b:1::', 48],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
] as const) {
  INSIDE.addSubnet(network, bits, 'ipv6');
}

/** Where IPv6 addresses hold one of IPv4, by their first bits, and at which of their eight groups it begins. */
const EMBEDDING: readonly (readonly [RegExp, number])[] = [
  // Compatible and mapped, translated (NAT64), and 6to4.
  [/^0:0:0:0:0:(0|ffff):/, 6],
  [/^64:ff9b:0:0:0:0:/, 6],
  [/^2002:/, 1],
];

/** Whether the text is such an address. Names are none. */
export function isInside(address: string): boolean {
  const family = isIP(address);
  if (family === 0) return false;
  if (family === 4) return INSIDE.check(address, 'ipv4');
  const groups = groupsOf(address);
  const [, at] = EMBEDDING.find(([pattern]) => pattern.test(groups.join(':'))) ?? [];
  return INSIDE.check(address, 'ipv6') || (at !== undefined && INSIDE.check(ipv4At(groups, at), 'ipv4'));
}

/** The eight groups of an IPv6 address, hexadecimal, without leading zeros. */
function groupsOf(address: string): string[] {
  // A URL has them in one spelling; what stands after `%` names an interface.
  const [text = ''] = address.split('%');
  const [head = '', tail] = new URL(`http://[${text}]/`).hostname.slice(1, -1).split('::');
  const split = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const [first, last] = [split(head), split(tail ?? '')];
  return [...first, ...Array.from({ length: 8 - first.length - last.length }, () => '0'), ...last];
}

function ipv4At(groups: readonly string[], at: number): string {
  const [high = 0, low = 0] = groups.slice(at, at + 2).map((group) => Number.parseInt(group, 16));
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}
