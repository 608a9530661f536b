import { BREAK, validate, visit, type DocumentNode, type ExecutionArgs, type ExecutionResult } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Context } from '../schema/context.ts';
import { refusal } from './refusal.ts';

/** In production, the schema is told to who has a secret key: not by introspection, and not by what an error suggests. */
export function useProduction(): Plugin<Context> {
  return {
    onValidate({ setValidationFn }) {
      setValidationFn((...[schema, document, rules]: Parameters<typeof validate>) =>
        validate(schema, document, rules, { hideSuggestions: true }),
      );
    },
    onExecute: refuseIntrospection,
    onSubscribe: refuseIntrospection,
  };
}

interface Hook {
  readonly args: ExecutionArgs;
  readonly setResultAndStopExecution: (result: ExecutionResult) => void;
}

function refuseIntrospection({ args, setResultAndStopExecution }: Hook): void {
  const { credential } = args.contextValue as Context;
  if (credential.kind === 'key' || !introspects(args.document)) return;
  const error = refusal('INTROSPECTION_NOT_ALLOWED', 403, 'Only a secret key may ask for the schema.');
  setResultAndStopExecution({ errors: [error] });
}

const introspecting = new WeakMap<DocumentNode, boolean>();

function introspects(document: DocumentNode): boolean {
  const known = introspecting.get(document);
  if (known !== undefined) return known;
  let found = false;
  visit(document, {
    Field({ name }) {
      if (name.value !== '__schema' && name.value !== '__type') return undefined;
      found = true;
      return BREAK;
    },
  });
  introspecting.set(document, found);
  return found;
}
