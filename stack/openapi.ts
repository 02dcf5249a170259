/**
 * The API's description, `functions/openapi.json`: OpenAPI 3.1, made of the table of routes and of the schemas by which the
 * handlers read requests and say what they answer. `npm run openapi` writes it, and a test holds it to them.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type ConversionConfig, type JsonSchema, toJsonSchema, toJsonSchemaDefs } from '@valibot/to-json-schema';
import * as v from 'valibot';
import { type Answers, Errors } from '../functions/endpoint.ts';
import type { Declared } from '../functions/http.ts';
import { ROUTES, type Route } from '../functions/routes.ts';
import { Job, Listed, Summary } from '../functions/shapes.ts';
import packageJson from '../package.json' with { type: 'json' };

const PATH = fileURLToPath(new URL('../functions/openapi.json', import.meta.url));

/** Named in the description, since several answers hold them. */
const COMPONENTS = { Errors, Job, ListedRun: Listed, Run: Summary };

/** Of API Gateway itself, which asks no function where a request has no valid signature or comes too often. */
const Gateway = v.strictObject({ message: v.string() });
const OF_THE_GATEWAY = { 403: 'The request has no valid signature, or its caller may not', 429: 'Too many requests' };

const MEANINGS: Readonly<Record<number, string>> = {
  200: 'As asked for',
  202: 'Recorded: what follows takes its time',
  400: 'What is wrong with the request',
  404: 'There is no such thing',
  409: 'It cannot be done to the run as it is',
  413: 'The body is too large',
};

const CONVERSION: ConversionConfig = {
  target: 'draft-2020-12',
  typeMode: 'input',
  overrideRef: ({ referenceId }) => `#/components/schemas/${referenceId}`,
  // What only code can check is told by its metadata.
  overrideSchema: ({ valibotSchema }) => (valibotSchema.type === 'custom' ? {} : undefined),
  ignoreActions: ['check', 'raw_check'],
};

interface Endpoint {
  readonly REQUEST: Declared;
  readonly ANSWERS: Answers;
}

/** The text of the file. */
export async function openApi(): Promise<string> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of ROUTES) {
    const endpoint: Endpoint = await import(`../functions/${route.function}.ts`);
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operationOf(route, endpoint) };
  }
  const description = {
    openapi: '3.1.0',
    info: { title: 'redex', version: packageJson.version, description: 'Starts, lists, ends and takes up runs.' },
    servers: [
      {
        url: 'https://{api}.execute-api.{region}.amazonaws.com',
        variables: { api: { default: 'api' }, region: { default: 'us-east-1' } },
      },
    ],
    security: [{ sigv4: [] }],
    paths,
    components: {
      schemas: toJsonSchemaDefs(COMPONENTS, CONVERSION),
      securitySchemes: {
        sigv4: {
          type: 'apiKey',
          name: 'Authorization',
          in: 'header',
          description: 'AWS Signature Version 4, for the service execute-api',
          'x-amazon-apigateway-authtype': 'awsSigv4',
        },
      },
    },
  };
  return `${JSON.stringify(description, undefined, 2)}\n`;
}

function operationOf({ method, path, function: name, summary, headers = [] }: Route, { REQUEST, ANSWERS }: Endpoint) {
  const { properties = {}, required = [], ...rest } = jsonSchemaOf(REQUEST);
  const placeOf = (field: string): 'path' | 'header' | 'query' | 'body' => {
    if (path.includes(`{${field}}`)) return 'path';
    if (headers.includes(field)) return 'header';
    return method === 'GET' ? 'query' : 'body';
  };
  const fields = Object.entries(properties).map(([field, schema]) => {
    const { description, ...type }: JsonSchema = typeof schema === 'boolean' ? {} : schema;
    return { field, place: placeOf(field), needed: required.includes(field), schema, description, type };
  });
  const inBody = fields.filter(({ place }) => place === 'body');
  const neededInBody = inBody.filter(({ needed }) => needed).map(({ field }) => field);
  const body: JsonSchema = {
    ...rest,
    properties: Object.fromEntries(inBody.map(({ field, schema }) => [field, schema])),
    ...(neededInBody.length > 0 && { required: neededInBody }),
  };
  return {
    operationId: name,
    summary,
    parameters: fields
      .filter(({ place }) => place !== 'body')
      .map(({ field, place, needed, description, type }) => ({
        name: field,
        in: place,
        required: needed,
        ...(description !== undefined && { description }),
        schema: type,
      })),
    ...(inBody.length > 0 && {
      requestBody: { required: neededInBody.length > 0, content: { 'application/json': { schema: body } } },
    }),
    responses: {
      ...Object.fromEntries(
        Object.entries({ ...ANSWERS, ...(method === 'POST' && { 413: Errors }) }).map(([status, schema]) => [
          status,
          answerOf(MEANINGS[Number(status)] ?? '', jsonSchemaOf(schema)),
        ]),
      ),
      ...Object.fromEntries(
        Object.entries(OF_THE_GATEWAY).map(([status, meaning]) => [status, answerOf(meaning, jsonSchemaOf(Gateway))]),
      ),
    },
  };
}

function answerOf(description: string, schema: JsonSchema) {
  return { description, content: { 'application/json': { schema } } };
}

/** Of a request: what it reads. */
function jsonSchemaOf(schema: v.GenericSchema): JsonSchema {
  const { $schema: _, $defs: __, ...told } = toJsonSchema(schema, { ...CONVERSION, definitions: COMPONENTS });
  return told;
}

if (import.meta.main) writeFileSync(PATH, await openApi());
