/**
 * The end of a switch over all kinds of something. By type it is never reached, so that a kind without a case does not
 * compile. Throws for what comes from outside and is of no kind known here, as what a later version wrote.
 */
export function unknownKind(what: string, kind: never): never {
  throw new Error(`there is no ${what} of the kind ${JSON.stringify(kind)}`);
}
