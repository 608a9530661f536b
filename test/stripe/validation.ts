import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv, type AnySchema, type ValidateFunction } from 'ajv';
import { parse } from 'qs';
import { Refusal } from './refusal.ts';

/** A request's parameters, numbers and booleans being what they are. */
export type Params = Readonly<Record<string, unknown>>;

interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query';
  readonly schema: AnySchema;
}

interface Operation {
  readonly parameters?: readonly Parameter[];
  readonly requestBody: { readonly content: Readonly<Record<string, { readonly schema: AnySchema }>> };
}

interface Description {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

const DESCRIPTION = JSON.parse(
  readFileSync(join(import.meta.dirname, '..', 'fixtures', 'stripe', 'requests-2023-08-16.json'), 'utf8'),
) as Description;

/*
 * What the connector sends that the description of 2023 does not know, all of it, and why.
 */

/**
 * It came in July 2026, in the place of payment_method_types, which Stripe refuses since September 2026.
 * Source: docs.stripe.com/changelog/endive
 */
const NEWER = new Map<string, Params>([
  ['post /v1/payment_intents', { allowed_payment_method_types: { type: 'array', items: { enum: ['card'] } } }],
]);
const REMOVED = new Map<string, string>([['payment_method_types', 'payment_method_types_no_longer_supported']]);

/** The description at hand leaves the balance out. It is read without parameters. */
const UNDESCRIBED = new Map<string, AnySchema>([
  ['get /v1/balance', { type: 'object', properties: {}, additionalProperties: false }],
]);

/** Parameters of a form or a query are texts: what can be read as a number or a boolean is taken for one. */
const ajv = new Ajv({ coerceTypes: true, strict: false, formats: { 'unix-time': true } });
const validators = new Map<string, ValidateFunction>();

/** Reads a request's form or query, and refuses what Stripe's own description of it does not allow. */
export function readParams(operation: string, text: string): Params {
  const params = parse(text, { depth: 10, parameterLimit: 200 }) as Params;
  for (const [name, code] of REMOVED) {
    if (name in params) throw new Refusal(400, { type: 'invalid_request_error', code, param: name });
  }
  const validate = validators.get(operation) ?? compile(operation);
  if (!validate(params)) {
    const [error] = validate.errors ?? [];
    const param = `${error?.instancePath.slice(1) ?? ''} ${error?.message ?? ''} ${JSON.stringify(error?.params)}`;
    throw new Refusal(400, { type: 'invalid_request_error', code: 'parameter_unknown', param });
  }
  return params;
}

function compile(operation: string): ValidateFunction {
  const validate = ajv.compile(UNDESCRIBED.get(operation) ?? schemaOf(operation));
  validators.set(operation, validate);
  return validate;
}

function schemaOf(operation: string): AnySchema {
  const [method = '', path = ''] = operation.split(' ');
  const described = DESCRIPTION.paths[path]?.[method];
  if (described === undefined) throw new Error(`Stripe's description has no ${operation}`);
  if (method === 'get') {
    const inQuery = described.parameters?.filter((each) => each.in === 'query') ?? [];
    const properties = Object.fromEntries(inQuery.map(({ name, schema }) => [name, schema]));
    return { type: 'object', properties, additionalProperties: false };
  }
  const { schema } = described.requestBody.content['application/x-www-form-urlencoded'] ?? {};
  if (typeof schema !== 'object') throw new Error(`${operation} takes no form`);
  return { ...schema, properties: { ...(schema['properties'] as Params), ...NEWER.get(operation) } };
}
