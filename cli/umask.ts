/**
 * The umask of who gave the command. From here on this process has another: what it makes of its own is for its owner alone,
 * also the files of its database, which it cannot make one by one. What it makes for the user gets the user's.
 */
export const TYPED_UMASK = process.umask(0o077);
