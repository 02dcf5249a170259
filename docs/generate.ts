/**
 * `npm run docs`: the documents that are made of the sources and tests, so that nobody writes them twice. A test holds each to
 * what it is made of.
 */
import { writeFileSync } from 'node:fs';
import { acceptanceDocument } from './acceptance.ts';
import { apiDocument } from './api.ts';
import { invariantsDocument } from './invariants.ts';
import { pathOf } from './sources.ts';

/** What makes each document's text, by its path in the project. */
export const DOCUMENTS: Readonly<Record<string, () => string>> = {
  'docs/acceptance.md': acceptanceDocument,
  'docs/invariants.md': invariantsDocument,
  'docs/api.md': apiDocument,
};

if (import.meta.main) {
  for (const [path, make] of Object.entries(DOCUMENTS)) writeFileSync(pathOf(path), make());
}
