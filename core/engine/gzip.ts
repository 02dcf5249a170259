/**
 * Gzip members (RFC 1952), made at the price that their size is worth. Any gunzip reads them.
 *
 * 1. Small ones are stored, not compressed: setting a compressor up costs more than it saves, and nobody charges for less
 *    than a kilobyte.
 * 2. Large ones are compressed in haste: the whole machine waits for them.
 */
import { crc32, gunzipSync, gzipSync } from 'node:zlib';

const STORED_BYTES_MAX = 512;
const THOROUGH_BYTES_MAX = 1024 * 1024;

/** Magic number, deflate, no name or time, any system (RFC 1952, 2.3). */
const HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
/** Final block, stored (RFC 1951, 3.2.4). */
const STORED_BLOCK = 1;
const CHUNK_BYTES = 16 * 1024;
const CHUNK_BYTES_MIN = 1024;

export function zipped(bytes: Buffer): Buffer {
  if (bytes.length <= STORED_BYTES_MAX) return storedMember(bytes);
  return gzipSync(bytes, { level: bytes.length <= THOROUGH_BYTES_MAX ? 6 : 1 });
}

function storedMember(bytes: Buffer): Buffer {
  const member = Buffer.alloc(HEADER.length + 5 + bytes.length + 8);
  let at = HEADER.copy(member);
  at = member.writeUInt8(STORED_BLOCK, at);
  at = member.writeUInt16LE(bytes.length, at);
  at = member.writeUInt16LE(bytes.length ^ 0xffff, at);
  at += bytes.copy(member, at);
  at = member.writeUInt32LE(crc32(bytes), at);
  member.writeUInt32LE(bytes.length, at);
  return member;
}

/** What was zipped. Throws when it is damaged, or would be more than `bytesMax`. */
export function unzipped(bytes: Uint8Array, bytesMax: number): Buffer {
  // A little that comes out is not given a large buffer of its own.
  const chunkSize = bytes.length < CHUNK_BYTES_MIN ? CHUNK_BYTES_MIN : CHUNK_BYTES;
  return gunzipSync(bytes, { maxOutputLength: bytesMax, chunkSize });
}
