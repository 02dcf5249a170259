/** How much is under way at once of what one process does with files. */

/** Files whose bytes move: each has buffers and a connection or a handle of its own. */
export const TRANSFERS_AT_ONCE = 4;
/** Files that are only asked about, or removed. */
export const LOOKS_AT_ONCE = 16;
