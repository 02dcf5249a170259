/** The API's description: what is committed is what the handlers say. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROUTES } from '../../functions/routes.ts';
import { openApi } from '../../stack/openapi.ts';
import { ROOT } from './template.ts';

const written = readFileSync(join(ROOT, 'functions/openapi.json'), 'utf8');
const description = JSON.parse(written);
const operations = Object.values(description.paths as Record<string, Record<string, Operation>>).flatMap((path) =>
  Object.values(path),
);

interface Operation {
  readonly operationId: string;
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly required: boolean }[];
  readonly responses: Readonly<Record<string, unknown>>;
}

describe('the description of the API', () => {
  it('is what its routes and schemas come to: npm run openapi writes it', async () => {
    expect(written).toBe(await openApi());
  });

  it('has every route, each with a handler of its own', () => {
    expect(operations.map(({ operationId }) => operationId).sort()).toEqual(
      ROUTES.map((route) => route.function).sort(),
    );
  });

  it('needs every parameter of a path, and no other', () => {
    for (const { parameters } of operations) {
      for (const parameter of parameters) expect(parameter.required).toBe(parameter.in === 'path');
    }
    for (const { path, function: name } of ROUTES) {
      const given = operations.find(({ operationId }) => operationId === name)?.parameters ?? [];
      const named = given.filter((parameter) => parameter.in === 'path').map((parameter) => `{${parameter.name}}`);
      expect(named).toEqual(path.match(/\{\w+\}/g) ?? []);
    }
  });

  it('says that every route asks for a signature', () => {
    expect(description.security).toEqual([{ sigv4: [] }]);
    for (const operation of operations) {
      expect(operation).not.toHaveProperty('security');
      expect(operation.responses).toHaveProperty('403');
    }
  });
});
