import { z } from 'zod';
import { CONTROLS } from './index.ts';
import type { Route } from './route.ts';

const ERRORS = {
  400: 'The request makes no sense; the message says why.',
  404: 'There is no such thing.',
  409: 'The state of things does not allow it.',
} as const;

const errorAnswer = z.strictObject({ error: z.string() });

/** The control API, described by OpenAPI 3.1 from the schemas that check its requests. */
export function openapi(): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of CONTROLS as unknown as readonly Route[]) {
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operation(route) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'WeChat Pay simulator: control API',
      version: '1',
      description:
        'What people and tests do to the simulated gateway. Amounts in fen, times RFC 3339 unless said otherwise. Without authentication: keep it on the loopback interface.',
    },
    servers: [{ url: '/_simulator' }],
    paths,
    components: { schemas: { Error: schema(errorAnswer, 'output') } },
  };
}

function operation({ method, path, summary, query, body, answer }: Route): object {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
  const tag = path.split('/')[1] ?? '';
  return {
    operationId: `${method.toLowerCase()} ${path.slice(1)}`.replace(/[^a-z]+(\w|$)/gi, (_, next) =>
      next.toUpperCase(),
    ),
    summary,
    tags: [tag],
    parameters: [
      ...names.map((name) => ({ name, in: 'path', required: true, schema: { type: 'string' } })),
      ...(query ? queryParameters(query) : []),
    ],
    ...(body && {
      requestBody: {
        content: { 'application/json': { schema: schema(body.schema, 'input'), example: body.example } },
      },
    }),
    responses: {
      ...(answer
        ? {
            200: {
              description: 'Done.',
              content: {
                'application/json': { schema: schema(answer.schema, 'output'), example: answer.example },
              },
            },
          }
        : { 204: { description: 'Done.' } }),
      ...Object.fromEntries(
        Object.entries(ERRORS).map(([status, description]) => [
          status,
          {
            description,
            content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
          },
        ]),
      ),
    },
  };
}

function queryParameters(query: z.ZodType): object[] {
  const { properties = {}, required = [] } = schema(query, 'input') as {
    properties?: Record<string, object>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, property]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    schema: property,
  }));
}

function schema(of: z.ZodType, io: 'input' | 'output'): object {
  const { $schema: _, ...rest } = z.toJSONSchema(of, { io, unrepresentable: 'any' });
  return rest;
}
