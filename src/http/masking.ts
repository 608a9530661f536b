import { randomUUID } from 'node:crypto';
import { GraphQLError } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { holdsCardNumber } from '../domain/card.ts';
import type { Logger, Telemetry } from '../telemetry.ts';

/**
 * What a caller sees of an error. One that was made for the caller goes out; any other is a fault of ours: the
 * caller gets an id, the log gets the same id with what can be told without repeating any data.
 */
export function createMask(log: Logger, telemetry: Telemetry): (error: unknown) => Error {
  return (error) => {
    const shown = forCaller(error);
    if (shown !== undefined) return withoutValues(shown);
    const errorId = randomUUID();
    const origin = error instanceof GraphQLError ? (error.cause ?? error) : error;
    log.error({ errorId, ...traceOf(origin) }, 'unexpected error');
    const requestId = telemetry.scope?.errand.requestId;
    return new GraphQLError('An unexpected error. Tell the operator this id.', {
      ...(error instanceof GraphQLError && { nodes: error.nodes, path: error.path }),
      extensions: { code: 'INTERNAL_SERVER_ERROR', errorId, ...(requestId !== undefined && { requestId }) },
    });
  };
}

/** Whether an error was made for the caller. Any other is a fault of ours. */
export function isForCaller(error: GraphQLError): boolean {
  return forCaller(error) !== undefined;
}

function forCaller(error: unknown): GraphQLError | undefined {
  if (!(error instanceof GraphQLError)) return undefined;
  const origin = error.cause;
  // A variable that does not fit its type arrives with the scalar's own error inside: it is the caller's.
  if (origin === undefined || origin === null || INVALID_VARIABLE.test(error.message)) return error;
  return origin instanceof GraphQLError ? error : undefined;
}

/** graphql's message about a variable, which repeats the value: a card could be in it. */
const INVALID_VARIABLE =
  /^Variable "\$(?<variable>\w+)" has invalid value(?: at (?<place>[\w.[\]]+))?: (?<reason>[^]*)$/;

/** The reasons of graphql's that say something and can be told: a field is missing, or there is none such. */
const UNKNOWN_FIELD = /not to include unknown field "([A-Za-z_]{1,40})"(?:, found:|\. Did you mean )/;
const MISSING_FIELD = /required field "([A-Za-z_]\w*)"/;
const MISSING_VARIABLE = /^Expected a value of non-null type "[^"]*" to be provided\.$/;

/** The error with the place and the reason, and without the value: a card number or CVC could be in it. */
function withoutValues(error: GraphQLError): GraphQLError {
  const variable = INVALID_VARIABLE.exec(error.message)?.groups;
  if (variable === undefined) return error;
  const place = `${variable['variable']}${variable['place'] ?? ''}`;
  const why = reasonOf(variable['reason'] ?? '');
  return new GraphQLError(`The variable has an invalid value at "${place}": ${why}.`, {
    nodes: error.nodes,
    extensions: { code: 'BAD_USER_INPUT', inputPath: place.split('.'), http: { spec: true, status: 400 } },
  });
}

function reasonOf(text: string): string {
  const unknown = UNKNOWN_FIELD.exec(text)?.[1];
  if (unknown !== undefined) return `there is no field ${unknown}`;
  if (MISSING_VARIABLE.test(text)) return 'it is required';
  const field = MISSING_FIELD.exec(text)?.[1];
  return field === undefined ? 'the value does not fit the type of this field' : `${field} is required`;
}

/** A text with every run of three digits or more taken out: what is left of a card number or a CVC says nothing. */
function withoutDigits(text: string): string {
  return text.replace(/\d(?:[ -]?\d){2,}/g, '…');
}

/** Secret keys, ours and processors', and secrets of webhooks. */
const SECRET = /\b(?:[sr]k_(?:test|live)_|whsec_)[\w+/=-]{8}/;

/** An error about a document, which quotes the document. */
function withoutLiterals(error: GraphQLError): GraphQLError {
  const { nodes, source, positions, extensions } = error;
  return new GraphQLError(withoutDigits(error.message), { nodes, source, positions, extensions });
}

/** Keeps what was sent out of the errors that no resolver made: those about a document. */
export function useQuietErrors(): Plugin {
  return {
    onParse({ params }) {
      // Before it is parsed: a document is kept in caches, and shown in traces.
      const text = documentText(params.source);
      if (SECRET.test(text)) {
        throw new GraphQLError('A document holds no secret: give it as a variable.', {
          extensions: { code: 'SECRET_IN_DOCUMENT', http: { spec: true, status: 400 } },
        });
      }
      if (holdsCardNumber(text)) {
        throw new GraphQLError('A document holds no card number: give the card as a variable.', {
          extensions: { code: 'CARD_IN_DOCUMENT', http: { spec: true, status: 400 } },
        });
      }
      return ({ result, replaceParseResult }) => {
        if (result instanceof GraphQLError) replaceParseResult(withoutLiterals(result));
      };
    },
    onValidate() {
      return ({ result, setResult }) => setResult((result as GraphQLError[]).map(withoutLiterals));
    },
  };
}

function documentText(source: unknown): string {
  return typeof source === 'string' ? source : (source as { body: string }).body;
}

/** Class, code and frames. The message stays out: it may repeat what was sent, a row for instance. */
function traceOf(error: unknown): { name: string; code?: string; stack?: string } {
  if (!(error instanceof Error)) return { name: typeof error };
  const frames = error.stack?.split('\n').filter((line) => /^\s+at /.test(line));
  return {
    name: error.name,
    ...('code' in error && typeof error.code === 'string' && { code: error.code }),
    ...(frames && { stack: frames.join('\n') }),
  };
}
