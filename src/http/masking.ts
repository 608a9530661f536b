import { randomUUID } from 'node:crypto';
import { GraphQLError } from 'graphql';
import type { Logger } from '../telemetry.ts';

/**
 * What a caller sees of an error. One that was made for the caller goes out as it is; any other is a fault of
 * ours: the caller gets an id, the log gets the same id with what can be told without repeating any data.
 */
export function createMask(log: Logger): (error: unknown) => Error {
  return (error) => {
    const shown = forCaller(error);
    if (shown !== undefined) return shown;
    const errorId = randomUUID();
    const origin = error instanceof GraphQLError ? (error.originalError ?? error) : error;
    log.error({ errorId, ...traceOf(origin) }, 'unexpected error');
    return new GraphQLError('An unexpected error. Tell the operator this id.', {
      ...(error instanceof GraphQLError && { nodes: error.nodes, path: error.path }),
      extensions: { code: 'INTERNAL_SERVER_ERROR', errorId },
    });
  };
}

function forCaller(error: unknown): GraphQLError | undefined {
  if (!(error instanceof GraphQLError)) return undefined;
  const origin = error.originalError;
  if (origin === undefined || origin === null) return error;
  return origin instanceof GraphQLError ? error : undefined;
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
