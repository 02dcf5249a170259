/** What a local cloud and a runner that takes one job after another say to each other, a line of JSON each. */

/** To the runner. */
export interface ServeRequest {
  readonly job: string;
  /** All of them, as a process of its own would have them. */
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** File of what it writes. */
  readonly log: string;
}

/** From the runner. */
export type ServeReply =
  | { readonly taken: string }
  /** `again`: it takes another job. */
  | { readonly ended: string; readonly exitCode: number; readonly again: boolean };
