import type { IncomingMessage, ServerResponse } from 'node:http';
import { GraphQLError, Kind, type DocumentNode, type ExecutionArgs, type SelectionSetNode } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { holdsCardNumber } from '../domain/card.ts';
import type { Logger, Scope, Telemetry } from '../telemetry.ts';
import type { Counts } from './counts.ts';
import { isForCaller } from './masking.ts';

export const REQUEST_ID = 'x-request-id';

/** An id that a caller gives: of every kind that is in use, and nothing that could be taken for something else. */
const GIVEN_ID = /^[A-Za-z0-9._-]{8,64}$/;
/** The W3C's header: version, trace, span, flags. */
const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** What comes every few seconds and is never looked for makes no trace. */
const PROBES = /^\/(livez|readyz|metrics)(\?|$)/;

/** What an operation of GraphQL is to the metrics and the log: never by the name that its client has for it. */
export interface Operation {
  readonly type: 'query' | 'mutation' | 'subscription' | 'none';
  /** The field of the root; "several" where there are more, "introspection", "none" for what was not executed. */
  readonly field: string;
  /** Refused is what the caller has to put right; internal what the operator has. */
  outcome: 'ok' | 'refused' | 'internal';
}

/** Of what is executed: Yoga's own types leave it `any`. */
type Executed = Pick<ExecutionArgs, 'document' | 'operationName'>;

export interface ObservationOptions {
  readonly telemetry: Telemetry;
  readonly metrics: Pick<Counts, 'operationEnded'>;
  readonly log: Logger;
  readonly newId: () => string;
}

/** Gives every request its id and its trace, and tells how it went. */
export class Observation {
  readonly #options: ObservationOptions;
  /** By errand: spans make scopes of their own, and one errand goes through all of them. */
  readonly #operations = new WeakMap<Scope['errand'], Operation>();

  constructor(options: ObservationOptions) {
    this.#options = options;
  }

  /** Handles one HTTP request. @param isGraphQL whether it counts as an operation, though it may be none that can be executed */
  request(request: IncomingMessage, response: ServerResponse, isGraphQL: boolean, handle: () => void): void {
    const { telemetry } = this.#options;
    const requestId = requestIdOf(request, this.#options.newId);
    response.setHeader(REQUEST_ID, requestId);
    const scope = PROBES.test(request.url ?? '')
      ? { errand: { requestId }, span: undefined }
      : telemetry.open({ requestId }, `HTTP ${methodOf(request)}`, 'server', traceparentOf(request));
    const beganAtMs = performance.now();
    response.once('close', () => {
      telemetry.within(scope, () => {
        const operation =
          this.#operations.get(scope.errand) ?? (isGraphQL ? unexecuted(response.statusCode) : undefined);
        if (operation !== undefined) this.#tell('http', operation, performance.now() - beganAtMs);
        scope.span?.note({ status: response.statusCode });
        scope.span?.end(operation?.outcome === 'internal' ? 'internal' : undefined);
      });
    });
    telemetry.within(scope, handle);
  }

  /** A scope for an operation that came over a WebSocket: each is a request of its own. */
  open(): Scope {
    return this.#options.telemetry.open({ requestId: this.#options.newId() }, 'WebSocket', 'server');
  }

  /** Prepares a WebSocket's operation. What comes to errors is not executed, and ends here. */
  async prepare<T>(
    scope: Scope,
    work: () => Promise<T | readonly GraphQLError[]>,
  ): Promise<T | readonly GraphQLError[]> {
    const beganAtMs = performance.now();
    return this.#options.telemetry.within(scope, async () => {
      const prepared = await work();
      if (Array.isArray(prepared)) {
        this.#tell(
          'websocket',
          { type: 'none', field: 'none', outcome: outcomeOf({ errors: prepared }) },
          performance.now() - beganAtMs,
        );
        scope.span?.end();
      }
      return prepared;
    });
  }

  /** Executes a WebSocket's operation, or begins what it subscribes to. */
  async execute<T>(scope: Scope, work: () => Promise<T> | T): Promise<T> {
    const { telemetry } = this.#options;
    const beganAtMs = performance.now();
    return telemetry.within(scope, async () => {
      try {
        return await work();
      } finally {
        const operation = this.#operations.get(scope.errand);
        if (operation !== undefined) this.#tell('websocket', operation, performance.now() - beganAtMs);
        scope.span?.end(operation?.outcome === 'internal' ? 'internal' : undefined);
      }
    });
  }

  /** What finds out which operation a request executes, and how that went. */
  plugin(): Plugin {
    const { telemetry } = this.#options;
    const begin = ({ document, operationName }: Executed): Operation | undefined => {
      const { scope } = telemetry;
      if (scope === undefined) return undefined;
      const operation: Operation = { ...classify(document, operationName), outcome: 'ok' };
      this.#operations.set(scope.errand, operation);
      return operation;
    };
    return {
      ...(telemetry.isTracing && { instrumentation: this.#instrumentation() }),
      onExecute: ({ args }) => {
        const operation = begin(args);
        return operation && { onExecuteDone: ({ result }) => void (operation.outcome = outcomeOf(result)) };
      },
      onSubscribe: ({ args }) => {
        const operation = begin(args);
        return operation && { onSubscribeResult: ({ result }) => void (operation.outcome = outcomeOf(result)) };
      },
    };
  }

  #instrumentation(): NonNullable<Plugin['instrumentation']> {
    const { telemetry } = this.#options;
    const span = (name: string, work: () => unknown): Promise<void> =>
      telemetry.span(name, 'internal', {}, async () => void (await work()));
    return {
      parse: (_, parse) => telemetry.step('graphql parse', parse),
      validate: (_, validate) => telemetry.step('graphql validate', validate),
      execute: (_, execute) => span('graphql execute', execute),
      subscribe: (_, subscribe) => span('graphql subscribe', subscribe),
    };
  }

  #tell(transport: 'http' | 'websocket', operation: Operation, durationMs: number): void {
    const { log, metrics, telemetry } = this.#options;
    const { type, field, outcome } = operation;
    const span = telemetry.scope?.span;
    metrics.operationEnded(operation, durationMs);
    span?.rename(`${type} ${field}`);
    span?.note({ operation: type, field, outcome, transport });
    // One line for each operation is for whoever looks for something: it is not written, nor put together, at "info".
    if (!log.isLevelEnabled('debug')) return;
    log.debug({ transport, operation: type, field, outcome, durationMs: Math.round(durationMs) }, 'an operation ended');
  }
}

