#!/usr/bin/env node
/** Where the command line is entered. What was compiled once is not compiled again, here and in the jobs that it starts. */
import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';

const COMPILED = fileURLToPath(new URL('../node_modules/.cache/redex', import.meta.url));

// A folder that cannot be written costs nothing but time.
process.env.NODE_COMPILE_CACHE ??= COMPILED;
enableCompileCache(process.env.NODE_COMPILE_CACHE);
await import('./main.ts');