function requestIdOf({ headers }: IncomingMessage, newId: () => string): string {
  const given = headers[REQUEST_ID];
  // It goes to logs and back to callers: whoever puts a card there by mistake is not to find it in either.
  return typeof given === 'string' && GIVEN_ID.test(given) && !holdsCardNumber(given) ? given : newId();
}

function traceparentOf({ headers }: IncomingMessage): string | undefined {
  const given = headers['traceparent'];
  return typeof given === 'string' && TRACEPARENT.test(given) ? given : undefined;
}

const METHODS: readonly string[] = ['GET', 'HEAD', 'POST', 'OPTIONS'];

/** Methods are the client's words, too. */
function methodOf({ method = '' }: IncomingMessage): string {
  return METHODS.includes(method) ? method : 'other';
}

/** What was refused before it could be executed: no JSON, no GraphQL, no credential. */
function unexecuted(status: number): Operation {
  return { type: 'none', field: 'none', outcome: status >= 500 ? 'internal' : 'refused' };
}

function outcomeOf(result: unknown): Operation['outcome'] {
  const errors = typeof result === 'object' && result !== null && 'errors' in result ? result.errors : undefined;
  if (!Array.isArray(errors) || errors.length === 0) return 'ok';
  return errors.every((error) => error instanceof GraphQLError && isForCaller(error)) ? 'refused' : 'internal';
}

/** Yoga keeps the documents that it has parsed: each is looked through once. */
const classified = new WeakMap<DocumentNode, Map<string, Pick<Operation, 'type' | 'field'>>>();

function classify(document: DocumentNode, name: string | null | undefined): Pick<Operation, 'type' | 'field'> {
  const known = classified.get(document) ?? new Map<string, Pick<Operation, 'type' | 'field'>>();
  classified.set(document, known);
  const found = known.get(name ?? '') ?? lookThrough(document, name);
  known.set(name ?? '', found);
  return found;
}

/** The document is valid: its fields are the schema's, and its fragments come to an end. */
function lookThrough(document: DocumentNode, name: string | null | undefined): Pick<Operation, 'type' | 'field'> {
  const operation = document.definitions
    .filter((each) => each.kind === Kind.OPERATION_DEFINITION)
    .find((each) => name == null || each.name?.value === name);
  if (operation === undefined) return { type: 'none', field: 'none' };
  const fields = new Set<string>();
  // Each once: fragments that spread one another twice double with every one of them.
  const spread = new Set<string>();
  const add = ({ selections }: SelectionSetNode): void => {
    for (const selection of selections) {
      if (selection.kind === Kind.FIELD) fields.add(selection.name.value);
      else if (selection.kind === Kind.INLINE_FRAGMENT) add(selection.selectionSet);
      else if (!spread.has(selection.name.value)) {
        spread.add(selection.name.value);
        const fragment = document.definitions.find(
          (each) => each.kind === Kind.FRAGMENT_DEFINITION && each.name.value === selection.name.value,
        );
        if (fragment?.kind === Kind.FRAGMENT_DEFINITION) add(fragment.selectionSet);
      }
    }
  };
  add(operation.selectionSet);
  const own = [...fields].filter((field) => !field.startsWith('__'));
  const field = own.length > 1 ? 'several' : (own[0] ?? 'introspection');
  return { type: operation.operation, field };
}
